#!/bin/bash
# A repository served over HTTP, and cloned.
set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@vendor.example GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@vendor.example
git init -q work && cd work && echo one > file && git add file && git commit -qm one && cd ..
git clone -q --bare work served.git
git -C served.git update-server-info
python3 -m http.server --bind 127.0.0.1 8098 > log 2>&1 &
for _ in {1..25}; do wget -q -O /dev/null http://127.0.0.1:8098/ && break; sleep 0.2; done
git clone -q http://127.0.0.1:8098/served.git copy
cmp work/file copy/file
kill $!
wait || true
