"""What becomes of a HAClusterOperation: which node gets which order, or why nothing is done.

Belongs here: pure decisions on what the objects say and what the nodes have told. Does not: the
store, the API server, clocks (`reconcile.operations`), nor how a node does it (`hacluster_node`).
"""
