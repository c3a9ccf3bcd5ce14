"""The root helper: a few fixed verbs on names of the verified configuration, nothing else.

The agent runs as a user without rights and asks by name: start this resource, run the script
of that monitor. What the name stands for the helper takes from the configuration, whose
signature it checks itself. So whoever breaks into the agent can start and stop what the
operator configured, and nothing more.
"""
