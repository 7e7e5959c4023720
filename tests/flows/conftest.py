"""A BPF file system of each test's own, the loaded programs, and packets to give them."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ato.flows.program import Program, Settings

ETHERNET = bytes(12)
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"


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


@pytest.fixture
def bpffs(tmp_path: Path) -> Iterator[Path]:
    """A place to pin maps to that is nobody else's."""
    folder = tmp_path / "bpf"
    folder.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


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
