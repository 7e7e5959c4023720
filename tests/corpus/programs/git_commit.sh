#!/bin/sh
# A new repository, two commits, a branch, a merge: with git's own hook templates and a config.
set -eu
cd "$HOME"
git config --global user.name 'A Developer'
git config --global user.email developer@vendor.example
git init -q -b main repository
cd repository
echo one >file
git add file
git commit -q -m 'Add a file'
git switch -q -c topic
echo two >>file
git commit -q -am 'Change it'
git switch -q main
git merge -q --no-ff -m 'Merge the topic' topic
git log --oneline --stat
git gc -q
