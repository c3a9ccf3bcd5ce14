"""What the platform puts into each machine: its guest agent, and what gives disks their names.

These are programs of the guest's own Python, which has its standard library and nothing of ours.
"""
