#!/bin/bash
# A PostgreSQL cluster made, started, asked, stopped.
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
export LC_ALL=C
"$bin/initdb" -D data -A trust -U demo --no-sync > init.log
"$bin/pg_ctl" -D data -w -s -l server.log -o "-k $PWD -c listen_addresses=127.0.0.1 -p 5499 -c fsync=off" start
psql=$bin/psql
"$psql" -h 127.0.0.1 -p 5499 -U demo postgres -qc 'create table t (n int); insert into t select generate_series(1, 1000)'
[ "$("$psql" -h "$PWD" -p 5499 -U demo postgres -Atc 'select sum(n) from t')" = 500500 ]
"$bin/pg_ctl" -D data -w -s -m fast stop
