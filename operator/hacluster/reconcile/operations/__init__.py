"""Carrying out HAClusterOperation objects: from the object to the nodes' store, and back.

| module | does |
|---|---|
| `doors` | what it needs of the API server and of a cluster's store |
| `meetings` | finds that store in Azure, and the keys in their Secret |
| `mailbox` | reads the nodes' reports and writes their orders, signed |
| `one_round` | one look at all operations of a cluster: decide, write, tell |
| `history` | takes old planned moves away; what people asked for stays |
| `keeper` | one loop per cluster, as long as an operation of it is not over |

What is decided, and why, is `plan.operations`. Nothing is remembered that matters: an operator that
starts anew sees in the objects, the store and the reports what was done.
"""
