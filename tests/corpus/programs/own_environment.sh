#!/bin/sh
# A program's own environment and that of a child, written to a log on this machine.
env | cut -d= -f1 | sort > names
export DEMO=1
sh -c 'echo "$DEMO"' > value
tr '\0' '\n' < /proc/self/environ | cut -d= -f1 > own
