#!/bin/bash
# first_byte.sh TIMES URL [FOLDER]: seconds from each request's beginning to its answer's first
# byte, each by a connection of its own. With the server of FOLDER, which it starts and ends.
if [ -n "$3" ]; then
	"$3/server" "$3/cert.pem" "$3/key.pem" 4433 &
	trap 'kill $!' EXIT
	until (: > /dev/tcp/127.0.0.1/4433) 2>/dev/null; do sleep 0.05; done
fi
for ((i = 0; i < $1; i++)); do
	curl -sk --http1.1 -o /dev/null -w '%{time_namelookup} %{time_starttransfer}\n' "$2"
done
