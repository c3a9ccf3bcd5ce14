"""The data plane: routed virtual networks, security groups, balancers with probes, name servers."""
