"""What touches the operating system, behind one small port (`port.System`).

Resources, the guard and the helper ask the port; only this package knows that it is Linux.
Another system needs another implementation of the port and nothing else.
"""
