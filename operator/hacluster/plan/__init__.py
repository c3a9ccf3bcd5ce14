"""Decisions: pure functions from the spec and a snapshot to steps, one module per Azure part.

Each part has `desired()`, the body the spec asks for, and `plan()`, the steps that make it so. Nothing here does
I/O, reads a clock or logs: a decision carries its reason in `why`.
"""
