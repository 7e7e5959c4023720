#!/usr/bin/python3
"""Fetches as a person makes them: some hosts, no rhythm."""

import random
import time
import urllib.request

random.seed(4)
for number in range(12):
    host = random.choice(("www", "docs", "status"))
    urllib.request.urlopen(f"http://{host}.vendor.example/{number}", timeout=5).read()
    time.sleep(random.expovariate(1 / 0.35))
