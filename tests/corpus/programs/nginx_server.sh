#!/bin/sh
# A web server with a page, asked over loopback.
set -e
mkdir -p www logs && echo hello > www/index.html
cat > nginx.conf <<EOF
daemon off;
error_log $PWD/logs/error.log;
pid $PWD/nginx.pid;
events {}
http {
	access_log $PWD/logs/access.log;
	client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f;
	uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/s;
	server { listen 127.0.0.1:8099; root $PWD/www; }
}
EOF
/usr/sbin/nginx -e "$PWD/logs/error.log" -p "$PWD" -c "$PWD/nginx.conf" &
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	wget -q -O page http://127.0.0.1:8099/ && break
	sleep 0.2
done
grep -q hello page
kill -QUIT "$(cat nginx.pid)"
wait
