#!/bin/sh
set -eu
cd "$HOME"
sqlite3 shop.db 'create table item (id integer primary key, name text);
	insert into item (name) values ("pen"), ("ink"); create index by_name on item (name);'
sqlite3 -csv shop.db 'select id, name from item order by name'
