"""What stands behind a virtual machine: power, disks, Run Command."""
