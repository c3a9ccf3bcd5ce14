"""The agent's process: feeds the state machine with events and carries out what it asks for.

One thread runs the machine (`agent`); everything that may wait runs beside it and comes back
as an event through the inbox (`inbox`). Nothing here decides: a module that would like to
know better than `core` is wrong.
"""
