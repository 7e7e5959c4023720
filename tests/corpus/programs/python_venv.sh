#!/bin/sh
# A virtual environment with pip, made without a network, and used.
set -eu
cd "$HOME"
/usr/bin/python3 -m venv environment
environment/bin/python -c 'import sys; assert sys.prefix != sys.base_prefix'
environment/bin/pip --version
