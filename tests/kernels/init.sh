#!/busybox sh
# The first process of the machine: makes this host's root file system its own, with all writes
# kept in memory, then goes on with guest.sh in it. Arguments come from the kernel's command line.
set -e
bb=/busybox
$bb mkdir -p /proc /sys /dev /host /memory /root
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev

while read -r module; do
	$bb insmod "/modules/$module"
done </modules/order

$bb mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose host /host
$bb mount -t tmpfs -o size=1g tmpfs /memory
$bb mkdir /memory/upper /memory/work
$bb mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root
for name in proc sys dev; do
	$bb mount -o move "/$name" "/root/$name"
done
for word in $($bb cat /root/proc/cmdline); do
	case $word in ato.*=*) export "ato_${word#ato.}" ;; esac
done
exec $bb switch_root -c /dev/console /root /bin/sh "$ato_here/guest.sh"
