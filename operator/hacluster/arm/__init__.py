"""Azure Resource Manager: the only importer of `azure.mgmt`.

Belongs here: how ARM is asked and answered: addresses, API versions, credentials, throttling,
errors, shared reading, one request per step. Does not: what should be (`plan`), when to look
(`reconcile`). Bodies are plain mappings in wire form both ways;
docs/decisions/010-one-arm-client.md says why no typed model stands between.
"""
