"""process_memory_access: strangers' memory, told from a debugger at its own child."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.process_memory_access import ProcessMemoryAccess
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import show


@pytest.mark.parametrize("result", [0, -1])
def test_ptrace_of_a_sibling(log, detect, result):
    victim = log.spawn(log.root, "/usr/bin/sleep", "9")
    thief = log.spawn(log.root, "/opt/vendor/helper")
    log.door(thief, "ptrace", "PTRACE_ATTACH", aim=log.inner(victim), result=result)
    [finding] = detect(ProcessMemoryAccess, log)
    assert finding.severity is Severity.HIGH
    assert finding.rule == "ATO-CRD-006"
    assert finding.key == "process_memory_access:ptrace:sleep"
    assert show(finding.lineage[-1].path) == "/opt/vendor/helper"
    assert finding.title.startswith("app → helper reaches into another process (sleep) by ptrace")
    assert finding.title.endswith(", refused (EPERM)") == (result < 0)


@pytest.mark.parametrize("name", ["process_vm_readv", "process_vm_writev"])
def test_memory_of_the_parent(log, detect, name):
    child = log.fork(log.root)
    log.door(child, name, aim=log.inner(log.root), result=16)
    [finding] = detect(ProcessMemoryAccess, log)
    assert finding.key == f"process_memory_access:{name}:app"


def test_mem_of_the_sandboxs_init(log, detect):
    log.open(log.root, "/proc/1/mem", result=-13)
    [finding] = detect(ProcessMemoryAccess, log)
    assert finding.key == "process_memory_access:mem:init"
    assert "the sandbox's init" in finding.title
    assert finding.title.endswith("refused (EACCES)")


def test_mem_of_another_thread_group_by_way_of_a_task(log, detect):
    victim = log.spawn(log.root, "/usr/bin/sleep")
    number = log.inner(victim)
    thief = log.fork(log.root)
    log.open(thief, f"/proc/{number}/task/{number}/mem")
    assert len(detect(ProcessMemoryAccess, log)) == 1


def test_a_child_that_was_never_traced(log, detect):
    child = log.spawn(log.root, "/usr/bin/gpg")
    log.door(log.root, "process_vm_readv", aim=log.inner(child), result=64)
    [finding] = detect(ProcessMemoryAccess, log)
    assert finding.key == "process_memory_access:process_vm_readv:gpg"


def test_a_stolen_descriptor(log, detect):
    victim = log.spawn(log.root, "/usr/bin/gpg")
    thief = log.spawn(log.root, "/opt/vendor/helper")
    log.door(thief, "pidfd_open", aim=log.inner(victim), result=3)
    log.door(thief, "pidfd_getfd", result=4)
    [finding] = detect(ProcessMemoryAccess, log)
    assert finding.key == "process_memory_access:pidfd_getfd:gpg"


def test_a_descriptor_through_a_pidfd_from_elsewhere(log, detect):
    log.door(log.root, "pidfd_getfd", result=4)
    [finding] = detect(ProcessMemoryAccess, log)
    assert finding.key == "process_memory_access:pidfd_getfd:unknown"


# --- near misses ---------------------------------------------------------------------------------


def test_a_debugger_on_its_own_child(log, detect):
    child = log.fork(log.root)
    log.door(child, "ptrace", "PTRACE_TRACEME")
    log.exec(child, "/opt/vendor/debuggee")
    number = log.inner(child)
    log.door(log.root, "ptrace", "PTRACE_POKETEXT", aim=number)
    log.door(log.root, "process_vm_readv", aim=number, result=8)
    log.open(log.root, f"/proc/{number}/mem")
    assert detect(ProcessMemoryAccess, log) == ()


def test_a_tracer_that_seizes_its_own_child(log, detect):
    child = log.fork(log.root)
    log.door(log.root, "ptrace", "PTRACE_SEIZE", aim=log.inner(child))
    log.exec(child, "/bin/true")
    log.door(log.root, "process_vm_readv", aim=log.inner(child), result=8)
    assert detect(ProcessMemoryAccess, log) == ()


def test_ones_own_memory(log, detect):
    number = log.inner(log.root)
    log.open(log.root, "/proc/self/mem", file=f"/proc/{number}/mem")
    log.open(log.root, f"/proc/{number}/mem")
    log.open(log.root, "/proc/thread-self/mem", file=f"/proc/{number}/task/{number}/mem")
    log.door(log.root, "process_vm_readv", aim=number, result=8)
    assert detect(ProcessMemoryAccess, log) == ()


def test_a_supervisor_of_its_own_children(log, detect):
    child = log.spawn(log.root, "/bin/true")
    log.door(log.root, "pidfd_open", aim=log.inner(child), result=3)
    log.door(log.root, "pidfd_getfd", result=4)
    log.door(log.root, "kcmp", aim=log.inner(log.root))
    assert detect(ProcessMemoryAccess, log) == ()


def test_a_process_that_is_not_there(log, detect):
    log.open(log.root, "/proc/4711/mem", result=-2)
    log.door(log.root, "ptrace", "PTRACE_ATTACH", aim=4711, result=-3)
    assert detect(ProcessMemoryAccess, log) == ()


def test_a_number_that_is_used_again(log, detect):
    first = log.fork(log.root)
    log.door(first, "ptrace", "PTRACE_TRACEME")
    log.exit(first)
    second = log.fork(log.init)
    log.events[-1] = type(log.events[-1])(
        ts=log.now, pid=log.init, child=second, inner=log.inner(first)
    )
    log.door(log.root, "process_vm_readv", aim=log.inner(first), result=8)
    assert len(detect(ProcessMemoryAccess, log)) == 1
