#!/bin/sh
# Shells as a person starts them: they read their start files.
bash -l -c 'type cd > /dev/null'
bash -i -c true < /dev/null 2> /dev/null
sh -l -c true
