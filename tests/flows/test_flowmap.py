"""The reader of a pinned map that a real program fills."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.capture import flowabi
from pytest_ato.flows.flowmap import FlowMap, wall_clock
from pytest_ato.flows.program import Program, Settings
from pytest_ato.model.errors import CaptureUnavailable, UsageError

from .conftest import tcp, udp

pytestmark = pytest.mark.privileged

Load = Callable[..., Program]
_HASH = 1
"""BPF_MAP_TYPE_HASH."""


@pytest.mark.parametrize("batches", [True, False], ids=["batches", "one by one"])
def test_every_flow_is_yielded_once(load: Load, bpffs: Path, batches: bool) -> None:
    program = load()
    for port in range(1, 6001):  # more than one batch
        program.trial("netflow_filter", udp(port))
    with FlowMap(bpffs / "flow_map", batches=batches) as flows:
        found = list(flows.walk())
    assert sorted(flowabi.key(key).source_port for key, _ in found) == list(range(1, 6001))
    assert {totals.packets_out for _, totals in found} == {1}


def test_totals_are_of_all_processors(load: Load, bpffs: Path) -> None:
    program = load()
    frame = tcp(flags=0x02)
    usable = os.sched_getaffinity(0)
    try:
        for cpu in usable:
            os.sched_setaffinity(0, {cpu})
            program.trial("netflow_filter", frame, repeat=3)
        program.trial("netflow_filter", tcp(flags=0x10))
    finally:
        os.sched_setaffinity(0, usable)
    with FlowMap(bpffs / "flow_map") as flows:
        ((key, totals),) = flows.walk()
        assert flows.read(key) == totals
    assert totals.packets_out == 3 * len(usable) + 1
    assert totals.bytes_out == totals.packets_out * len(frame)
    assert totals.flags_out == 0x12
    assert totals.packets_in == totals.bytes_in == totals.flags_in == 0


def test_times_are_the_kernels_monotonic_ones(load: Load, bpffs: Path) -> None:
    program = load()
    before = time.time_ns()
    program.trial("netflow_filter", udp())
    time.sleep(0.05)
    program.trial("netflow_filter", udp())
    with FlowMap(bpffs / "flow_map") as flows:
        ((_, totals),) = flows.walk()
    tick = 20_000_000
    assert totals.last - totals.first >= 50_000_000 - tick
    assert before - tick <= wall_clock(totals.first) <= wall_clock(totals.last)
    assert wall_clock(totals.last) <= time.time_ns() + tick


def test_what_is_taken_starts_anew(load: Load, bpffs: Path) -> None:
    program = load()
    program.trial("netflow_filter", udp(), repeat=5)
    with FlowMap(bpffs / "flow_map") as flows:
        ((key, totals),) = flows.walk()
        assert flows.take(key) == totals
        assert flows.take(key) is None
        program.trial("netflow_filter", udp())
        again = flows.read(key)
    assert again is not None
    assert again.packets_out == 1


def test_a_full_map_is_counted(load: Load, bpffs: Path) -> None:
    program = load(max_flows=100)
    frames = [udp(port) for port in range(1, 151)]
    for frame in frames:
        program.trial("netflow_filter", frame)
    with FlowMap(bpffs / "flow_map") as flows:
        held = sum(totals.packets_out for _, totals in flows.walk())
        counts = flows.counts()
    assert held == 100
    assert counts.full == 50
    assert counts.full_bytes == 50 * len(frames[0])


def test_counts_outlive_the_programs(load: Load, bpffs: Path) -> None:
    load(max_flows=50).close()
    program = load(max_flows=70)  # the map that is there keeps its size
    program.trial("netflow_filter", udp())
    program.close()
    with FlowMap(bpffs / "flow_map") as flows:
        assert flows.max_entries == 50
        assert len(list(flows.walk())) == 1


def test_no_map_says_who_makes_it(bpffs: Path) -> None:
    with pytest.raises(UsageError, match="ato flows attach"):
        FlowMap(bpffs / "flow_map")


@pytest.mark.parametrize("which", ["flow_map", "flow_map_counts"])
def test_a_map_of_another_layout_is_refused(load: Load, bpffs: Path, which: str) -> None:
    load().close()
    (bpffs / which).unlink()
    _pin_foreign(bpffs / which)
    for use in (lambda: FlowMap(bpffs / "flow_map"), load):
        with pytest.raises(UsageError, match=rf"{which} is a map of another layout.*rm "):
            use()


@pytest.mark.parametrize(("uid", "mode"), [(65534, 0o600), (0, 0o666)], ids=["owner", "mode"])
def test_a_map_that_others_can_write_is_refused(
    load: Load, bpffs: Path, uid: int, mode: int
) -> None:
    load().close()
    os.chown(bpffs / "flow_map", uid, uid)
    (bpffs / "flow_map").chmod(mode)
    for use in (lambda: FlowMap(bpffs / "flow_map"), load):
        with pytest.raises(UsageError, match="remove it, and attach again"):
            use()


def test_an_ordinary_file_is_no_map(tmp_path: Path) -> None:
    (tmp_path / "flow_map").write_text("")
    with pytest.raises(UsageError, match="no pinned map"):
        FlowMap(tmp_path / "flow_map")


def test_an_ordinary_folder_cannot_be_pinned_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mount -t bpf bpf"):
        Program(Settings(tmp_path / "flow_map"))


def test_a_name_with_a_dot_cannot_be_pinned(bpffs: Path) -> None:
    with pytest.raises(UsageError, match="no names with a dot"):
        Program(Settings(bpffs / "flow.map"))


def test_without_privileges_it_says_so(load: Load, bpffs: Path) -> None:
    load().close()
    bpffs.chmod(0o755)
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        told = 0
        for use in (FlowMap, lambda path: Program(Settings(path))):
            try:
                use(bpffs / "flow_map")
            except CaptureUnavailable as error:
                told += "run as root" in str(error)
            except BaseException:
                os._exit(100)
        os._exit(told)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def _pin_foreign(path: Path) -> None:
    """Pin a map that is not ours, as another program would."""
    libbpf = ctypes.CDLL("libbpf.so.1")
    fd = libbpf.bpf_map_create(_HASH, b"foreign", 4, 4, 8, None)
    assert fd >= 0
    assert libbpf.bpf_obj_pin(fd, os.fsencode(path)) == 0
    os.close(fd)
