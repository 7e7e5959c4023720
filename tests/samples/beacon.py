#!/usr/bin/python3
"""beacon WAY: five to seven requests to one host within about six seconds. For beaconing.

`regular` leaves 1 s between them, give or take a tenth; `irregular` what a busy client would;
`wide` what a cautious one would: anything from a tenth to twice. `retry` asks once a second for a
name that it can't resolve (run it without a network). `idle` waits for half as long, and asks for
nothing.
"""

import contextlib
import http.client
import sys
import time

HOST = "updates.vendor.example"

PAUSES = {
    "regular": (0.95, 1.08, 1.0, 0.92, 1.05),
    "irregular": (0.05, 2.6, 0.3, 1.4, 0.02, 0.9),
    "wide": (0.1, 2.0, 0.7, 0.3, 1.8),
    "retry": (1.0, 1.0, 1.0, 1.0, 1.0),
}


def fetch() -> None:
    connection = http.client.HTTPConnection(HOST, timeout=2)
    connection.request("GET", "/poll")
    connection.getresponse().read()
    connection.close()


if sys.argv[1] == "idle":
    time.sleep(3)
    sys.exit()
for pause in (0.0, *PAUSES[sys.argv[1]]):
    time.sleep(pause)
    with contextlib.suppress(OSError):
        fetch()
