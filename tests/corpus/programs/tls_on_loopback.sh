#!/bin/bash
# A certificate, a TLS server and a client on this machine.
set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost 2> /dev/null
openssl s_server -accept 127.0.0.1:4499 -key key.pem -cert cert.pem -quiet -naccept 1 < /dev/null > /dev/null 2>&1 &
for _ in {1..25}; do
	echo hello | timeout 2 openssl s_client -connect 127.0.0.1:4499 -quiet > /dev/null 2>&1 && break
	sleep 0.2
done
kill $! 2> /dev/null || true
