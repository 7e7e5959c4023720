#!/usr/bin/python3
"""mine WAY: say what a miner says to its pool, or what an application says to its server; nothing
is mined. For miner.

`stratum` and `monero` are the first line of the two dialects; `rpc` is an application's own
JSON-RPC on a port that pools like.
"""

import json
import socket
import sys

LINES = {
    "stratum": {"id": 1, "method": "mining.subscribe", "params": ["sample/1.0"]},
    "monero": {
        "id": 1,
        "jsonrpc": "2.0",
        "method": "login",
        "params": {"login": "wallet", "pass": "x", "agent": "sample/1.0", "algo": ["rx/0"]},
    },
    "rpc": {"id": 1, "method": "login", "params": {"login": "jane", "pass": "secret"}},
}

with socket.create_connection(("jobs.vendor.example", 3333), timeout=2) as connection:
    connection.sendall(json.dumps(LINES[sys.argv[1]]).encode() + b"\n")
