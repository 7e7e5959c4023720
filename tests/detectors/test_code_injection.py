"""code_injection: the loader's list, injected libraries, foreign writes; told from JITs."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.code_injection import CodeInjection
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

READ_EXEC = 5


def _map(log, pid, file, prot=READ_EXEC, **fields):
    log.add(ev.Map, pid=pid, call="mmap", prot=prot, file=file, **fields)


@pytest.mark.parametrize("result", [3, -13, -30])
def test_the_loaders_list_is_written(log, detect, result):
    log.write(log.root, "/etc/ld.so.preload", result=result)
    [finding] = detect(CodeInjection, log)
    assert finding.severity is Severity.HIGH
    assert finding.rule == "ATO-PRV-026"
    assert finding.key == "code_injection:preload"


@pytest.mark.parametrize("kind", [ev.Rename, ev.Link])
def test_the_loaders_list_is_put_in_place(log, detect, kind):
    log.add(
        kind,
        pid=log.root,
        call="x",
        path="/tmp/l",
        file="/tmp/l",
        result=-13,
        to="/etc/ld.so.preload",
        to_file="/etc/ld.so.preload",
    )
    [finding] = detect(CodeInjection, log)
    assert finding.key == "code_injection:preload"


@pytest.mark.parametrize("path", ["/tmp/x.so", "/home/user/.cache/x.so", "/dev/shm/x.so"])
def test_a_library_in_a_program_of_the_systems(log, detect, path):
    victim = log.spawn(log.root, "/usr/bin/ls")
    _map(log, victim, path)
    [finding] = detect(CodeInjection, log)
    assert finding.severity is Severity.HIGH
    assert finding.key.endswith(":ls")
    assert "ls is made to load" in finding.title


def test_a_library_in_a_shell(log, detect):
    _map(log, log.spawn(log.root, "/bin/bash"), "/tmp/x.so")
    assert len(detect(CodeInjection, log)) == 1


@pytest.mark.parametrize("detail", ["PTRACE_POKETEXT", "PTRACE_SETREGS"])
def test_ptrace_writes(log, detect, detail):
    victim = log.spawn(log.root, "/usr/bin/sleep")
    log.door(log.fork(log.root), "ptrace", detail, aim=log.inner(victim))
    [finding] = detect(CodeInjection, log)
    assert finding.key == f"code_injection:write:{detail}:sleep"


def test_process_vm_writev_and_mem(log, detect):
    victim = log.spawn(log.root, "/usr/bin/sleep")
    thief = log.fork(log.root)
    log.door(thief, "process_vm_writev", aim=log.inner(victim), result=8)
    log.open(thief, f"/proc/{log.inner(victim)}/mem", flags=os.O_RDWR)
    assert {finding.key for finding in detect(CodeInjection, log)} == {
        "code_injection:write:process_vm_writev:sleep",
        "code_injection:write:/proc/PID/mem:sleep",
    }


# --- near misses ---------------------------------------------------------------------------------


def test_a_jit(log, detect):
    _map(log, log.root, None, prot=7)
    _map(log, log.root, "/memfd:jit", prot=READ_EXEC)
    log.open(log.root, "/proc/self/mem", os.O_RDWR, file=f"/proc/{log.inner(log.root)}/mem")
    assert detect(CodeInjection, log) == ()


def test_the_loaders_list_is_read(log, detect):
    log.open(log.root, "/etc/ld.so.preload", result=-2)
    assert detect(CodeInjection, log) == ()


@pytest.mark.parametrize(
    "program",
    [
        *("/usr/bin/python3.11", "/usr/bin/node", "/usr/bin/perl", "/usr/bin/ruby3.1"),
        *("/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "/usr/bin/sqlite3", "/usr/bin/R"),
        *("/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "/usr/bin/x86_64-linux-gnu-ld.bfd"),
        "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    ],
)
def test_programs_that_load_extensions(log, detect, program):
    _map(log, log.spawn(log.root, program), "/home/user/build/extension.so")
    assert detect(CodeInjection, log) == ()


def test_a_program_of_the_targets_own_loads_what_it_likes(log, detect):
    _map(log, log.root, "/tmp/plugin.so")
    _map(log, log.spawn(log.root, "/home/user/a.out"), "/home/user/libx.so")
    assert detect(CodeInjection, log) == ()


def test_libraries_of_the_systems_and_the_targets_folder(log, detect):
    ls = log.spawn(log.root, "/usr/bin/ls")
    _map(log, ls, "/usr/lib/x86_64-linux-gnu/libc.so.6")
    _map(log, ls, "/opt/vendor/lib/libhook.so")
    _map(log, ls, "/tmp/data", prot=1)
    assert detect(CodeInjection, log) == ()


def test_a_debugger_sets_a_breakpoint(log, detect):
    child = log.fork(log.root)
    log.door(child, "ptrace", "PTRACE_TRACEME")
    log.exec(child, "/opt/vendor/debuggee")
    log.door(log.root, "ptrace", "PTRACE_POKETEXT", aim=log.inner(child))
    assert detect(CodeInjection, log) == ()
