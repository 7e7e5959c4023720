#!/bin/sh
# sweep WAY: `loop` tries one place after the other where credentials lie; `git` reads git's own
# configuration. For credential_sweep.
set -eu
case $1 in
loop) for name in .aws/credentials .ssh/id_rsa .kube/config .docker/config.json .pgpass; do
		cat "$HOME/$name" >/dev/null 2>&1 || true
	done ;;
git) git config --global user.name vendor; git config --global --list >/dev/null ;;
esac
