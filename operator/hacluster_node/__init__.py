"""The node agent: keeps failover groups running on exactly one node.

Standard library only, Python 3.9; ships as one zip (`build`). The rooms:

- `core`: every decision, pure; `timing`: the protocol's numbers.
- `runtime`: the agent's process, which feeds the core and carries out what it asks for.
- `guard`: a process of its own that fences when a deadline passes; owns the probe's sockets.
- `helper`: a root process of a few fixed verbs, so that the agent needs no rights.
- `settings`: from signed text to checked settings. `witness`, `net`, `monitors`, `records`:
  what goes over the network. `resources`, `system`: what touches the machine.
- `cli`: the command line; `install`: from the zip to running services.

A module that would like to decide something belongs into `core`; one that touches the
machine outside `system` is in the wrong room.
"""
