"""Machines and what they are made of: availability sets, disks, sizes, images, Run Command.

A machine's module says what a machine is; `vm_storage`, `vm_network` and `vm_rules`
look at a write, `vm_power` and `vm_view` at what became of it. What really runs
stands behind the door in `machines`.
"""
