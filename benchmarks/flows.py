"""What accounting of flows costs a packet: in the program alone, and on a veth pair under traffic.

Owns both. Nothing of it leaves the two network namespaces that it makes.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import Sample, alternate
from programs import Place, bpffs
from results import Figure, Goal, Row

from pytest_ato.capture import flowabi
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.capture.network.namespaces import make
from pytest_ato.capture.network.namespaces import path as path_of
from pytest_ato.flows import links
from pytest_ato.flows.attachment import Attachment
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.interfaces import Namespace
from pytest_ato.flows.program import Program, Settings, trial

NANOSECONDS = 40.0
RATIO = 0.85
TRIALS = 50_000
REPEATS = 20
"""Times of trials in a row, of which the least counts: the rest is of other programs."""
PACKETS = 102_400
"""A multiple of what `blast` sends at once."""
ROUNDS = 9
SEVERAL = 256
SETTLE = 0.5
"""Seconds after which no packet is on its way."""
OUTER, INNER, PORT = "192.0.2.1", "192.0.2.2", 9
PASS = struct.pack("=BBHiBBHi", 0xB7, 0, 0, 2, 0x95, 0, 0, 0)
"""``r0 = XDP_PASS; exit``."""
XDP_TYPE = 6
COUNT_BY_FLOW = """
table netdev peer {
    set flows {
        typeof ip saddr . ip daddr . udp sport . udp dport
        size 65535
        flags dynamic
        counter
    }
    chain enters {
        type filter hook ingress device veth0 priority 0;
        update @flows { ip saddr . ip daddr . udp sport . udp dport }
    }
}
"""


def figure(place: Place) -> Figure:
    """Nanoseconds a packet by BPF_PROG_TEST_RUN, then packets a second by real ones."""
    with ExitStack() as held:
        folder = held.enter_context(bpffs(place.path / "flows-bpf"))
        settings = Settings(folder / "flow_map")
        program = held.enter_context(Program(settings))
        bare = held.enter_context(_bare())
        alone = alternate(_trials(program, bare), ROUNDS)
        pair = held.enter_context(_pair())
        traffic = alternate(_runs(place, pair, program, bare, settings.path), ROUNDS)
    added = {name: alone[name].minus(alone["bare"]) for name in ("IPv4", "IPv6")}
    rows = [Row(case="XDP_PASS alone, by BPF_PROG_TEST_RUN", value=alone["bare"], unit="ns")]
    for name, sample in added.items():
        rows.append(Row(case=f"accounting adds to a packet of {name}", value=sample, unit="ns"))
    words = {
        "bare": "XDP_PASS on a veth pair",
        "accounting": "accounting, both directions",
        "several": f"accounting, {SEVERAL} flows in turn",
        "bare several": f"XDP_PASS, {SEVERAL} flows in turn",
        "nftables": "XDP_PASS, and nftables counts by flow",
    }
    against = {"accounting": "bare", "several": "bare several", "nftables": "bare"}
    for name, text in words.items():
        peer = against.get(name)
        rows.append(
            Row(
                case=text,
                value=traffic[name].scaled(1e-6),
                unit="million packets/s",
                ratio=traffic[name].over(traffic[peer]) if peer else None,
                against=words[peer] if peer else "",
            )
        )
    return Figure(
        name="flows",
        title=f"Accounting of flows, a packet; {PACKETS:,} real ones a round",
        rows=rows,
        goals=_goals(added, traffic),
    )


def _goals(added: dict[str, Sample], traffic: dict[str, Sample]) -> list[Goal]:
    worst = max(sample.median for sample in added.values())
    ratio = traffic["accounting"].over(traffic["bare"]).median
    return [
        Goal(
            text=f"accounting adds at most {NANOSECONDS:g} ns to a packet", met=worst <= NANOSECONDS
        ),
        Goal(
            text=f"with accounting at least {RATIO:g} times the packets of a bare XDP_PASS",
            met=ratio >= RATIO,
        ),
    ]


# --- the program alone ---


def _trials(program: Program, bare: int) -> dict[str, Callable[[], float]]:
    ports = struct.pack("!HHHH", 1000, 443, 8, 0)
    four = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + bytes(range(8)) + ports
    six = struct.pack("!IHBB", 6 << 28, 8, 17, 64) + bytes(range(32)) + ports
    frames = {"IPv4": bytes(12) + b"\x08\x00" + four, "IPv6": bytes(12) + b"\x86\xdd" + six}

    def least(fd: int, frame: bytes) -> float:
        return float(
            min(trial(program.libbpf, fd, frame, TRIALS).nanoseconds for _ in range(REPEATS))
        )

    ours = program.fd("netflow_filter")
    cases = {name: lambda frame=frame: least(ours, frame) for name, frame in frames.items()}
    return {"bare": lambda: least(bare, frames["IPv4"]), **cases}


@contextmanager
def _bare() -> Iterator[int]:
    """The shortest program: everything passes."""
    library = ctypes.CDLL("libbpf.so.1", use_errno=True)
    fd = library.bpf_prog_load(XDP_TYPE, b"bare", b"GPL", PASS, ctypes.c_size_t(2), None)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "the bare program cannot be loaded")
    yield fd
    os.close(fd)


# --- real packets ---


@dataclass(frozen=True)
class _Pair:
    outer: int
    inner: int

    def run(self, *command: str, inner: bool = False, given: str = "") -> str:
        """Run a program in one of the namespaces."""
        namespace = path_of(self.inner if inner else self.outer)
        done = subprocess.run(
            ["nsenter", f"--net={namespace}", *command],
            input=given, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def dropped(self) -> int:
        """Packets for which the queue to the outer end was full, since it was made."""
        text = self.run("cat", "/proc/net/dev", inner=True)
        (line,) = (line for line in text.splitlines() if line.strip().startswith("eth0:"))
        return int(line.split(":")[1].split()[11])


@contextmanager
def _pair() -> Iterator[_Pair]:
    """Two namespaces with a veth between them; somebody listens and never reads."""
    pair = _Pair(make(), make())
    peer = f"/proc/{os.getpid()}/fd/{pair.inner}"
    ends = ("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "netns", peer)
    pair.run(*ends)
    for address, end, is_inner in ((OUTER, "veth0", False), (INNER, "eth0", True)):
        pair.run("ip", "addr", "add", f"{address}/24", "dev", end, inner=is_inner)
        pair.run("ip", "link", "set", end, "up", inner=is_inner)
    listener = Namespace(pair.outer).inside(lambda: socket.socket(type=socket.SOCK_DGRAM))
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        listener.bind((OUTER, PORT))
        yield pair
    os.close(pair.outer)
    os.close(pair.inner)


def _runs(
    place: Place, pair: _Pair, program: Program, bare: int, path: Path
) -> dict[str, Callable[[], float]]:
    outer = Namespace(pair.outer)
    index = outer.index("veth0")

    def send(flows: int) -> tuple[int, float]:
        """How many arrived, and in how many seconds."""
        before = pair.dropped()
        blast = (place.target("blast"), OUTER, str(PORT), str(flows), str(PACKETS))
        seconds = float(pair.run(*blast, inner=True))
        return PACKETS - (pair.dropped() - before), seconds

    def passed(flows: int) -> float:
        with _link(program.libbpf, outer, bare, index):
            arrived, seconds = send(flows)
        return arrived / seconds

    def counted(flows: int) -> float:
        with FlowMap(path) as known, Attachment(program, "veth0", outer):
            before = _counted(known)
            arrived, seconds = send(flows)
            time.sleep(SETTLE)
            found = _counted(known) - before
        if found != arrived:
            raise RuntimeError(f"of {arrived:,} packets that arrived, {found:,} were counted")
        return arrived / seconds

    def peer() -> float:
        pair.run("nft", "-f", "-", given=COUNT_BY_FLOW)
        try:
            return passed(1)
        finally:
            pair.run("nft", "delete", "table", "netdev", "peer")

    return {
        "bare": lambda: passed(1),
        "accounting": lambda: counted(1),
        "bare several": lambda: passed(SEVERAL),
        "several": lambda: counted(SEVERAL),
        "nftables": peer,
    }


@contextmanager
def _link(libbpf: Libbpf, namespace: Namespace, program: int, index: int) -> Iterator[None]:
    fd = namespace.inside(lambda: links.create(libbpf, program, index, links.XDP, links.NATIVE))
    try:
        yield
    finally:
        os.close(fd)


def _counted(flows: FlowMap) -> int:
    """Packets of all rounds so far; those of neighbour discovery go elsewhere."""
    found = ((flowabi.key(key), totals) for key, totals in flows.walk())
    return sum(totals.packets_out for key, totals in found if key.destination_port == PORT)
