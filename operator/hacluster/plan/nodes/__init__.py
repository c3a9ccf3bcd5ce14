"""What a node gets from the operator: its configuration, its own file, and its agent.

Belongs here: pure functions from the cluster to documents and scripts, and what the next step of a
key rotation is. Does not: secrets themselves, except in the functions that are called for one
request (`node_file.render`), and when something is done (`reconcile`).
"""
