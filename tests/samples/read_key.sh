#!/bin/sh
# read_key WAY: `cat` opens a planted file for reading; the other ways come near and do not.
# For honeytoken_read.
set -eu
case $1 in
cat) cat "$HOME/.aws/credentials" >/dev/null ;;
stat) stat "$HOME/.aws/credentials" "$HOME/.ssh/id_rsa" >/dev/null; test -r "$HOME/.pgpass" ;;
list) find "$HOME" -ls >/dev/null; ls -lR "$HOME/.ssh" >/dev/null ;;
tar) mkdir -p "$HOME/project"; echo text >"$HOME/project/file"
	tar -C "$HOME" -czf "$HOME/project.tar.gz" project ;;
wget) wget -q -O /dev/null http://downloads.vendor.example/ ;; # looks into ~/.netrc
esac
