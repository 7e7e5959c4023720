#!/usr/bin/python3
"""A client of a web API: a login, some requests, a small report."""

import json
import urllib.request

BASE = "http://api.vendor.example"


def call(path: str, body: object = None) -> None:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json", "Authorization": "Bearer demo-session"}
    request = urllib.request.Request(BASE + path, data, headers)
    urllib.request.urlopen(request, timeout=5).read()


call("/login", {"jsonrpc": "2.0", "method": "login", "params": {"user": "demo"}})
for page in range(5):
    call(f"/orders?page={page}&since=2025-11-25T12:00:00Z&id=4000123412341235")
call("/report", {"version": "1.2.3", "uptime": 17, "errors": [], "host": "build-4"})
