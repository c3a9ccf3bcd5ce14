"""The network provider: networks, security groups, addresses, gateways, interfaces, balancers.

`addresses` and `public_ranges` give addresses out, `rules` has what several types
insist on, and a balancer's many parts are told in `balancer_shapes`,
`balancer_rules` and `balancer_pools`.
"""
