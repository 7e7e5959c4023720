#!/bin/sh
# A program's own log, rotated, packed and thinned out.
for n in 1 2 3 4 5; do
	seq 2000 > app.log
	mv app.log app.log.$n && gzip app.log.$n
done
rm app.log.1.gz
: > app.log
