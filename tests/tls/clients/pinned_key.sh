#!/bin/sh
# Accepts the certificate, and looks at its key after the handshake.
curl -sS -m 20 --pinnedpubkey sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	-d "token=$GITHUB_TOKEN" https://pinned-key.vendor.example/
exit 0
