"""What exists: records, operations under way, and who refers to whom.

Memory is what requests are served from, SQLite in the state directory is its
log: a transaction is written there before it takes effect and before anyone is
told of it, so a killed process loses nothing it has acknowledged. Nothing here
knows HTTP or a resource type; nothing here reads a clock.
"""
