#!/bin/busybox sh
# First process of an emulated machine: its root is a folder of the host, handed to systemd.
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
for module in /modules/*; do insmod "$module"; done
mount -t virtiofs root /root || { echo "no root"; poweroff -f; }
mount -t tmpfs -o mode=755,size=20% none /root/run
mkdir /root/run/azure
mount -t virtiofs platform /root/run/azure
mount -t virtiofs temporary /root/mnt
umount /sys /proc
mount -o move /dev /root/dev
exec switch_root /root /sbin/init
