#!/bin/sh
set -eu
cd "$HOME"
cp /etc/services text
gzip -9 text
gzip -t text.gz
gunzip text.gz
cmp text /etc/services
