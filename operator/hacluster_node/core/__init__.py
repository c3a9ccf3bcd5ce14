"""The agent's decisions: events and clock readings in, effects out, and nothing else.

Here lives every rule that keeps two nodes from serving at once, and everything the agent decides
about groups, resources, monitors and recovery. What is not here is anything that touches the
world: this package imports no asyncio, time, random, os, socket or logging. Its clock is the
``Clocks`` reading in each event; its only randomness is the incarnation it was given at start.
That makes a run a function of its inputs, so the simulation in ``tests/simulation`` drives the
very code that runs on the nodes, with clocks it can stop.

Read, with ``docs/protocol.md`` beside it, in this order: ``events``, ``effects``, ``record``,
``clocks``, ``lease`` (the holder), ``contend`` (everyone else), ``failsafe``, ``freeze``; then
``machine``, which hands each event to them. ``group``, ``monitor`` and ``recovery`` decide what a
node does with the right to be active; ``guide_mode`` is the arrangement without a witness.
"""
