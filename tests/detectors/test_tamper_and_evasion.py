"""tamper_and_evasion: who looks for the watcher or covers tracks, told from runtimes and ps."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.tamper_and_evasion import TamperAndEvasion
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import show

FOLDER = os.O_RDONLY | 0o200000
ENOENT, EACCES = -2, -13


def _only(log, detect):
    [finding] = detect(TamperAndEvasion, log)
    return finding


def _unlink(log, pid, path, result=0):
    log.add(ev.Unlink, pid=pid, call="unlink", path=path, file=path, result=result)


# --- the tracer ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/sys/kernel/tracing/kprobe_events",
        "/sys/kernel/debug/tracing/trace_pipe",
        "/sys/fs/bpf",
        "/proc/kallsyms",
    ],
)
@pytest.mark.parametrize("result", [3, ENOENT, EACCES])
def test_the_kernels_tracing(log, detect, path, result):
    log.open(log.root, path, result=result)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.rule == "ATO-EVA-029"
    assert finding.key == f"tamper_and_evasion:tracer:{path}"


@pytest.mark.parametrize("runs", [(4000, 3000, 3000), (10_000,)])
def test_measuring_by_a_file_that_is_not_there(log, detect, runs):
    for count in runs:
        log.open(log.root, "/nothing/there", result=ENOENT, count=count)
    finding = _only(log, detect)
    assert finding.severity is Severity.LOW
    assert finding.key == "tamper_and_evasion:measure:/nothing/there"
    assert "asks 10,000 times on end for /nothing/there" in finding.title


def test_polling_and_many_reads_are_silent(log, detect):
    for _ in range(200):
        log.open(log.root, "/run/app.pid", result=ENOENT, count=99)
    log.open(log.root, "/etc/localtime", count=50_000)
    log.open(log.root, "/tmp/lock", result=ENOENT, count=9000)
    assert detect(TamperAndEvasion, log) == ()


def test_marking_ones_own_events_is_silent(log, detect):
    log.open(log.root, "/sys/kernel/debug/tracing/trace_marker", os.O_WRONLY)
    assert detect(TamperAndEvasion, log) == ()


def test_looking_through_all_processes(log, detect):
    log.open(log.root, "/proc", FOLDER)
    log.open(log.root, "/proc/1/comm")
    log.open(log.root, f"/proc/{log.inner(log.root)}/comm")
    finding = _only(log, detect)
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "tamper_and_evasion:scan:processes"
    assert finding.count == 1


def test_a_shell_that_looks_through_all_processes(log, detect):
    log.open(log.root, "/proc", FOLDER)
    log.open(log.spawn(log.root, "/bin/cat"), "/proc/1/cmdline")
    assert _only(log, detect).severity is Severity.MEDIUM


def test_ps_is_info(log, detect):
    ps = log.spawn(log.root, "/usr/bin/ps", "ax")
    log.open(ps, "/proc", FOLDER)
    for name in ("stat", "status", "cmdline"):
        log.open(ps, f"/proc/1/{name}")
        log.open(ps, f"/proc/{log.inner(log.root)}/{name}")
    finding = _only(log, detect)
    assert finding.severity is Severity.INFO
    assert finding.key == "tamper_and_evasion:list:processes"


def test_the_memory_map_of_another(log, detect):
    child = log.fork(log.root)
    log.open(child, f"/proc/{log.inner(log.root)}/maps")
    assert _only(log, detect).severity is Severity.MEDIUM


def test_asking_to_be_traced(log, detect):
    log.door(log.root, "ptrace", "PTRACE_TRACEME", result=-1)
    finding = _only(log, detect)
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "tamper_and_evasion:traced"


def test_asking_to_be_traced_and_unpacking(log, detect):
    log.door(log.root, "ptrace", "PTRACE_TRACEME")
    log.exec(log.root, "/tmp/unpacked")
    assert _only(log, detect).key == "tamper_and_evasion:traced"


def test_a_debuggers_child_is_silent(log, detect):
    child = log.fork(log.root)
    log.door(child, "ptrace", "PTRACE_TRACEME")
    log.exec(child, "/opt/vendor/debuggee")
    log.door(log.fork(log.root), "ptrace", "PTRACE_TRACEME")  # a trial of what the kernel can
    assert detect(TamperAndEvasion, log) == ()


@pytest.mark.parametrize("name", ["status", "maps", "cmdline", "stat", "smaps", "task/7/comm"])
def test_ones_own_files_are_silent(log, detect, name):
    log.open(log.root, "/proc", FOLDER)
    log.open(log.root, f"/proc/self/{name}", file=f"/proc/{log.inner(log.root)}/{name}")
    log.open(log.root, f"/proc/{log.inner(log.root)}/{name}")
    assert detect(TamperAndEvasion, log) == ()


def test_a_supervisor_that_looks_at_its_children_is_silent(log, detect):
    child = log.spawn(log.root, "/bin/true")
    log.open(log.root, "/proc", FOLDER)
    log.open(log.root, f"/proc/{log.inner(child)}/stat")
    assert detect(TamperAndEvasion, log) == ()


def test_find_walks_through_everything(log, detect):
    find = log.spawn(log.root, "/usr/bin/find", "/")
    for path in ("/proc", "/proc/1", "/proc/1/fdinfo", "/proc/1/task", "/var/log", "/sys/block"):
        log.open(find, path, FOLDER)
    assert detect(TamperAndEvasion, log) == ()


# --- tracks --------------------------------------------------------------------------------------


def test_a_program_removes_itself(log, detect):
    child = log.spawn(log.root, "/tmp/stage2")
    _unlink(log, child, "/tmp/stage2")
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == "tamper_and_evasion:self_delete:/tmp/stage2"


@pytest.mark.parametrize("path", ["/tmp/self.sh", "./self.sh", "self.sh"])
def test_a_script_has_rm_remove_it(log, detect, path):
    script = log.spawn(log.root, path, file="/usr/bin/dash")
    _unlink(log, log.spawn(script, "/usr/bin/rm", path), "/tmp/self.sh")
    assert _only(log, detect).severity is Severity.HIGH


def test_a_program_that_may_not_remove_itself(log, detect):
    _unlink(log, log.root, "/opt/vendor/app", result=-30)
    assert _only(log, detect).severity is Severity.MEDIUM


def test_removing_what_ran_before_is_silent(log, detect):
    log.exit(log.spawn(log.root, "/tmp/conftest"))
    _unlink(log, log.spawn(log.root, "/usr/bin/rm"), "/tmp/conftest")
    assert detect(TamperAndEvasion, log) == ()


def test_an_update_of_itself_is_silent(log, detect):
    child = log.spawn(log.root, "/tmp/tool")
    _unlink(log, child, "/tmp/tool")
    log.add(
        ev.Rename,
        pid=child,
        call="rename",
        path="/tmp/tool.new",
        file="/tmp/tool.new",
        to="/tmp/tool",
        to_file="/tmp/tool",
    )
    assert detect(TamperAndEvasion, log) == ()


def test_pip_replaces_itself(log, detect):
    pip = log.spawn(log.root, "/tmp/venv/bin/pip", file="/usr/bin/python3.11")
    log.exec(pip, "/usr/bin/python3", "-m", "pip", "install", "--upgrade", "pip")
    _unlink(log, pip, "/tmp/venv/bin/pip")
    assert detect(TamperAndEvasion, log) == ()


@pytest.mark.parametrize("path", ["/home/user/.bash_history", "/root/.zsh_history"])
@pytest.mark.parametrize("result", [0, ENOENT])
def test_the_shells_history_is_removed(log, detect, path, result):
    _unlink(log, log.root, path, result)
    finding = _only(log, detect)
    assert finding.severity is (Severity.MEDIUM if result else Severity.HIGH)
    assert finding.key.startswith("tamper_and_evasion:wipe:~/")


@pytest.mark.parametrize("path", ["/var/log/wtmp", "/var/log/auth.log", "/var/run/utmp"])
def test_a_system_log_is_emptied(log, detect, path):
    log.write(log.root, path)
    assert _only(log, detect).severity is Severity.HIGH


def test_the_history_is_linked_away_or_truncated(log, detect):
    history = "/home/user/.bash_history"
    log.add(
        ev.Link,
        pid=log.root,
        call="symlink",
        path="/dev/null",
        to=history,
        to_file=history,
        symbolic=True,
    )
    log.add(ev.Truncate, pid=log.root, call="truncate", path=history, file=history)
    assert _only(log, detect).count == 2


@pytest.mark.parametrize("path", ["/var/log/vendor.log", "/home/user/.python_history", "/tmp/log"])
def test_an_applications_own_log_is_silent(log, detect, path):
    log.write(log.root, path)
    _unlink(log, log.root, path)
    assert detect(TamperAndEvasion, log) == ()


def test_reading_and_appending_is_silent(log, detect):
    log.open(log.root, "/var/log/auth.log")
    log.open(log.root, "/var/log/syslog", os.O_WRONLY | os.O_APPEND)
    log.open(log.root, "/home/user/.bash_history", os.O_WRONLY | os.O_APPEND)
    log.open(log.root, "/home/user/.bash_history", os.O_RDWR)
    assert detect(TamperAndEvasion, log) == ()


# --- fingerprints --------------------------------------------------------------------------------

MARKS = ("/.dockerenv", "/sys/class/dmi/id/product_name", "/sys/hypervisor/type", "/proc/1/cgroup")


def test_three_fingerprints_together(log, detect):
    for path in MARKS:
        log.open(log.root, path, result=ENOENT)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == "tamper_and_evasion:fingerprint"
    assert [show(proof.text).split(":")[0] for proof in finding.evidence] == [
        "container marker",
        "machine's maker",
        "hypervisor",
        "init",
    ]


def test_two_are_silent(log, detect):
    for path in (MARKS[0], MARKS[3], MARKS[3]):
        log.open(log.root, path)
    assert detect(TamperAndEvasion, log) == ()


def test_lscpu_is_silent(log, detect):
    lscpu = log.spawn(log.root, "/usr/bin/lscpu")
    for path in (*MARKS[1:3], "/proc/modules", "/proc/cpuinfo"):
        log.open(lscpu, path)
    assert detect(TamperAndEvasion, log) == ()


def test_a_runtime_that_reads_its_own_limits_is_silent(log, detect):
    for path in (
        *("/proc/self/cgroup", "/proc/cgroups", "/proc/self/mountinfo", "/proc/cpuinfo"),
        *("/proc/meminfo", "/proc/version", "/sys/fs/cgroup/memory.max", "/proc/stat"),
        *("/sys/devices/system/cpu/online", "/sys/kernel/mm/transparent_hugepage/enabled"),
    ):
        log.open(log.root, path)
    assert detect(TamperAndEvasion, log) == ()
