"""The operator: makes Azure and the nodes what a HAClusterSpec object declares.

Rooms, from the inside out: `model` (nouns), `plan` (decisions), `reconcile` (one pass), then `arm`,
`store`, `kube` and `handlers`, each the only door to one library, and `cli`, which binds them
together. An inner room never imports an outer one; import-linter checks it.
"""
