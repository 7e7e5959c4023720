#!/bin/sh
# A Redis server started, filled, asked, stopped.
set -e
redis-server --port 6399 --daemonize no --dir . --logfile redis.log &
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	redis-cli -p 6399 ping 2>/dev/null | grep -q PONG && break
	sleep 0.2
done
redis-cli -p 6399 set answer 42
[ "$(redis-cli -p 6399 get answer)" = 42 ]
redis-cli -p 6399 save
redis-cli -p 6399 shutdown || true
wait
