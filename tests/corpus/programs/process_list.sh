#!/bin/sh
# Processes listed, and one found by name.
sleep 5 &
ps aux > /dev/null
ps -ef --forest > /dev/null
pgrep sleep > /dev/null
top -b -n 1 > /dev/null
kill $!
