"""source_disagreement: races and unseen ways, told from what timing and the kernel explain."""

from __future__ import annotations

import errno

import pytest
from msgspec.structs import replace

from pytest_ato.detectors.source_disagreement import SourceDisagreement
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

A, B = "203.0.113.9", "198.51.100.7"
KEY = ".ssh/id_rsa"


def _end(log, ended="exit", lost=0):
    log.add(ev.End, ended=ended, counters={"critical": ev.Counters(produced=9, lost=lost)})


def _only(log, detect):
    [finding] = detect(SourceDisagreement, log)
    assert finding.rule == "ATO-INT-033"
    return finding


def _kernel(log, pid, address, port=443, kind=ev.Connect, **fields):
    known = {"family": "inet", "protocol": "tcp" if kind is ev.Connect else "udp"}
    log.add(kind, pid=pid, source="kernel", address=address, port=port, **{**known, **fields})


def _call(log, pid, address, port=443, kind=ev.Connect, **fields):
    known = {"family": "inet", "result": 0}
    log.add(kind, pid=pid, source="syscall", address=address, port=port, **{**known, **fields})


def _open(log, path, file, **fields):
    log.add(ev.Open, pid=log.root, call="openat", path=path, file=file, result=3, **fields)


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", [("open", "read", "close"), ("open",), ("read",)])
def test_a_file_that_no_call_opened(log, detect, access):
    log.touch(log.root, KEY, *access)
    _end(log)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == "source_disagreement:file:ssh_key"


def test_a_loader_that_does_not_see_all_calls_proves_no_absence(log, detect):
    log.touch(log.root, KEY, "open", "read", "close")
    _end(log)
    at = next(n for n, event in enumerate(log.events) if isinstance(event, ev.Start))
    log.events[at] = replace(log.events[at], probes={"sys_enter": "not captured"})
    assert detect(SourceDisagreement, log) == ()


def test_an_open_of_another_process_explains_no_opening(log, detect):
    log.open(log.root, KEY)
    log.touch(log.fork(log.root), KEY, "open", "read")
    _end(log)
    assert _only(log, detect).key == "source_disagreement:file:ssh_key"


def test_a_descriptor_of_which_nobody_opened_the_file_is_told_once(log, detect):
    log.touch(log.root, KEY, "open")
    log.touch(log.root, KEY, "read")
    log.touch(log.fork(log.root), KEY, "read")
    _end(log)
    assert _only(log, detect).count == 1


def test_merged_events_of_a_file(log, detect):
    for _ in range(200):
        log.open(log.root, KEY)
    log.touch(log.root, KEY, "open", "read", "close")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_the_file_tells_before_its_call_does(log, detect):
    log.touch(log.root, KEY, "open")
    log.open(log.root, KEY)
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_an_inherited_descriptor(log, detect):
    log.open(log.root, KEY)
    log.touch(log.root, KEY, "open")
    child = log.spawn(log.root, "/bin/cat")
    log.touch(child, KEY, "read", "close")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_a_hard_link(log, detect):
    log.open(log.root, "/tmp/innocent", dev=77, inode=log.inodes[KEY])
    log.touch(log.root, KEY, "open", "read")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


@pytest.mark.parametrize("door", ["io_uring", "open_by_handle_at", "int80"])
def test_a_side_door_explains(log, detect, door):
    log.touch(log.root, KEY, "open", "read")
    log.door(log.root, door, "OPENAT")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_a_side_door_that_was_refused_or_is_anothers_explains_nothing(log, detect):
    log.door(log.root, "open_by_handle_at", result=-1)
    log.door(log.fork(log.root), "io_uring", "OPENAT")
    log.touch(log.root, KEY, "open", "read")
    _end(log)
    assert len(detect(SourceDisagreement, log)) == 1


def test_a_number_that_is_used_again(log, detect):
    first = log.fork(log.root)
    log.open(first, KEY)
    log.exit(first)
    log.add(ev.Fork, pid=log.root, child=first)
    log.touch(first, KEY, "open", "read")
    _end(log)
    assert len(detect(SourceDisagreement, log)) == 1


def test_where_events_were_lost_nothing_is_absent(log, detect):
    log.touch(log.root, KEY, "open", "read")
    _kernel(log, log.root, A)
    _end(log, lost=1)
    assert detect(SourceDisagreement, log) == ()


# --- paths ---------------------------------------------------------------------------------------


def test_a_path_that_is_changed_under_way(log, detect):
    log.open(log.root, "/tmp/harmless", file="/home/user/.ssh/id_rsa", changed=True)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == "source_disagreement:path:openat"
    assert finding.where == "~/.ssh/id_rsa"
    assert "/tmp/harmless" in str(finding.evidence[0].text)


def test_a_changed_path_that_nobody_can_tell_is_medium(log, detect):
    log.open(log.root, "/tmp/harmless", changed=True)
    log.add(ev.Unlink, pid=log.root, call="unlink", path="/a", file="/a", changed=True)
    assert {finding.severity for finding in detect(SourceDisagreement, log)} == {Severity.MEDIUM}


def test_links_and_relative_paths(log, detect):
    log.open(log.root, "/lib/x.so", file="/usr/lib/x.so")
    _open(log, "../x", "/opt/x")
    log.exec(log.root, "/usr/bin/tool", file="/usr/bin/python3.11")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


