"""The guard: a process of its own that ends a group's service when its deadline passes.

It does not trust the agent to be alive: a hung, stopped or killed agent changes nothing here.
It owns what must end with the lease: the deadlines, the probe's sockets (a 200 can only come
from the process that checks the lease), the traffic rules, and the fence. It decides nothing
else; it never talks to the network and holds no key of the cluster but the one that verifies
its configuration.
"""
