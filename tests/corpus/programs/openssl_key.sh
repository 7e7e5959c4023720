#!/bin/sh
# Keys and certificates of the program's own: read and written, but not the planted ones.
set -eu
cd "$HOME"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=www.vendor.example \
	-keyout own.key -out own.crt 2>/dev/null
openssl x509 -in own.crt -noout -subject
openssl dgst -sha256 -sign own.key -out signature own.crt
