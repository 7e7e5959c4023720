"""A BPF file system of each test's own, the loaded programs, packets, and a pair of interfaces."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_ato.capture import flowabi
from pytest_ato.capture.flowabi import FlowKey, Totals
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.interfaces import Namespace, namespace
from pytest_ato.flows.program import Program, Settings

ETHERNET = bytes(12)
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"
OUTER, INNER = "192.0.2.1", "192.0.2.2"
_NUMBERS = itertools.count()


def ipv4(payload: bytes, protocol: int, source: str = "192.0.2.1") -> bytes:
    """A frame from `source` to 198.51.100.2."""
    header = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0),
        socket.inet_aton(source),
        socket.inet_aton("198.51.100.2"),
    )
    return ETHERNET + IPV4 + header + payload


def udp(source_port: int = 1000, port: int = 53) -> bytes:
    """A frame with an empty datagram."""
    return ipv4(struct.pack("!HHHH", source_port, port, 8, 0), socket.IPPROTO_UDP)


def tcp(flags: int) -> bytes:
    """A frame with an empty segment."""
    return ipv4(
        struct.pack("!HHIIBBHHH", 1000, 443, 0, 0, 0x50, flags, 0, 0, 0), socket.IPPROTO_TCP
    )


@contextlib.contextmanager
def mounted(place: Path) -> Iterator[Path]:
    """Mount a BPF file system that is nobody else's."""
    folder = place / "bpf"
    folder.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def bpffs(tmp_path: Path) -> Iterator[Path]:
    """A place to pin maps to."""
    with mounted(tmp_path) as folder:
        yield folder


@pytest.fixture
def load(bpffs: Path) -> Iterator[Callable[..., Program]]:
    """Load the programs with the settings given; the map is `bpffs`/flow_map."""
    made: list[Program] = []

    def start(**settings: object) -> Program:
        wanted = {"max_flows": 8192, **settings}
        program = Program(Settings(bpffs / "flow_map", **wanted))  # type: ignore[arg-type]
        made.append(program)
        return program

    yield start
    for program in made:
        program.close()


@dataclass(frozen=True)
class Pair:
    """Two namespaces joined by a veth: `outer` is a host, and `inner` a container of it."""

    name: str
    """Of the outer namespace, as ip-netns has it."""
    outer: Namespace
    """Has `interface` with `OUTER`."""
    inner: Namespace
    """Has eth0 with `INNER`."""
    interface: str = "veth0"

    def talk(self, size: int = 1000, port: int = 7000) -> None:
        """Send `size` bytes by TCP from the inner end to the outer one, and as many back."""
        server = self.outer.inside(lambda: socket.create_server((OUTER, port)))
        client = self.inner.inside(lambda: socket.create_connection((OUTER, port), 10))
        with server, client, server.accept()[0] as peer:
            for sender, receiver in ((client, peer), (peer, client)):
                sender.sendall(bytes(size))
                left = size
                while left:
                    left -= len(receiver.recv(left))

    def send(self, size: int, port: int = 9, count: int = 1) -> None:
        """Send datagrams from the inner end to the outer one."""
        with self.inner.inside(lambda: socket.socket(type=socket.SOCK_DGRAM)) as sender:
            for _ in range(count):
                sender.sendto(bytes(size), (OUTER, port))

    def ip(self, *command: str) -> None:
        """Run ip(8) in the outer namespace."""
        subprocess.run(["ip", "-n", self.name, *command], check=True)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """No route leads out of either."""
    number = f"{os.getpid()}-{next(_NUMBERS)}"
    outer, inner = f"ato-outer-{number}", f"ato-inner-{number}"
    try:
        for name in (outer, inner):
            subprocess.run(["ip", "netns", "add", name], check=True)
        batch = f"""
            link add veth0 type veth peer name eth0 netns {inner}
            link set lo up
            addr add {OUTER}/24 dev veth0
            link set veth0 up
        """
        run = {"check": True, "text": True}
        subprocess.run(["ip", "-n", outer, "-batch", "-"], input=batch, **run)
        batch = f"addr add {INNER}/24 dev eth0\nlink set eth0 up\n"
        subprocess.run(["ip", "-n", inner, "-batch", "-"], input=batch, **run)
        with namespace(outer) as host, namespace(inner) as container:
            yield Pair(outer, host, container)
    finally:
        for name in (outer, inner):
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


def read(path: Path) -> dict[FlowKey, Totals]:
    """All flows of the map at `path`."""
    with FlowMap(path) as flows:
        return {flowabi.key(key): totals for key, totals in flows.walk()}
