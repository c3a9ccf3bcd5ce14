"""Who may do what: role definitions, role assignments, resource locks.

Modules describe the three types; `identity.rights` and `identity.locked` act on them.
"""
