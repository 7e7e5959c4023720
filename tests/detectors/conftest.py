"""A log written by hand: tests say what a target did, `detect` says what a detector makes of it.

`log` is a `Log`: each method appends one event (some two), time passes by itself, and what matters
comes first among the arguments. `detect(Detector, log)` runs the real pipeline, and checks on the
way that the log survives encoding and that a second run finds the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from pytest_ato.detectors.interface import Detector
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import octets
from pytest_ato.model.policy import Terms
from pytest_ato.model.spec import AuditSpec, Placed, Target

SECOND = 1_000_000_000
HOME = "/home/user"
DEV = 77  # device of the home's tmpfs

AWS_SECRET = "wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"
AWS_ID = "AKIAQ7XHD5N2TWLK4EZB"
SSH_LINE = "b3ZlcnNlZXIgc2VjcmV0IGtleSBsaW5lIG9mIHRlc3RzIQ"
CARRIERS = (
    ("aws_credentials", "aws", ".aws/credentials", {"aws_id": AWS_ID, "aws_secret": AWS_SECRET}),
    ("ssh_key", "ssh", ".ssh/id_rsa", {"ssh_key": SSH_LINE}),
    ("pgpass", "postgres", ".pgpass", {"pg_password": "pgQ8rT2vLx9ZkM4nWc7Y"}),
    ("netrc", "netrc", ".netrc", {"netrc_password": "nrH3sB6yUj1DfG8mKq5V"}),
    ("docker_config", "docker", ".docker/config.json", {"docker_auth": "dkE7wN4aPz2RtS9xLb6C"}),
    ("kube_config", "kube", ".kube/config", {"kube_token": "kuV5gJ8hQe3YcT7nMw1X"}),
)
"""Name, family, path below the home, and markers of the planted files."""


class Log:
    """Events of one audit, in order; the target's root is pid 100 (`root`)."""

    init = 99
    root = 100
    resolver = "192.0.2.53"
    values: ClassVar = {name: value for *_, markers in CARRIERS for name, value in markers.items()}
    """Minted value of each marker."""

    def __init__(self, network: str = "sinkhole", program: str = "/opt/vendor/app") -> None:
        self.events: list[ev.Event] = []
        self.now = SECOND
        self._pid = self.root
        self._connection = 0
        self._cookie = 0
        self.inodes = {path: 1000 + index for index, (_, _, path, _) in enumerate(CARRIERS)}
        spec = AuditSpec(
            run_id="r1",
            target=Target(
                name="app",
                path="/srv/app",
                sha256="00" * 32,
                size=1,
                format="elf",
                placed=(Placed("/srv/app", program),),
            ),
            network=network,  # type: ignore[arg-type]
        )
        self.add(ev.Audit, spec=spec, started="2025-01-01T00:00:00Z", digest_key=b"k" * 32)
        for name, family, path, markers in CARRIERS:
            self.add(ev.Honeytoken, name=name, family=family, path=path, markers=markers)
        for path, inode in self.inodes.items():
            self.add(ev.Planted, path=f"{HOME}/{path}", dev=DEV, inode=inode)
        self.add(
            ev.Start,
            kernel="6.18",
            loader="core",
            attach_ms=1.0,
            probes={},
            init=self.init,
            uid=64000,
            home=HOME,
            program=program,
            resolvers=(self.resolver,) if network == "sinkhole" else (),
            addresses=("192.0.2.2",) if network == "sinkhole" else (),
        )
        self.add(ev.Fork, pid=self.init, child=self.root, inner=self.inner(self.root))
        self.exec(self.root, program)

    def add(self, kind: type[ev.Event], **fields: Any) -> None:
        """Append any event; `ts` is the log's clock unless given."""
        self.events.append(kind(**{"ts": self.now, **fields}))
        self.now += 1_000_000

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def fork(self, pid: int) -> int:
        """`pid` forks; return the child's pid."""
        self._pid += 1
        self.add(ev.Fork, pid=pid, child=self._pid, inner=self.inner(self._pid))
        return self._pid

    def inner(self, pid: int) -> int:
        """The number that `pid` has in the sandbox: 1 for its init, 2 for the root."""
        return pid - self.init + 1

    def exec(self, pid: int, path: str, *args: str, **fields: Any) -> None:
        """`pid` executes `path`; `file`, `stdio`, `links`, `dev`, `inode`, `call` as wanted."""
        self.add(
            ev.Exec,
            **{"pid": pid, "path": path, "file": path, "argv": (path, *args), "inode": 1, **fields},
        )

    def spawn(self, pid: int, path: str, *args: str, **fields: Any) -> int:
        """`pid` forks a child that executes `path`; return the child's pid."""
        child = self.fork(pid)
        self.exec(child, path, *args, **fields)
        return child

    def exit(self, pid: int, status: int = 0) -> None:
        self.add(ev.Exit, pid=pid, status=status)

    def open(self, pid: int, path: str, flags: int = os.O_RDONLY, **fields: Any) -> None:
        """Open by absolute path, or a planted file by its path below the home."""
        full = path if path.startswith("/") else f"{HOME}/{path}"
        inode = self.inodes.get(full.removeprefix(f"{HOME}/"), 0)
        known = {"dev": DEV, "inode": inode} if inode else {"dev": 1, "inode": 5}
        fields = {"path": full, "file": full, "result": 3, **known, **fields}
        self.add(ev.Open, pid=pid, call="openat", flags=flags, **fields)

    def touch(self, pid: int, path: str, *access: str) -> None:
        """The planted file below the home tells that `pid` used it."""
        inode = self.inodes[path]
        self.add(ev.Touch, pid=pid, dev=DEV, inode=inode, path=f"{HOME}/{path}", access=access)

    def door(self, pid: int, name: str, detail: str = "", **fields: Any) -> None:
        """A call that is told as a `Door`."""
        self.add(ev.Door, pid=pid, name=name, detail=detail, **fields)

    def write(self, pid: int, path: str, **fields: Any) -> None:
        """Open for writing, made anew."""
        self.open(pid, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, **fields)

    def dns(self, qname: str, *answers: str, pid: int | None = None, **fields: Any) -> None:
        """One question (sent by `pid` when given) and its answer."""
        if pid is not None:
            self.connect(pid, self.resolver, 53, protocol="udp")
        known = {"client": "192.0.2.2", "server": self.resolver, "transport": "udp", "qtype": "A"}
        rcode = "NOERROR" if answers else "NXDOMAIN"
        self.add(ev.Dns, **{"qname": qname, "answers": answers, "rcode": rcode, **known, **fields})

    def connect(
        self, pid: int, address: str, port: int, protocol: str = "tcp", result: int = 0
    ) -> int:
        """connect() as both sources tell it; return the socket's cookie."""
        self._cookie += 1
        common = {
            "pid": pid,
            "family": "inet6" if ":" in address else "inet",
            "address": address,
            "port": port,
            "cookie": self._cookie,
        }
        self.add(ev.Connect, source="kernel", protocol=protocol, **common)
        self.add(ev.Connect, source="syscall", protocol="", result=result, fd=3, **common)
        return self._cookie

    def send(self, pid: int, address: str, port: int, data: bytes = b"", **fields: Any) -> None:
        """sendto() of one UDP datagram, and its arrival."""
        family = "inet6" if ":" in address else "inet"
        known = {"family": family, "address": address, "port": port, "protocol": "udp"}
        self.add(ev.Send, pid=pid, source="kernel", size=len(data), **{**known, **fields})
        self.datagram(address, port, data)

    def datagram(self, address: str, port: int, data: bytes, **fields: Any) -> None:
        """A packet that the sinkhole saw."""
        known = {"protocol": "udp", "client": "192.0.2.2", "size": len(data)}
        self.add(
            ev.Datagram,
            **{**known, "address": address, "port": port, "data": octets(data), **fields},
        )

    def tcp(
        self,
        pid: int,
        address: str,
        port: int,
        *pieces: bytes,
        reply: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ) -> int:
        """A whole connection of `pid`, its pieces out one by one; return its number."""
        cookie = self.connect(pid, address, port)
        self._connection += 1
        number, client_port = self._connection, 40_000 + self._connection
        self._states(pid, cookie, address, port, client_port)
        known = {
            "connection": number,
            "client": "192.0.2.2",
            "client_port": client_port,
            "address": address,
            "port": port,
        }
        offset = 0
        for piece in pieces:
            data = octets(piece)
            self.add(ev.Tcp, direction="out", offset=offset, data=data, **known)
            offset += len(piece)
        self.add(ev.Tcp, direction="in", data=octets(reply), **known)
        self.add(ev.Tcp, direction="out", closed=True, sent=offset, received=len(reply), **known)
        return number

    def tls(
        self,
        pid: int,
        address: str,
        port: int,
        *pieces: bytes | dict[str, bytes],
        via: tuple[str, ...] = ("openssl",),
        name: str = "",
        handshake: str = "",
        opaque: int = 0,
    ) -> int:
        """A whole TLS 1.3 connection of `pid`; return its number.

        Of each piece of plaintext, the sources of `via` tell the same, or what the piece's
        dictionary says that each tells; `opaque` bytes go out which no source tells.
        """
        cookie = self.connect(pid, address, port)
        self._connection += 1
        number, client_port = self._connection, 40_000 + self._connection
        self._states(pid, cookie, address, port, client_port)
        ends = {"client": "192.0.2.2", "client_port": client_port, "address": address, "port": port}
        wire = Wire(self, connection=number, **ends)
        wire.handshake(name)
        if handshake:
            self.add(ev.Handshake, connection=number, outcome=handshake, sni=name, **ends)
        streams = dict.fromkeys(via, number)
        offsets = dict.fromkeys((*streams, "proxy"), 0)
        for piece in pieces:
            told = piece if isinstance(piece, dict) else dict.fromkeys(via, piece)
            wire.data(len(max(told.values(), key=len)))
            for source, data in told.items():
                here = ends if source == "proxy" else {"pid": pid, "fd": 3, "cookie": cookie}
                common = {"via": source, "stream": number, "direction": "out", **here}
                at = offsets.get(source, 0)
                offsets[source] = at + len(data)
                size = len(data)
                self.add(ev.Tls, offset=at, data=octets(data), size=size, **common)
        if opaque:
            wire.data(opaque)
        wire.close()
        return number

    def _states(self, pid: int, cookie: int, address: str, port: int, client_port: int) -> None:
        # The kernel picks the local port after the first change, and the second runs in
        # whatever process was interrupted.
        common = {"cookie": cookie, "local": "192.0.2.2", "address": address, "port": port}
        self.add(ev.SocketState, pid=pid, old="CLOSE", new="SYN_SENT", local_port=0, **common)
        self.add(
            ev.SocketState,
            pid=1,
            old="SYN_SENT",
            new="ESTABLISHED",
            local_port=client_port,
            **common,
        )

    def output(self, text: bytes, stream: str = "stdout") -> None:
        self.add(ev.Output, stream=stream, data=octets(text))


