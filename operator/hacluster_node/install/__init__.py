"""Puts the agent on a machine: from its own zip to running services, repeatable at will.

    python3 hacluster-node.pyz install [--root DIRECTORY]

Run by Run Command as root. It unpacks the zip to a directory named by its hash, compiles it
(so that commands are fast), makes the user, writes the units and switches a link. It starts
nothing that is not enabled, and never touches node.json.
"""
