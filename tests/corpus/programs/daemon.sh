#!/bin/bash
# Something in the background, with its own session and a pid file.
setsid bash -c 'echo $$ > pid; for n in 1 2 3; do echo $n >> log; sleep 0.2; done' < /dev/null > /dev/null 2>&1 &
wait
nohup sleep 0.2 > /dev/null 2>&1
