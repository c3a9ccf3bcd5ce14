#!/bin/busybox sh
# The guest's first process: brings the machine up, then does what the command line on tty1 says.
# One command a line, "NUMBER BASE64"; each runs beside the others, and its answer is one line,
# "NUMBER EXITCODE BASE64", where BASE64 is what it printed.
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /run
mount -t tmpfs none /tmp
mkdir -p /run/lock /var/lock /var/run
hostname "$host"
ip link set lo up
ip addr add "$address/24" dev eth0
ip link set eth0 up
insmod /lib/modules/lru_cache.ko
insmod /lib/modules/drbd.ko usermode_helper=/bin/drbdadm
echo 1 > /proc/sys/kernel/printk

exec 3<>/dev/tty1
stty raw -echo <&3

say() { flock /run/lock/say printf '%s\n' "$1" >&3; }

answer() {
    echo "$2" | base64 -d > "/tmp/$1"
    output=$(sh "/tmp/$1" 2>&1 < /dev/null)
    code=$?
    rm "/tmp/$1"
    say "$1 $code $(printf '%s' "$output" | base64 -w0)"
}

say "ready"
while read -r number command <&3; do
    answer "$number" "$command" &
done
