#!/bin/sh
# Four requests over one connection; only the last has the value.
url=https://keep-alive.vendor.example
exec curl -sS -m 20 --http1.1 $url/1 $url/2 $url/3 "$url/4?token=$GITHUB_TOKEN"
