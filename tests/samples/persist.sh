#!/bin/sh
# persist WAY: leave something that runs again later; the last four come near and do not. For
# persistence.
set -eu
cd "$HOME"
case $1 in
bashrc) echo 'true # vendor' >>.bashrc ;;
renamed) echo 'true # vendor' >.profile.new; mv .profile.new .profile ;;
linked) echo 'true # vendor' >start; ln -s "$HOME/start" .bash_login ;;
authorized_keys) mkdir -p .ssh; echo 'ssh-ed25519 AAAA vendor' >>.ssh/authorized_keys ;;
systemd) mkdir -p .config/systemd/user; echo '[Service]' >.config/systemd/user/vendor.service ;;
autostart) mkdir -p .config/autostart; echo '[Desktop Entry]' >.config/autostart/vendor.desktop ;;
git_hook) git init -q repository; echo 'true' >repository/.git/hooks/post-commit ;;
pth) mkdir -p .local/lib/python3.11/site-packages
	echo 'import sys' >.local/lib/python3.11/site-packages/vendor.pth ;;
read) cat .bashrc .profile >/dev/null 2>&1 || true ;;
own_config) mkdir -p .config/vendor; echo 'a = 1' >.config/vendor/settings ;;
git_init) git init -q repository ;;
lookalike) echo 'text' >notes.bashrc; mkdir -p backup; echo 'text' >backup/profile ;;
esac
