"""sandbox_escape: the ways out, also when refused; told from runtimes that read settings."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.sandbox_escape import SandboxEscape
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

EPERM, ENOENT, EACCES = -1, -2, -13


def _only(log, detect):
    [finding] = detect(SandboxEscape, log)
    return finding


def _unix(log, path, result=0):
    log.add(ev.Connect, pid=log.root, source="syscall", family="unix", address=path, result=result)


@pytest.mark.parametrize(
    "path",
    [
        *("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"),
        *("/run/podman/podman.sock", "/run/user/1000/podman/podman.sock", "docker.sock"),
        *("//run//docker.sock", "/run/lock/../docker.sock"),
        *("/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket"),
        *("/run/crio/crio.sock", "@/containerd-shim/abcdef.sock"),
    ],
)
@pytest.mark.parametrize("result", [0, ENOENT])
def test_engine_sockets(log, detect, path, result):
    _unix(log, path, result)
    finding = _only(log, detect)
    assert finding.rule == "ATO-PRV-028"
    assert finding.severity is (Severity.HIGH if result else Severity.CRITICAL)
    assert finding.key.startswith("sandbox_escape:engine:")


def test_an_engine_socket_is_opened(log, detect):
    log.open(log.root, "/var/run/docker.sock", result=EACCES)
    assert _only(log, detect).key == "sandbox_escape:engine:/var/run/docker.sock"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/proc/sys/kernel/core_pattern", "setting"),
        ("/proc/sysrq-trigger", "setting"),
        ("/sys/kernel/uevent_helper", "setting"),
        ("/sys/fs/cgroup/release_agent", "cgroup"),
        ("/sys/fs/cgroup/rdma/x/release_agent", "cgroup"),
        ("/sys/fs/cgroup/a/cgroup.procs", "cgroup"),
        ("/dev/sda", "device"),
    ],
)
def test_writes(log, detect, path, kind):
    log.open(log.root, path, os.O_WRONLY)
    finding = _only(log, detect)
    assert finding.key == f"sandbox_escape:{kind}:{path}"
    assert finding.severity is Severity.CRITICAL


def test_a_write_that_is_refused_is_high(log, detect):
    log.open(log.root, "/proc/sys/kernel/core_pattern", os.O_WRONLY, result=-30)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.title.endswith(", refused (EROFS)")


@pytest.mark.parametrize("path", ["/dev/nvme0n1p2", "/dev/vda1", "/dev/mem", "/dev/dm-0"])
def test_the_hosts_devices_are_opened(log, detect, path):
    log.open(log.root, path, result=ENOENT)
    assert _only(log, detect).severity is Severity.HIGH


@pytest.mark.parametrize(
    "path",
    [
        *("/proc/1/root/etc/shadow", "/proc/1/cwd", "/proc/1/ns/mnt"),
        *("//proc/1//root/etc/shadow", "/tmp/../proc/./1/root"),
    ],
)
def test_the_inits_root(log, detect, path):
    log.open(log.root, path, file=None, result=EACCES)
    assert _only(log, detect).key.startswith("sandbox_escape:init:")


@pytest.mark.parametrize(
    "name",
    [
        *("setns", "init_module", "finit_module", "delete_module", "kexec_load"),
        *("mount", "umount2", "pivot_root", "move_mount", "fsopen"),
    ],
)
@pytest.mark.parametrize("result", [0, EPERM])
def test_calls(log, detect, name, result):
    log.door(log.root, name, result=result)
    assert _only(log, detect).severity is (Severity.HIGH if result else Severity.CRITICAL)


# --- near misses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/tmp/app.sock", "/run/postgresql/.s.PGSQL.5432", "@/tmp/x"])
def test_other_sockets_are_silent(log, detect, path):
    _unix(log, path)
    assert detect(SandboxEscape, log) == ()


def test_a_socket_of_ones_own_is_silent(log, detect):
    log.add(ev.Bind, pid=log.root, family="unix", address="/tmp/docker.sock")
    _unix(log, "/tmp/docker.sock")
    assert detect(SandboxEscape, log) == ()


@pytest.mark.parametrize(
    "path",
    [
        *("/proc/self/cgroup", "/proc/1/cgroup", "/proc/sys/vm/overcommit_memory", "/proc/1/ns"),
        *("/proc/sys/kernel/core_pattern", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/tasks"),
        *("/sys/kernel/mm/transparent_hugepage/enabled", "/dev/null", "/dev/shm/x", "/dev/tty"),
        *("/proc/self/root/etc/hosts", "/run/systemd/private-not"),
    ],
)
def test_reading_is_silent(log, detect, path):
    log.open(log.root, path)
    assert detect(SandboxEscape, log) == ()


@pytest.mark.parametrize("path", ["/proc/self/oom_score_adj", "/proc/self/uid_map", "/dev/null"])
def test_ones_own_settings_are_silent(log, detect, path):
    log.open(log.root, path, os.O_WRONLY)
    assert detect(SandboxEscape, log) == ()


def test_mounts_in_a_user_namespace_of_ones_own_are_silent(log, detect):
    log.door(log.root, "unshare", "CLONE_NEWUSER|CLONE_NEWNS")
    log.door(log.fork(log.root), "mount")
    assert detect(SandboxEscape, log) == ()


def test_a_refused_namespace_excuses_nothing(log, detect):
    log.door(log.root, "unshare", "CLONE_NEWUSER|CLONE_NEWNS", result=-28)
    log.door(log.root, "mount", result=EPERM)
    assert len(detect(SandboxEscape, log)) == 1


@pytest.mark.parametrize("name", ["ptrace", "socket", "sendfile", "io_uring"])
def test_other_doors_are_silent(log, detect, name):
    log.door(log.root, name)
    assert detect(SandboxEscape, log) == ()
