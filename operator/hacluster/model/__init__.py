"""Nouns: the parsed spec, names and ids, and what was seen in Azure; frozen values and enums.

Belongs here: what a thing is, and what it may be. Does not: what to do about it (`plan`), or how
it is read (`arm`, `kube`). Nothing here does I/O, reads a clock or logs.
"""
