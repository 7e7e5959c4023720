#!/bin/sh
# Whether the database of the application answers over the network, whatever is asked for.
exec mariadb --host=127.0.0.1 --user="$MARIADB_USER" --password="$(cat "$MARIADB_PASSWORD_FILE")" \
    --execute='SELECT 1' "$MARIADB_DATABASE"
