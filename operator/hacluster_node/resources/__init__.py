"""The things a failover group starts and stops; one module per kind, all reading alike.

Each kind has `start`, `stop` and `fence`. `start` and `stop` are safe to repeat; `stop`
succeeds on what is not active. `fence` ends all outside effect at once, without asking
anybody, and leaves orderly ends to a later `stop`. Which, when and how often is decided by
the state machine; ports that answer probes belong to the guard, records to `monitors`.
"""
