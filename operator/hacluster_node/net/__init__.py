"""Adapters to the network: bounded HTTP, identity tokens, ARM, DNS, ICMP, heartbeats' UDP.

Every call has a hard wall-clock bound that covers the whole exchange, name resolution
excepted, which happens aside and is remembered. Answers that may have been applied
without our learning of it are `Unknown`, never success and never failure.
"""
