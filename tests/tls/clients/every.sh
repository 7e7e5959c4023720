#!/bin/sh
# Runs each of the clients that are named, one after the other, whatever becomes of them.
for client; do
	"/opt/shared/clients/$client"
done
exit 0
