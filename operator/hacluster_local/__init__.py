"""The whole system on one machine: starts the other packages as processes and imports none of them.
"""
