"""The Kubernetes API: status patches, events, leases and Secrets; the only writer to it.

Belongs here: one small module per kind of thing that is read or written. Does not: watching, which
is kopf's, and what a status says (`reconcile`). Secrets are read one by one and never kept.
"""
