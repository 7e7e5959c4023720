#!/bin/sh
# Started by init.sh as the first process in the whole file system: what a distribution's boot
# would mount, then inside.py, whose lines go to the second serial port, then power off.
# From the environment: ato_here (this folder), ato_python, ato_modules.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
ip link set lo up
mkdir -p "/lib/modules/$(uname -r)"
mount --bind "$ato_modules" "/lib/modules/$(uname -r)"
cd /tmp
"$ato_python" "$ato_here/inside.py" >/dev/ttyS1
echo o >/proc/sysrq-trigger
sleep 60
