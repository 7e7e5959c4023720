#!/bin/sh
# A key of the program's own, outside ~/.ssh.
set -eu
ssh-keygen -q -t ed25519 -N '' -C build -f "$HOME/deploy_key"
ssh-keygen -l -f "$HOME/deploy_key.pub"
