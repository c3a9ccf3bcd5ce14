"""`kubectl hacluster`: the cluster as a picture, why it is not well, and acts with their result.

Belongs here: how things are shown and asked for. Does not: any decision about a cluster; an act is
a HAClusterOperation object, which the operator carries out. It speaks to the API server by the
`kubectl` that called it, so whatever signs you in there signs you in here.
"""
