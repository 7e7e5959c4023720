#!/usr/bin/python3
"""transfer WAY: `put` uploads 5 MiB to a server, `parts` in fifty requests, `get` downloads as much
from one on this machine. For bulk_upload.
"""

import http.client
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

HOST = "files.vendor.example"
SIZE = 5 << 20


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.wfile.write(os.urandom(SIZE))

    def log_message(self, *args: object) -> None:
        pass


def put(size: int) -> None:
    connection = http.client.HTTPConnection(HOST, timeout=10)
    connection.request("PUT", "/upload", os.urandom(size))
    connection.getresponse().read()
    connection.close()


def get() -> None:
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)
        connection.request("GET", "/package")
        assert len(connection.getresponse().read()) == SIZE


if sys.argv[1] == "put":
    put(SIZE)
elif sys.argv[1] == "parts":
    for _ in range(50):
        put(SIZE // 50)
else:
    get()
