"""The Kubernetes API: status patches, events, leases and Secrets; the only writer to the API server."""
