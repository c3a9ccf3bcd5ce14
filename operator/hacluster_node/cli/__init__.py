"""The command line: `client` talks to the agent, `programs` starts the long-running parts.

`client` imports next to nothing, so that a tired administrator gets a status within 50 ms.
"""
