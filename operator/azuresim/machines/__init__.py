"""What stands behind a virtual machine: power, disks, Run Command.

`door` says what the rest of the simulator asks of machines and what it is told.
`model` answers by the clock and a script of results; behind the same door
`nspawn` has the real machines, a `keeper` for each, which knows what the machine
runs in only by the door `body`: a `container`, or an `emulation`. The wire tells a
machine's wishes after each commit and again at every start, so whoever answers
must take the same wish twice.
"""