class Wire:
    """What the wire shows of one TLS 1.3 connection: hellos, and records of the right sizes."""

    def __init__(self, log: Log, **known: Any) -> None:
        self._log = log
        self._known = known
        self.counts = {"out": 0, "in": 0}

    def handshake(self, name: str) -> None:
        self._send("out", hello(1, name))
        self._send("in", hello(2, "") + record(20, 1) + record(23, 2000))
        self._send("out", record(20, 1) + record(23, 53))  # Finished
        self._send("in", record(23, 250) * 2)  # session tickets

    def data(self, size: int) -> None:
        while size > 0:
            piece = min(size, 16384)
            self._send("out", record(23, piece + 17))
            size -= piece

    def close(self) -> None:
        self._send("out", record(23, 19))  # close_notify
        counts = {"sent": self.counts["out"], "received": self.counts["in"]}
        self._log.add(ev.Tcp, direction="out", closed=True, **counts, **self._known)

    def _send(self, direction: str, data: bytes) -> None:
        offset = self.counts[direction]
        self.counts[direction] += len(data)
        self._log.add(ev.Tcp, direction=direction, offset=offset, data=octets(data), **self._known)


def record(kind: int, size: int, content: bytes = b"") -> bytes:
    """One TLS record; its fragment is `content`, or `size` bytes of 0xee."""
    fragment = content or b"\xee" * size
    return bytes([kind, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


def hello(kind: int, name: str, *extra: tuple[int, bytes]) -> bytes:
    """A record with the ClientHello (1) or ServerHello (2) of TLS 1.3."""
    extensions = [(43, b"\x02\x03\x04" if kind == 1 else b"\x03\x04"), *extra]
    if name:
        host = b"\0" + len(name).to_bytes(2, "big") + name.encode()
        extensions.append((0, len(host).to_bytes(2, "big") + host))
    listed = b"".join(
        number.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body
        for number, body in extensions
    )
    suites = b"\0\x02\x13\x01\x01\0" if kind == 1 else b"\x13\x01\0"
    body = b"\x03\x03" + bytes(32) + b"\0" + suites + len(listed).to_bytes(2, "big") + listed
    return record(22, 0, bytes([kind]) + len(body).to_bytes(3, "big") + body)


@pytest.fixture
def wire() -> Callable[..., list[ev.Event]]:
    """``wire(log, address, port, name, *extensions)``: a connection that ends after its hello."""

    def make(
        log: Log, address: str, port: int, name: str, *extra: tuple[int, bytes]
    ) -> list[ev.Event]:
        log.tcp(log.root, address, port, hello(1, name, *extra), reply=b"")
        return []

    return make


Detect = Callable[..., tuple[Finding, ...]]


@pytest.fixture
def log() -> Log:
    """An audit in the sinkhole network that has just started."""
    return Log()


@pytest.fixture
def make_log() -> type[Log]:
    """The class, for another network or program: ``make_log(network="none")``."""
    return Log


@pytest.fixture
def detect() -> Detect:
    """``detect(Detector, log)``: the findings, after encoding, decoding and a second run."""

    def run(detector: type[Detector], log: Log, terms: Terms | None = None) -> tuple[Finding, ...]:
        first = _run(detector, log.events, terms)
        replayed = [ev.decode(ev.encode(event)) for event in log.events]
        second = _run(detector, replayed, terms)
        assert [ev.encode(finding) for finding in first] == [
            ev.encode(finding) for finding in second
        ]
        return first

    return run


def _run(detector: type[Detector], events: list[Any], terms: Terms | None) -> tuple[Finding, ...]:
    pipeline = Pipeline([detector], terms)
    for event in events:
        pipeline.feed(event)
    pipeline.finish()
    assert pipeline.failures == ()
    return tuple(pipeline.findings)
