"""Deterministic simulation of the agent's real state machine, under every fault of the catalogue.

One seed is one schedule: two or three nodes with clocks of their own that can stop, a network that
loses, delays and repeats, a witness that answers late, twice or not at all, and a balancer that
probes. Nothing here knows the rules; it watches invariants I1 to I7 of ``docs/protocol.md``.

``world`` moves time and messages, ``host`` is one machine, ``faults`` makes schedules, ``mutants``
breaks the rules one by one to prove that the watch is awake, ``model`` is the exhaustive small
model. ``python -m tests.simulation --help`` runs as many schedules as wanted.
"""
