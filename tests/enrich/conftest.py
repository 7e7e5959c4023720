"""A real DNS server (nsd) on loopback with zones of the form that Team Cymru serves, and a relay
before it that can be slow, silent or broken."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ZONES = {
    "origin.asn.cymru.com": """
9.113.0.203 TXT "64500 | 203.0.113.0/24 | DE | ripencc | 2001-02-03"
10.113.0.203 TXT "64501 64502 | 203.0.113.0/28 | NL | ripencc | 2001-02-03"
10.113.0.203 TXT "64503 | 203.0.112.0/20 | FR | ripencc | 2001-02-03"
11.113.0.203 TXT "there is | no such | form"
12.113.0.203 TXT "64500 | 198.51.100.0/24 | DE | ripencc | 2001-02-03"
13.113.0.203 TXT "64500 | 203.0.113.0/24 | \\027[31m | ripencc | 2001-02-03"
14.113.0.203 TXT "99999999999999999999 | 203.0.113.0/24 | DE | ripencc | 2001-02-03"
15.113.0.203 TXT "64504 | 203.0.113.0/24 | DE | ripencc | 2001-02-03"
""",
    "origin6.asn.cymru.com": """
$ORIGIN 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com.
9.0.0.0.0.0.0.0 TXT "64510 | 2001:db8::/32 | JP | apnic | 2004-01-01"
""",
    "asn.cymru.com": """
AS64500 TXT "64500 | DE | ripencc | 2001-02-03 | EXAMPLE-AS Example Networks, DE"
AS64501 TXT "64501 | NL | ripencc | 2001-02-03 | \\027[2JEVIL \\226\\128\\174 name"
AS64510 TXT "64510 | JP | apnic | 2004-01-01 | V6-AS, JP"
""",
    "113.0.203.in-addr.arpa": """
9 PTR host9.vendor.example.
10 PTR two.vendor.example.
""",
    "8.b.d.0.1.0.0.2.ip6.arpa": """
9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.vendor.example.
""",
}
_HEAD = """$ORIGIN {zone}.
$TTL 60
@ SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 60
@ NS ns.invalid.
"""


@pytest.fixture(scope="session")
def name_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Address and port of the server."""
    program = shutil.which("nsd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        pytest.fail("nsd is not installed: apt-get install nsd")
    directory = tmp_path_factory.mktemp("nsd")
    port = _free_port()
    config = directory / "nsd.conf"
    config.write_text(_config(directory, port))
    process = subprocess.Popen([program, "-d", "-c", str(config)], stderr=subprocess.PIPE)
    try:
        _wait(process, port)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(10)


def _config(directory: Path, port: int) -> str:
    text = f"""
server:
    ip-address: 127.0.0.1
    port: {port}
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    database: ""
    logfile: "{directory}/log"
    pidfile: "{directory}/pid"
    xfrdfile: "{directory}/xfrd"
    xfrdir: "{directory}"
    server-count: 1
remote-control:
    control-enable: no
"""
    for zone, records in ZONES.items():
        (directory / zone).write_text(_HEAD.format(zone=zone) + records)
        text += f'zone:\n    name: "{zone}"\n    zonefile: "{zone}"\n'
    return text


def _free_port() -> int:
    """One that nobody has, of UDP and of TCP: the server takes both."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            suppress(OSError),
        ):
            datagrams.bind(("127.0.0.1", 0))
            port = int(datagrams.getsockname()[1])
            stream.bind(("127.0.0.1", port))
            return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    question = os.urandom(2) + bytes.fromhex("0000 0001 0000 0000 0000 00 0001 0001")
    deadline = time.monotonic() + 30
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.1)
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError):
                sock.sendto(question, ("127.0.0.1", port))
                sock.recv(512)
                return
    words = process.stderr.read().decode() if process.stderr and process.poll() else ""
    pytest.fail(f"nsd does not answer: {words}")


class Relay:
    """Passes questions on to the server; `treat` makes of an answer what is sent back (None:
    nothing)."""

    def __init__(self, server: tuple[str, int], treat: Callable[[bytes], bytes | None]) -> None:
        self._server = server
        self._treat = treat
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._open = True
        self.questions = 0
        self.address: tuple[str, int] = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while self._open:
            try:
                question, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            self.questions += 1
            threading.Thread(target=self._answer, args=(question, client), daemon=True).start()

    def _answer(self, question: bytes, client: tuple[str, int]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(10)
            upstream.sendto(question, self._server)
            answer = self._treat(upstream.recv(4096))
        if answer is not None:
            with suppress(OSError):  # nobody waits any more
                self._socket.sendto(answer, client)

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()


@pytest.fixture
def relay(name_server: tuple[str, int]) -> Iterator[Callable[..., Relay]]:
    """Make relays before the server; they end with the test."""
    made: list[Relay] = []

    def make(treat: Callable[[bytes], bytes | None]) -> Relay:
        made.append(Relay(name_server, treat))
        return made[-1]

    yield make
    for one in made:
        one.close()
