#!/usr/bin/python3
"""A program that looks for updates of itself at one host, every second: declared, it is silent."""

import time
import urllib.request

for _ in range(7):
    urllib.request.urlopen("http://updates.vendor.example/latest", timeout=5).read()
    time.sleep(0.8)
