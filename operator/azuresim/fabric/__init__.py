"""The data plane: routed virtual networks, security groups, balancers with probes, name servers.

`door` says what the rest asks of it. `desired` makes values (`wanted`) of the store's records,
`nft`, `plumbing` and `cuts` make text of the values, and `built` brings the kernel there by
difference; all but the last are pure. `linux` keeps all that going with `probes` and `idle`.
"""
