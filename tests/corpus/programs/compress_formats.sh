#!/bin/sh
# One folder through four compressors and back.
set -e
mkdir in && seq 20000 > in/numbers && cp /etc/services in/
for z in gzip bzip2 xz; do
	tar -c in | $z > "in.$z"
	mkdir "out.$z" && $z -dc "in.$z" | tar -x -C "out.$z"
	diff -r in "out.$z/in"
done
find in -type f | busybox cpio -o -H newc > in.cpio
mkdir out.cpio && (cd out.cpio && busybox cpio -id < ../in.cpio) && diff -r in out.cpio/in
python3 -m zipfile -c in.zip in/ && python3 -m zipfile -e in.zip out.zip && diff -r in out.zip/in
