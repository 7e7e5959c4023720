"""Another process of root's takes away what the capture stands on, or the kernel never had it."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.capture import abi
from pytest_ato.capture.loader.kernel_types import BTF
from pytest_ato.capture.probes import PROBES
from pytest_ato.model.verdict import Verdict

pytestmark = pytest.mark.privileged

# include/uapi/linux/bpf.h
ARRAY, PERCPU_ARRAY = 2, 6


@pytest.fixture(scope="module")
def auditor(faulty):
    return faulty()


def map_id(pid: int, kind: int, value_size: int) -> int:
    """The id of the one map of that type and size that a process has open."""
    wanted = {f"map_type:\t{kind}", f"value_size:\t{value_size}"}
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        lines = path.read_text().splitlines()
        if wanted <= set(lines):
            return next(int(line.split()[1]) for line in lines if line.startswith("map_id:"))
    raise AssertionError("the process has no such map")


def empty(number: int, value_size: int) -> None:
    """Write zeroes over the first element of a map, as ``bpftool map update`` does."""
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    fd = libbpf.bpf_map_get_fd_by_id(ctypes.c_uint32(number))
    assert fd >= 0, os.strerror(ctypes.get_errno())
    key, value = ctypes.c_uint32(0), bytes(value_size)
    assert libbpf.bpf_map_update_elem(fd, ctypes.byref(key), value, ctypes.c_uint64(0)) == 0
    os.close(fd)


def test_a_scope_emptied_from_outside_is_noticed(auditor, vendor, meanwhile):
    def wipe(target: int) -> None:
        size = abi.SCOPE_LAYOUT.format.size
        empty(map_id(auditor.runtime.pid, ARRAY, size), size)
        os.kill(target, signal.SIGTERM)

    meanwhile("sleep\x00491", wipe)
    report = auditor.audit(vendor("exec sleep 491")).report
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    for probe in PROBES:
        if probe.proven:
            sentence = f"the probe {probe.name} did not see the sandbox's own test call after the"
            assert any(each.startswith(sentence) for each in report.inconclusive), probe.name


def test_counts_emptied_from_outside_disagree(auditor, vendor, meanwhile):
    def wipe(target: int) -> None:
        possible = ctypes.CDLL("libbpf.so.1").libbpf_num_possible_cpus()
        size = abi.COUNTS_LAYOUT.format.size
        empty(map_id(auditor.runtime.pid, PERCPU_ARRAY, size), size * possible)
        os.kill(target, signal.SIGTERM)

    meanwhile("sleep\x00492", wipe)
    report = auditor.audit(vendor("exec sleep 492")).report
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    for name in abi.CLASSES:
        assert any(each.startswith(f"the {name} counts disagree") for each in report.inconclusive)


def detach(pid: int, kind: str) -> None:
    """Detach one of a process's links of that type, as ``bpftool link detach`` does."""
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        fields = dict(line.split(":\t") for line in path.read_text().splitlines() if ":\t" in line)
        if fields.get("link_type") == kind:
            fd = libbpf.bpf_link_get_fd_by_id(ctypes.c_uint32(int(fields["link_id"])))
            assert libbpf.bpf_link_detach(fd) == 0
            os.close(fd)
            return
    raise AssertionError("the process has no such link")


@pytest.mark.parametrize(("kind", "probe"), [("xdp", "wire"), ("cgroup", "connect4")])
def test_a_probe_detached_by_another_process_is_named(auditor, vendor, meanwhile, kind, probe):
    def act(target: int) -> None:
        detach(auditor.runtime.pid, kind)
        os.kill(target, signal.SIGTERM)

    meanwhile("sleep\x00493", act)
    report = auditor.audit(vendor("exec sleep 493"), network="sinkhole").report
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    assert f"{probe}: the probe was detached during the audit" in report.inconclusive


def test_the_next_audit_is_whole_again(auditor, vendor):
    assert auditor.audit(vendor("exit 0")).report.verdict is Verdict.APPROVE


@pytest.fixture
def kernel_without(tmp_path) -> Callable[..., Path]:
    """Write type information in which tracepoints are missing."""

    def write(*names: str) -> Path:
        text = BTF.read_bytes()
        for name in names:
            symbol = b"\0btf_trace_%s\0" % name.encode()
            assert symbol in text
            text = text.replace(symbol, symbol.swapcase())
        path = tmp_path / "vmlinux"
        path.write_bytes(text)
        return path

    return write


@pytest.mark.parametrize("name", ["sched_process_exit", "inet_sock_set_state"])
def test_a_required_tracepoint_that_the_kernel_lacks_is_named(faulty, vendor, kernel_without, name):
    report = faulty(btf=kernel_without(name)).audit(vendor("exit 0")).report
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    assert f"the required probe {name} is missing" in report.inconclusive


def test_an_optional_tracepoint_that_the_kernel_lacks_is_a_line_of_coverage(
    faulty, vendor, kernel_without
):
    without = next(probe.alternatives for probe in PROBES if probe.name == "io_uring")
    here = [name for name in without if b"\0btf_trace_%s\0" % name.encode() in BTF.read_bytes()]
    report = faulty(btf=kernel_without(*here)).audit(vendor("exit 0")).report
    assert (report.verdict, report.inconclusive) == (Verdict.APPROVE, ())
    assert report.coverage.probes["io_uring"] == "missing"
    assert any("without live probes: io_uring" in note for note in report.coverage.notes)
