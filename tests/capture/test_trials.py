"""Trials of single probes on the running kernel."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from pytest_ato.capture import cgroupfs
from pytest_ato.capture.probes import PROBES, Probe
from pytest_ato.capture.trials import trials

pytestmark = pytest.mark.privileged

BY_NAME = {probe.name: probe for probe in PROBES}
OF_OTHER_KERNELS = ("io_uring_submit_req", "io_uring_submit_sqe")


def kernel_has(tracepoint: str) -> bool:
    btf = Path("/sys/kernel/btf/vmlinux").read_bytes()
    return b"\0btf_trace_%s\0" % tracepoint.encode() in btf


def test_this_kernel_takes_every_probe() -> None:
    untaken = [trial.probe.name for trial in trials() if not trial.program]
    assert untaken == []


@pytest.mark.parametrize("names", [OF_OTHER_KERNELS, OF_OTHER_KERNELS[::-1]])
def test_the_first_alternative_that_the_kernel_has_is_taken(names: tuple[str, ...]) -> None:
    (trial,) = trials((Probe("io_uring", "odd doors", alternatives=names),))
    expected = [name for name in names if kernel_has(name)]
    assert trial.program == expected[0]
    assert len(trial.refused) == names.index(expected[0])


def test_a_tracepoint_that_is_not_there_is_said_to_be_so() -> None:
    absent = tuple(name for name in OF_OTHER_KERNELS if not kernel_has(name))
    (trial,) = trials((Probe("io_uring", "odd doors", alternatives=absent),))
    assert trial.program == ""
    (reason,) = trial.refused
    assert (reason.errno, reason.strerror) == (errno.ESRCH, "this kernel has no such tracepoint")


def test_one_that_fails_does_not_hide_the_next() -> None:
    broken = Probe("broken", "nothing", alternatives=("no_such_program",))
    first, second = trials((broken, BY_NAME["connect4"]))
    assert (first.program, second.program) == ("", "connect4")
    assert first.refused[0].errno == errno.ENOENT


def test_nothing_is_left() -> None:
    (unified,) = [one for one in cgroupfs.hierarchies() if one.version == 2]
    assert [trial.program for trial in trials((BY_NAME["sendmsg6"],))] == ["sendmsg6"]
    assert list(unified.mount.glob(f"{cgroupfs.PREFIX}trial-*")) == []
