#!/bin/sh
# A Debian package made, listed and unpacked.
set -e
mkdir -p pkg/DEBIAN pkg/usr/share/demo
printf 'Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@vendor.example>\nDescription: demo\n' > pkg/DEBIAN/control
seq 1000 > pkg/usr/share/demo/data
dpkg-deb --root-owner-group -b pkg demo.deb
dpkg-deb -c demo.deb
dpkg-deb -x demo.deb out
cmp pkg/usr/share/demo/data out/usr/share/demo/data
