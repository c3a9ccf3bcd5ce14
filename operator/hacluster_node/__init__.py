"""The node agent: keeps failover groups running on exactly one node; standard library only, Python 3.9.
"""
