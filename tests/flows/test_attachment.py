"""Counting at real interfaces: both ways, in every mode, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.flows.attachment import Attachment, attached, detach
from pytest_ato.flows.interfaces import namespace
from pytest_ato.flows.program import Program
from pytest_ato.model.errors import UsageError

from .conftest import INNER, OUTER, Pair, read

pytestmark = pytest.mark.privileged

Load = Callable[..., Program]


@pytest.mark.parametrize("tcx", [True, False], ids=["tcx", "clsact"])
def test_both_directions_are_in_one_flow(load: Load, pair: Pair, bpffs: Path, tcx: bool) -> None:
    with Attachment(load(), pair.interface, pair.outer, tcx=tcx) as attachment:
        assert attachment.modes.xdp == "native"
        assert attachment.modes.egress == ("tcx" if tcx else "clsact")
        pair.talk(size=5000)
    (found,) = [
        (key, totals) for key, totals in read(bpffs / "flow_map").items() if key.protocol == "tcp"
    ]
    key, totals = found
    assert (key.source, key.destination, key.destination_port) == (INNER, OUTER, 7000)
    assert key.interface == pair.outer.index(pair.interface)
    assert totals.bytes_out > 5000
    assert totals.bytes_in > 5000
    assert totals.packets_out >= 4
    assert totals.packets_in >= 4
    for seen in (totals.flags_out, totals.flags_in):
        assert seen & 0x13 == 0x13  # FIN, SYN, ACK


def test_what_the_driver_cannot_the_stack_does(load: Load, pair: Pair, bpffs: Path) -> None:
    with Attachment(load(), "lo", pair.outer) as attachment:
        assert attachment.modes.xdp == "generic"
        assert attachment.modes.why_generic
        with pair.outer.inside(lambda: socket.socket(type=socket.SOCK_DGRAM)) as sender:
            sender.sendto(b"x" * 100, ("127.0.0.1", 9))
    found = {key: totals for key, totals in read(bpffs / "flow_map").items() if key.source_port}
    assert sorted(totals.bytes_out for totals in found.values()) == [0, 142]
    assert sorted(totals.bytes_in for totals in found.values()) == [0, 142]


def test_later_fragments_are_counted_without_ports(load: Load, pair: Pair, bpffs: Path) -> None:
    with Attachment(load(), pair.interface, pair.outer):
        pair.send(4000)
    found = {
        (key.source_port != 0, key.destination_port): totals.packets_out
        for key, totals in read(bpffs / "flow_map").items()
        if key.protocol == "udp"
    }
    assert found == {(True, 9): 1, (False, 0): 2}


def test_bytes_are_those_of_the_frames(load: Load, pair: Pair, bpffs: Path) -> None:
    with Attachment(load(), pair.interface, pair.outer):
        pair.send(100, count=50)
    (totals,) = (t for key, t in read(bpffs / "flow_map").items() if key.protocol == "udp")
    assert totals.packets_out == 50
    assert totals.bytes_out == 50 * (14 + 20 + 8 + 100)


@pytest.mark.parametrize("tcx", [True, False], ids=["tcx", "clsact"])
def test_nothing_is_left_at_the_interface(load: Load, pair: Pair, tcx: bool) -> None:
    with Attachment(load(), pair.interface, pair.outer, tcx=tcx):
        assert _has_programs(pair)
        (one,) = attached(Libbpf(), pair.outer)
        assert (one.interface, one.modes.egress) == (pair.interface, "tcx" if tcx else "clsact")
    assert attached(Libbpf(), pair.outer) == []
    assert not _has_programs(pair)


@pytest.mark.parametrize("tcx", [True, False], ids=["tcx", "clsact"])
def test_who_attached_notices_that_another_detached(load: Load, pair: Pair, tcx: bool) -> None:
    libbpf = Libbpf()
    with Attachment(load(), pair.interface, pair.outer, tcx=tcx) as attachment:
        assert attachment.is_attached()
        for one in attached(libbpf, pair.outer):
            detach(libbpf, pair.outer, one)
        assert not attachment.is_attached()
        assert not _has_programs(pair)


def test_a_filter_of_clsact_ends_with_who_was_killed(load: Load, pair: Pair) -> None:
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        Attachment(load(), pair.interface, pair.outer, tcx=False)
        os.write(told, b"x")
        time.sleep(600)
    assert os.read(ready, 1)
    assert _has_programs(pair)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for end in (ready, told):
        os.close(end)
    patience = time.monotonic() + 20
    while _has_programs(pair) and time.monotonic() < patience:  # its guardian takes a moment
        time.sleep(0.02)
    assert not _has_programs(pair)


def test_who_attached_notices_that_the_interface_has_gone(load: Load, pair: Pair) -> None:
    with Attachment(load(), pair.interface, pair.outer) as attachment:
        pair.ip("link", "del", pair.interface)
        assert not attachment.is_attached()


def test_a_namesake_in_another_namespace_is_not_ours(load: Load, pair: Pair) -> None:
    with Attachment(load(), "lo", pair.outer):  # index 1 in every namespace
        assert attached(Libbpf(), pair.inner) == []


def test_two_at_one_interface_are_refused(load: Load, pair: Pair) -> None:
    with (
        Attachment(load(), pair.interface, pair.outer),
        pytest.raises(UsageError, match="veth0 has an XDP program already"),
    ):
        Attachment(load(), pair.interface, pair.outer)


def test_several_interfaces_share_a_map(load: Load, pair: Pair, bpffs: Path) -> None:
    program = load()
    with Attachment(program, "lo", pair.outer), Attachment(program, pair.interface, pair.outer):
        pair.send(10)
        with pair.outer.inside(lambda: socket.socket(type=socket.SOCK_DGRAM)) as sender:
            sender.sendto(b"x", ("127.0.0.1", 9))
    assert {key.interface for key in read(bpffs / "flow_map")} == {1, pair.outer.index("veth0")}


def test_an_unknown_interface_is_told_with_the_known_ones(pair: Pair) -> None:
    with pytest.raises(UsageError, match=r"no interface 'nope' here; there are: lo, veth0"):
        pair.outer.index("nope")


@pytest.mark.parametrize("which", ["no-such", "/no/such", "4194305", "/proc/self/ns/mnt"])
def test_what_is_no_namespace_is_refused(which: str) -> None:
    with pytest.raises(UsageError, match="no network namespace"), namespace(which):
        pass


def _has_programs(pair: Pair) -> bool:
    """Whether ip(8) or tc(8) see any."""
    link = _output("ip", "-n", pair.name, "-d", "link", "show", "dev", pair.interface)
    filters = _output("tc", "-n", pair.name, "filter", "show", "dev", pair.interface, "egress")
    return "xdp" in link or "bpf" in filters


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
