"""kernel_bypass_io: doors past the watched calls, told from event loops, pings and plain UDP."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.kernel_bypass_io import KernelBypassIo
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

EPERM, ENOSYS = -1, -38


def _only(log, detect):
    [finding] = detect(KernelBypassIo, log)
    return finding


def test_io_uring_on_files_is_medium(log, detect):
    log.door(log.root, "io_uring", "OPENAT", file="/tmp/data")
    log.door(log.root, "io_uring", "READ", count=3)
    finding = _only(log, detect)
    assert finding.severity is Severity.MEDIUM
    assert finding.rule == "ATO-EVA-021"
    assert finding.key == "kernel_bypass_io:io_uring:file"
    assert finding.count == 4


def test_io_uring_connect_is_high(log, detect):
    log.dns("paste.example", "198.18.0.9")
    log.door(log.root, "io_uring", "CONNECT", address="198.18.0.9", port=443)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == "kernel_bypass_io:io_uring:socket:paste.example:443"
    assert finding.where == "paste.example:443"


@pytest.mark.parametrize("operation", ["SEND", "SENDMSG", "RECV", "SOCKET", "SEND_ZC"])
def test_other_socket_operations_are_high(log, detect, operation):
    log.door(log.root, "io_uring", operation)
    assert _only(log, detect).severity is Severity.HIGH


@pytest.mark.parametrize("by", ["inode", "path"])
def test_io_uring_on_a_honeytoken_is_high(log, detect, by):
    if by == "inode":
        known = {"dev": 77, "inode": log.inodes[".ssh/id_rsa"]}
        log.door(log.root, "io_uring", "READ", **known)
    else:
        log.door(log.root, "io_uring", "OPENAT", file="/home/user/.ssh/id_rsa")
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == "kernel_bypass_io:io_uring:ssh_key"


@pytest.mark.parametrize("door", ["io_uring", "open_by_handle_at", "int80"])
def test_a_honeytoken_that_was_used_by_a_side_door_is_high(log, detect, door):
    log.door(log.root, door, "OPENAT" if door == "io_uring" else "", file="id_rsa")
    log.touch(log.root, ".ssh/id_rsa", "open", "read")
    worst = detect(KernelBypassIo, log)[0]
    assert worst.severity is Severity.HIGH
    assert worst.key == f"kernel_bypass_io:{door}:ssh_key"


@pytest.mark.parametrize("result", [3, EPERM])
@pytest.mark.parametrize("detail", ["AF_PACKET SOCK_RAW", "AF_XDP SOCK_RAW", "AF_INET SOCK_RAW"])
def test_raw_and_packet_sockets_also_when_refused(log, detect, detail, result):
    log.door(log.root, "socket", detail, result=result)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == f"kernel_bypass_io:socket:{detail}"
    assert ("refused (EPERM)" in finding.title) == (result < 0)


@pytest.mark.parametrize("name", ["unshare", "clone", "clone3"])
@pytest.mark.parametrize("result", [0, EPERM])
def test_namespaces_of_ones_own(log, detect, name, result):
    log.door(log.root, name, "CLONE_NEWUSER|CLONE_NEWNS|CLONE_NEWNET", result=result)
    assert [(finding.severity, finding.key) for finding in detect(KernelBypassIo, log)] == [
        (Severity.HIGH, "kernel_bypass_io:namespace:CLONE_NEWNET"),
        (Severity.HIGH, "kernel_bypass_io:namespace:CLONE_NEWUSER"),
    ]


def test_bpf_also_when_refused(log, detect):
    log.door(log.root, "bpf", "BPF_PROG_LOAD", result=EPERM)
    assert _only(log, detect).severity is Severity.HIGH


@pytest.mark.parametrize("door", ["open_by_handle_at", "userfaultfd", "int80"])
def test_handles_page_faults_and_32_bit_calls_are_medium(log, detect, door):
    log.door(log.root, door)
    assert _only(log, detect).severity is Severity.MEDIUM


# --- near misses ---------------------------------------------------------------------------------


def test_an_event_loop_that_only_sets_it_up_is_info(log, detect):
    node = log.spawn(log.root, "/usr/bin/node")
    log.door(node, "io_uring", "setup", result=8)
    log.door(node, "io_uring", "NOP")
    log.door(node, "io_uring", "EPOLL_CTL", count=20)
    log.door(node, "io_uring_setup", result=ENOSYS)
    finding = _only(log, detect)
    assert finding.severity is Severity.INFO
    assert finding.key == "kernel_bypass_io:io_uring:idle"


@pytest.mark.parametrize(
    ("path", "args"), [("/usr/bin/ping", ("-c1", "x")), ("/bin/busybox", ("ping", "x"))]
)
def test_ping_is_info(log, detect, path, args):
    ping = log.spawn(log.root, path, *args)
    log.door(ping, "socket", "AF_INET SOCK_RAW", result=EPERM)
    log.door(ping, "socket", "AF_INET6 SOCK_RAW", result=EPERM)
    assert {finding.severity for finding in detect(KernelBypassIo, log)} == {Severity.INFO}


def test_any_program_that_pings_without_the_raw_socket_is_info(log, detect):
    log.door(log.root, "socket", "AF_INET SOCK_RAW", result=EPERM)
    log.connect(log.root, "203.0.113.9", 0, protocol="icmp")
    assert _only(log, detect).severity is Severity.INFO


def test_a_raw_socket_that_is_granted_is_no_ping(log, detect):
    ping = log.spawn(log.root, "/usr/bin/ping")
    log.door(ping, "socket", "AF_INET SOCK_RAW", result=3)
    assert _only(log, detect).severity is Severity.HIGH


def test_a_program_that_calls_itself_ping(log, detect):
    ping = log.spawn(log.root, "/tmp/ping")
    log.door(ping, "socket", "AF_INET SOCK_RAW", result=EPERM)
    assert _only(log, detect).severity is Severity.HIGH


def test_ordinary_udp_and_netlink_are_silent(log, detect):
    log.send(log.root, "203.0.113.9", 9, b"hello")
    log.door(log.root, "socket", "AF_NETLINK SOCK_RAW", result=3)
    assert detect(KernelBypassIo, log) == ()


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        *(("sendfile", ""), ("splice", ""), ("pass_descriptor", "1 descriptors"), ("kcmp", "")),
        *(("unshare", "CLONE_NEWNS"), ("clone", "CLONE_NEWPID"), ("name_to_handle_at", "")),
    ],
)
def test_ordinary_doors_are_silent(log, detect, name, detail):
    log.door(log.root, name, detail)
    assert detect(KernelBypassIo, log) == ()


def test_faults_of_ones_own_are_silent(log, detect):
    log.door(log.root, "userfaultfd", "UFFD_USER_MODE_ONLY", result=5)
    assert detect(KernelBypassIo, log) == ()


def test_an_unusual_family_is_info(log, detect):
    log.door(log.root, "socket", "AF_ALG SOCK_SEQPACKET", result=3)
    assert _only(log, detect).severity is Severity.INFO


def test_a_touch_that_an_open_tells_is_silent(log, detect):
    log.open(log.root, ".ssh/id_rsa")
    log.touch(log.root, ".ssh/id_rsa", "open", "read")
    assert detect(KernelBypassIo, log) == ()


def test_findings_are_the_same_after_encoding(log, detect):
    log.add(ev.Door, pid=999, name="io_uring", detail="\x1b[2J", file="\x1b")
    assert _only(log, detect).title.isprintable()
