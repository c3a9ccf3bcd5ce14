"""Messages between operator and agent, and between agents; standard library only, Python 3.9.
"""
