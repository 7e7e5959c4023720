#!/usr/bin/python3
"""A web server of the standard library and its client."""

import threading
import urllib.request
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

Path("index.html").write_text("hello")
with HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=".")) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(20):
        url = f"http://127.0.0.1:{server.server_port}/"
        assert urllib.request.urlopen(url, timeout=5).read() == b"hello"
    server.shutdown()
