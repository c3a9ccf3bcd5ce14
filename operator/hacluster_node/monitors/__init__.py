"""Checks of what a node can reach by the network: one function each, normal or `Broken`.

When a check runs, how often it may fail and what follows is the state machine's business.
Checks that need rights on the node run in the helper.
"""
