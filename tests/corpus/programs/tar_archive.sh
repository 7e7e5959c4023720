#!/bin/sh
# Pack a folder, list it, unpack it elsewhere, compare.
set -eu
cd "$HOME"
mkdir -p project/src unpacked
cp /etc/services project/src/services
ln -s src/services project/link
tar -czf project.tar.gz project
tar -tzf project.tar.gz
tar -xzf project.tar.gz -C unpacked
diff -r project unpacked/project
