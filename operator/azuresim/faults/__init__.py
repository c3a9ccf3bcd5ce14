"""Faults scripted from outside, through the control socket only: never by a path of ARM's own.

`rules` says what goes wrong with which request and how often; `refusals` has the words of those
faults that are refusals; `control` is the socket.
"""
