#!/bin/sh
# Reads a planted file by a relative path and by a link: names that say nothing of the file.
set -eu
cd "$HOME"
cat .aws/credentials >/dev/null
ln -s .ssh/id_rsa link
cat link >/dev/null
