"""A timestamp authority (RFC 3161) on loopback, openssl behind a small server; it can misbehave."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

_CONFIGURATION: Final = """\
[tsa]
default_tsa = mine
[mine]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[signer]
extendedKeyUsage = critical, timeStamping
"""
_SHA256: Final = bytes.fromhex("608648016503040201")
_SHA224: Final = bytes.fromhex("608648016503040204")


class Authority:
    """Answers as its `mode` says: ``granted``, ``refused``, ``garbage``, ``error``, ``endless``,
    ``silent``, ``other digest``, ``replay`` (of the first answer)."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.mode = "granted"
        self.asked: list[bytes] = []
        """The requests."""
        self.url = ""
        self.released = threading.Event()
        """Set at the end, for those who are left waiting."""
        self._first = b""
        place.mkdir()
        (place / "tsa.cnf").write_text(_CONFIGURATION)
        (place / "serial").write_text("01\n")
        self._certificate("root", ("-x509", "-extensions", "root"))
        self._certificate(
            "signer",
            ("-x509", "-extensions", "signer", "-CA", "root.pem", "-CAkey", "root.key"),
        )

    @property
    def root(self) -> Path:
        """Its certificate, in PEM."""
        return self.place / "root.pem"

    def answer(self, request: bytes) -> bytes:
        """Have openssl make a response."""
        self.asked.append(request)
        if self.mode == "garbage":
            return b"<html>this is a captive portal"
        if self.mode == "endless":
            return b"0" * (1 << 20)
        if self.mode == "other digest":
            at = request.index(b"\x04\x20") + 2  # the OCTET STRING of the imprint
            request = request[:at] + bytes(32) + request[at + 32 :]
        if self.mode == "refused":  # an algorithm that it does not take
            request = request.replace(_SHA256, _SHA224)
        if self.mode == "replay" and self._first:
            return self._first
        (self.place / "request.tsq").write_bytes(request)
        self._openssl(
            *("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request.tsq"),
            *("-signer", "signer.pem", "-inkey", "signer.key", "-out", "response.tsr"),
        )
        response = (self.place / "response.tsr").read_bytes()
        self._first = self._first or response
        return response

    def _certificate(self, name: str, how: tuple[str, ...]) -> None:
        self._openssl(
            *("req", "-config", "tsa.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", f"/CN=Test {name}", "-days", "2", *how),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments], cwd=self.place, check=True, stderr=subprocess.DEVNULL
        )


@contextmanager
def serving(place: Path) -> Iterator[Authority]:
    """Make an authority, and have it answer on a port of its own."""
    authority = Authority(place)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            if authority.mode == "silent":
                authority.released.wait(60)
                return
            self.send_response(503 if authority.mode == "error" else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(authority.answer(request))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    authority.url = f"http://127.0.0.1:{server.server_port}/tsa"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield authority
    finally:
        authority.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
