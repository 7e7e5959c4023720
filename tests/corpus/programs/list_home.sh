#!/bin/sh
# The home listed, not read; one project of it copied.
ls -laR ~ > /dev/null
find ~ -type f -ls > /dev/null
du -s ~ > /dev/null
mkdir project && seq 100 > project/data && cp -a project backup && diff -r project backup
