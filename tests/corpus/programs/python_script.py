#!/usr/bin/python3
"""Modules with C extensions, threads, a subprocess, a temporary folder, a socket to itself."""

import hashlib
import json
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ssl.create_default_context()
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "data.json"
    path.write_text(json.dumps({"squares": [n * n for n in range(100)]}))
    print(hashlib.sha256(path.read_bytes()).hexdigest())
with sqlite3.connect(":memory:") as database:
    database.execute("create table t (n integer)")
    database.executemany("insert into t values (?)", [(n,) for n in range(10)])
    assert database.execute("select sum(n) from t").fetchone() == (45,)
with ThreadPoolExecutor(4) as pool:
    assert sum(pool.map(len, ["a", "bb", "ccc"])) == 6
with (
    socket.create_server(("127.0.0.1", 0)) as server,
    socket.create_connection(server.getsockname()) as client,
):
    client.sendall(b"hello")
    connection, _ = server.accept()
    with connection:
        assert connection.recv(5) == b"hello"
subprocess.run([sys.executable, "-c", "print('child')"], check=True)
