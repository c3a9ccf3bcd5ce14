"""Managed identities: made by themselves, with their federated credentials, or given to a resource.

`assigned` has the `identity` member that machines and accounts have; `principals`
is where the rest of the simulator asks which principals there are because of them.
"""
