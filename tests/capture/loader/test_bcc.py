"""The bcc loader on this kernel: what it attaches, leaves behind, and says when it cannot."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ato.capture import abi, cgroupfs, rings
from pytest_ato.capture.decode import Decoder
from pytest_ato.capture.loader import bcc as module
from pytest_ato.capture.loader.bcc import SOURCE, BccLoader
from pytest_ato.capture.probes import BCC_PROBES
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Open

pytestmark = [pytest.mark.privileged, pytest.mark.usefixtures("bcc")]

SMALL = {"critical": 1 << 16, "bulk": 1 << 16}
OPENS = 5000


@pytest.fixture(scope="module")
def loader() -> Iterator[BccLoader]:
    made = BccLoader(ring_sizes=SMALL)
    made.load()
    yield made
    made.close()
    made.close()  # as promised


@pytest.fixture
def cgroup() -> Iterator[tuple[Path, abi.Scope]]:
    (unified,) = [one for one in cgroupfs.hierarchies() if one.version == 2]
    directory = unified.mount / f"{cgroupfs.PREFIX}loader-test-{os.getpid()}"
    directory.mkdir()
    scope = abi.Scope(directory.stat().st_ino, unified.level + 1, active=True, generation=1)
    yield directory, scope
    assert cgroupfs.destroy(directory)


def state() -> dict[str, object]:
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "directory": Path.cwd(),
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "environment": dict(os.environ),
    }


def test_every_probe_is_live_and_what_is_not_seen_is_named(loader: BccLoader) -> None:
    states = loader.probes()
    assert {states[probe.name] for probe in BCC_PROBES} == {"live"}
    unseen = {name for name, word in states.items() if word == "not captured"}
    assert {"connect4", "inet_sock_set_state", "io_uring", "sys_enter", "sys_exit"} <= unseen
    assert "sched_process_fork" not in states  # task_newtask stands for it
    assert loader.unseen


@pytest.mark.serial  # other tests mount meanwhile
def test_a_session_leaves_nothing_behind(loader: BccLoader) -> None:
    before = state()
    second = BccLoader(ring_sizes=SMALL)
    second.load()
    assert {**state(), "descriptors": 0} == {**before, "descriptors": 0}
    second.close()
    assert state() == before


def test_nothing_outside_the_scope_is_told(loader: BccLoader) -> None:
    before = loader.counters()
    subprocess.run(["/bin/true"], check=True)
    assert not loader.drain()
    assert loader.counters() == before


def test_a_flood_through_a_small_ring_is_counted_exactly(loader: BccLoader, cgroup) -> None:
    directory, scope = cgroup
    before = loader.counters()
    loader.set_scope(scope)
    flood = f'open(F, "<", "/tmp/missing") for 1 .. {OPENS}'
    enter = f'echo $$ >"{directory}/cgroup.procs"; exec perl -e "$1"'
    subprocess.run(["sh", "-c", enter, "sh", flood], check=True)
    loader.set_scope(abi.IDLE)
    decoder, opens = Decoder(), 0
    while batch := loader.drain():
        opens += sum(e.count for e in decoder.bulk(batch.bulk) if isinstance(e, Open))
        list(decoder.critical(batch.critical))
    after = loader.counters()
    for name in abi.CLASSES:
        produced = after[name].produced - before[name].produced
        lost = after[name].lost - before[name].lost
        assert produced == decoder.consumed[name] + lost
    assert after["bulk"].lost - before["bulk"].lost > OPENS / 2
    assert 0 < opens <= SMALL["bulk"] // abi.STRIDE


def test_short_opens_lie_at_the_ring_s_stride(loader: BccLoader, cgroup) -> None:
    directory, scope = cgroup
    loader.set_scope(scope)
    enter = f'echo $$ >"{directory}/cgroup.procs"; exec cat /etc/hostname'
    subprocess.run(["sh", "-c", enter], check=True, stdout=subprocess.DEVNULL)
    loader.set_scope(abi.IDLE)
    assert rings.uniform(loader.drain().bulk, abi.STRIDE)


def test_a_text_that_does_not_compile_is_told_with_the_cure(tmp_path: Path) -> None:
    broken = tmp_path / SOURCE.name
    broken.write_text("int f(")
    before = state()
    with pytest.raises(CaptureUnavailable, match="apt-get install linux-headers-") as caught:
        BccLoader(broken).load()
    assert "\n" not in str(caught.value)
    assert {**state(), "descriptors": 0} == {**before, "descriptors": 0}


def test_a_missing_text_is_told_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(CaptureUnavailable, match="reinstall pytest-ato"):
        BccLoader(tmp_path / SOURCE.name).load()


def test_a_required_tracepoint_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module._CATEGORIES, "task", "nosuch")
    with pytest.raises(CaptureUnavailable, match="the probe task_newtask could not be loaded"):
        BccLoader().load()


def test_an_optional_tracepoint_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module._CATEGORIES, "signal", "nosuch")
    made = BccLoader(ring_sizes=SMALL)
    try:
        made.load()
        assert made.probes()["signal_generate"] == "missing"
        assert made.probes()["sys_enter_openat"] == "live"
    finally:
        made.close()


def test_detaching_is_bounded(loader: BccLoader) -> None:
    """Perf tracepoints detach slowly; the caller waits ten seconds before it kills us."""
    second = BccLoader(ring_sizes=SMALL)
    second.load()
    began = time.monotonic()
    second.close()
    assert time.monotonic() - began < 8


def test_the_kernel_s_count_of_misses_is_where_we_read_it(tmp_path: Path) -> None:
    program = tmp_path / "offset"
    text = (
        "#include <linux/bpf.h>\n#include <stddef.h>\n#include <stdio.h>\n"
        'int main(void) { printf("%zu", offsetof(struct bpf_prog_info, recursion_misses)); }\n'
    )
    subprocess.run(["cc", "-x", "c", "-o", program, "-"], input=text, text=True, check=True)
    told = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert int(told) == module._MISSES