@pytest.mark.parametrize("path", ["../x", "x", "./x", "."])
def test_a_relative_path_that_fits(log, detect, path):
    _open(log, path, "/opt/x", changed=True)
    assert _only(log, detect).severity is Severity.MEDIUM


# --- destinations --------------------------------------------------------------------------------


def test_a_thread_that_flips_the_address(log, detect):
    _kernel(log, log.root, A)
    _call(log, log.root, B)
    finding = _only(log, detect)
    assert finding.severity is Severity.HIGH
    assert finding.key == "source_disagreement:destination"
    assert finding.where == f"{A}:443"
    assert f"{B} port 443" in str(finding.evidence[0].text)


def test_a_thread_that_flips_the_port_or_a_datagrams_address(log, detect):
    _kernel(log, log.root, A, 80)
    _call(log, log.root, A, 443)
    _kernel(log, log.root, A, 9, ev.Send)
    _call(log, log.root, B, 9, ev.Send)
    assert _only(log, detect).count == 2


def test_a_race_is_one_finding_however_it_ends(log, detect):
    log.open(log.root, "/tmp/harmless", result=-2, changed=True)
    log.open(log.root, "/tmp/harmless", file="/home/user/.ssh", changed=True)
    log.open(log.root, "/tmp/harmless", file="/home/user/.ssh/id_rsa", changed=True)
    assert (_only(log, detect).severity, _only(log, detect).count) == (Severity.HIGH, 3)


def test_a_connection_that_no_call_names(log, detect):
    _kernel(log, log.root, A)
    _end(log)
    assert _only(log, detect).key == f"source_disagreement:unnamed:{A}:443"


def test_a_connection_between_two_that_are_named(log, detect):
    log.connect(log.root, A, 1)
    _kernel(log, log.root, A, 2)
    log.connect(log.root, A, 3)
    _end(log)
    assert _only(log, detect).key == f"source_disagreement:unnamed:{A}:2"


def test_a_datagram_that_no_call_names(log, detect):
    _kernel(log, log.root, A, 9, ev.Send)
    log.datagram(A, 9, b"x")
    _end(log)
    assert _only(log, detect).key == f"source_disagreement:unnamed:{A}:9"


@pytest.mark.parametrize("door", ["io_uring", "int80"])
def test_a_door_explains_a_destination(log, detect, door):
    _kernel(log, log.root, A)
    log.door(log.root, door, "CONNECT")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_many_threads_at_once(log, detect):
    for tid in range(10):
        _kernel(log, log.root, A, tid, tid=tid)
    for tid in reversed(range(10)):
        _call(log, log.root, A, tid, tid=tid)
    _end(log)
    assert detect(SourceDisagreement, log) == ()


@pytest.mark.parametrize("name", ["EFAULT", "EINVAL", "EAFNOSUPPORT", "EALREADY", "EISCONN"])
def test_calls_that_the_kernel_never_followed(log, detect, name):
    _call(log, log.root, B, result=-getattr(errno, name))
    _kernel(log, log.root, A)
    _call(log, log.root, A, result=-errno.EINPROGRESS)
    _call(log, log.root, A, result=-getattr(errno, name))
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_a_lookup_and_its_connected_udp(log, detect):
    log.dns("www.vendor.example", A, pid=log.root)
    for address in (A, B):  # sorting addresses
        log.connect(log.root, address, 443, protocol="udp")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_fast_open_names_in_a_send_what_the_kernel_connects(log, detect):
    _kernel(log, log.root, A)
    _call(log, log.root, A, kind=ev.Send)
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_any_address_is_the_own_machine(log, detect):
    _kernel(log, log.root, "127.0.0.1")
    _call(log, log.root, "0.0.0.0")
    _kernel(log, log.root, "::1", family="inet6")
    _call(log, log.root, "::", family="inet6")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_many_messages_in_one_call(log, detect):
    for port in range(1, 41):
        _kernel(log, log.root, A, port, ev.Send)
    for port in range(1, 17):
        _call(log, log.root, A, port, ev.Send)
    for port in range(1, 41):
        log.datagram(A, port, b"x")
    log.connect(log.root, A, 443)
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_a_datagram_that_never_left(log, detect):
    _kernel(log, log.root, "2001:db8::1", 9, ev.Send, family="inet6")
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_records_of_one_call_in_the_wrong_order(log, detect):
    _call(log, log.root, A)
    _kernel(log, log.root, A)
    _end(log)
    assert detect(SourceDisagreement, log) == ()


def test_a_record_that_comes_much_too_late_is_another_call(log, detect):
    _call(log, log.root, A, result=-errno.ECONNREFUSED)
    log.wait(1)
    _kernel(log, log.root, A)
    _end(log)
    assert len(detect(SourceDisagreement, log)) == 1


@pytest.mark.parametrize("ended", ["timeout", "limit", "interrupted"])
def test_a_call_that_was_cut_off(log, detect, ended):
    _kernel(log, log.root, A)
    _end(log, ended)
    assert detect(SourceDisagreement, log) == ()


def test_unix_sockets_and_strange_families_have_one_source(log, detect):
    _call(log, log.root, "/run/x", 0, family="unix")
    _call(log, log.root, "", 0, family="other")
    _end(log)
    assert detect(SourceDisagreement, log) == ()
