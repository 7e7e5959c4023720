#!/bin/sh
# Calls the host that its program's name says; what Java encrypts, only the proxy sees.
name=${0##*/}
case $name in *-upload) size=10000000 ;; *) size=0 ;; esac
exec java -Xshare:auto -XX:TieredStopAtLevel=1 -cp /opt/shared Client "$name" $size
