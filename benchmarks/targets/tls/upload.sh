#!/bin/bash
# upload.sh MEGABYTES URL [FOLDER]: curl's own words for how many bytes a second it sent. With the
# server of FOLDER, which it starts and ends.
if [ -n "$3" ]; then
	"$3/server" "$3/cert.pem" "$3/key.pem" 4433 &
	trap 'kill $!' EXIT
	until (: > /dev/tcp/127.0.0.1/4433) 2>/dev/null; do sleep 0.05; done
fi
file=$(mktemp)
piece=$(mktemp)
head -c 1M /dev/urandom > "$piece"
for ((i = 0; i < $1; i++)); do cat "$piece"; done > "$file"
curl -sk --http1.1 -H Expect: -o /dev/null -w '%{speed_upload}\n' -T "$file" "$2"
rm "$file" "$piece"
