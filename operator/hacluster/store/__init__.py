"""The meeting place of the cluster in blob storage: the only importer of `azure.storage`.

Belongs here: reading and writing blobs by name, and translating what the store answers. Does not:
what the blobs hold (`plan.nodes`, `hacluster_wire`), nor when they are read (`reconcile`).
"""
