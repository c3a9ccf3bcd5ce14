"""Decisions: pure functions from a `View` to steps, one module per Azure part.

Each part has `desired(view)`, the resources the spec asks for, and `plan(view)`, the steps that
make them so. `parts` puts them together: `watched`, `plan`, `plan_deletion`. Nothing here does I/O,
reads a clock or logs: a decision carries its reason in `why`.
"""
