#!/bin/bash
# Each way of speaking TLS asks for a path of its own name.
python3 /srv/server.py | cat &
until (: > /dev/tcp/127.0.0.1/4433) 2>/dev/null; do sleep 0.1; done
url=https://127.0.0.1:4433

curl -sk $url/curl/
wget -q --no-check-certificate -O- $url/wget/
printf 'GET /s_client/ HTTP/1.0\r\n\r\n' |
	timeout 5 openssl s_client -quiet -ign_eof -connect 127.0.0.1:4433 2>/dev/null
printf 'GET /gnutls-cli/ HTTP/1.0\r\n\r\n' | timeout 5 gnutls-cli --insecure -p 4433 127.0.0.1
printf 'GET /tstclnt/ HTTP/1.0\r\n\r\n' | timeout 5 tstclnt -h 127.0.0.1 -p 4433 -o -D
NODE_TLS_REJECT_UNAUTHORIZED=0 node -e "require('https').get('$url/node/')"
python3 /srv/clients.py
/srv/static 4433 /static/
/srv/local 4433 /local/
/srv/static 4433 /paged/ paged
LD_LIBRARY_PATH=/srv /srv/old-openssl 4433 /old-openssl/
/srv/hidden 4433 /hidden/
for go in plain stripped; do /srv/go-$go 127.0.0.1:4433 /go-$go/; done
/srv/old-go
/srv/callbacks

# Nobody knew of these before they ran: what they do after a while is seen, also when capture has
# much to read.
python3 /srv/clients.py giant
cp /srv/go-stripped /tmp/dropped
/tmp/dropped 127.0.0.1:4433 /first/ /dropped/
mkdir /tmp/lib && cp -L /usr/lib/x86_64-linux-gnu/libssl.so.3 /tmp/lib/renamed
ln -s renamed /tmp/lib/libssl.so.3
LD_LIBRARY_PATH=/tmp/lib python3 /srv/clients.py late
kill 0
