"""The whole system on one machine: for the demo, the tests and a laptop.

Belongs here: what must be installed (`setup`), and starting, watching and stopping the real parts:
control plane (`controlplane`), store (`store`), simulated Azure and the operator. Does not: any
behaviour of those parts. They run as processes, and not one of their packages is imported.
"""
