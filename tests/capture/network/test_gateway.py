"""The gateway's life: nothing leaves, nothing is left, and a sinkhole that fails is noticed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_ato.capture.network import Gateway, confinement, isolated, namespaces, rules
from pytest_ato.model.errors import CaptureUnavailable

pytestmark = pytest.mark.privileged

UID = 61184


def children(pid: int) -> list[int]:
    """All descendants of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            for child in (task / "children").read_text().split():
                found += [int(child), *children(int(child))]
    return found


def sinkhole(gateway: Gateway) -> int:
    """The sinkhole process itself, below the two of its sandbox."""
    assert gateway._sinkhole is not None
    return children(gateway._sinkhole._process.pid)[-1]


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


@pytest.fixture
def own() -> Iterator[Gateway]:
    """A gateway of this test alone, started."""
    gateway = Gateway(UID)
    gateway.start()
    yield gateway
    gateway.close()


def host() -> tuple[str, ...]:
    """What a gateway must not change on the host."""
    commands = (["ip", "link"], ["ip", "addr"], ["ip", "route", "show", "table", "all"])
    listed = [subprocess.run(c, capture_output=True, text=True, check=True) for c in commands]
    ruleset = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True)
    forwarding = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    stable = [" ".join(w for w in out.stdout.split() if not w.endswith("sec")) for out in listed]
    return (*stable, ruleset.stdout, forwarding, str(Path("/proc/self/ns/net").readlink()))


def test_the_host_is_the_same_before_during_and_after():
    descriptors = open_descriptors()
    processes = children(os.getpid())
    before = host()
    gateway = Gateway(UID)
    gateway.start()
    network = gateway.join(1)
    assert host() == before
    network.close()
    gateway.close()
    gateway.close()
    assert host() == before
    assert open_descriptors() == descriptors
    assert children(os.getpid()) == processes


def test_what_runs_on_the_host_is_out_of_reach(audit, only):
    with socket.create_server(("0.0.0.0", 0)) as listener:
        listener.settimeout(0.5)
        port = listener.getsockname()[1]
        names = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True)
        own = [a for a in names.stdout.split() if ":" not in a] or ["198.51.100.200"]
        audit.python(f"""
            import socket
            for address in {own!r}:
                socket.create_connection((address, {port}), 5).sendall(b"out?")
        """)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert [e.sent for e in only.ends(audit.settle())] == [4] * len(own)


def test_the_gateway_has_no_way_out(gateway, audit):
    netns = gateway._netns
    shown = namespaces.inside(
        netns,
        lambda: [
            subprocess.run(c, capture_output=True, text=True, check=True).stdout
            for c in (["ip", "-o", "link"], ["ip", "route"], ["ip", "-6", "route"])
        ],
    )
    links = [line.split(": ")[1].split("@")[0] for line in shown[0].splitlines()]
    assert links[0] == "lo"
    assert all(name.startswith("ato") for name in links[1:])
    assert "via" not in shown[1] + shown[2]


def test_audits_cannot_reach_each_other(gateway, audit):
    netns = namespaces.make()
    try:
        assert namespaces.inode(netns) != audit.network.inode
    finally:
        os.close(netns)
    seen = audit.run("ip", "-o", "link").stdout
    assert [line.split(": ")[1].split("@")[0] for line in seen.splitlines()] == ["lo", "eth0"]


def test_the_network_says_where_it_is(audit):
    assert audit.network.addresses == ("192.168.50.23", "fd3c:5a1e:7d20:32::17")
    assert audit.network.resolver == "192.168.50.1"
    inside = audit.run("stat", "-Lc", "%i", "/proc/self/ns/net").stdout
    assert int(inside) == audit.network.inode


def test_an_isolated_network_has_a_loopback_and_nothing_else():
    with isolated() as network:
        assert (network.addresses, network.resolver) == ((), "")

        def probe() -> list[str]:
            with socket.create_server(("127.0.0.1", 0)) as server:
                socket.create_connection(server.getsockname(), 5).close()
            with pytest.raises(OSError, match="unreachable"):
                socket.create_connection(("203.0.113.1", 80), 5)
            return [name for _, name in socket.if_nameindex()]

        assert namespaces.inside(network.netns, probe) == ["lo"]
    assert network.netns == -1
    network.close()


def test_the_sinkhole_has_no_privilege_and_sees_no_file_of_the_host(own):
    pid = sinkhole(own)
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    assert status["Uid"] == status["Gid"] == "\t".join([str(UID)] * 4)
    assert status["Groups"].strip() == ""
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert status["NoNewPrivs"] == "1"
    root = Path(f"/proc/{pid}/root")
    assert not (root / "proc").exists()
    assert not (root / "dev").exists()
    assert {p.name for p in (root / "etc").iterdir()} <= {"ld.so.cache"}
    assert not (root / "root" / ".bashrc").exists()
    mounts = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    assert all(line.split()[5].startswith("ro") for line in mounts)
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    names = {item.split(b"=")[0] for item in environment if item}
    assert names <= {b"PYTHONPATH", b"LD_LIBRARY_PATH", b"PWD"}
    links = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    assert {link for link in links if link.startswith(("net:", "/"))} == {"/memfd:errors (deleted)"}
    assert str(Path(f"/proc/{pid}/ns/net").readlink()) != str(Path("/proc/self/ns/net").readlink())


def test_a_killed_sinkhole_is_noticed_reported_once_and_replaced(own):
    network = own.join(1)
    pid = sinkhole(own)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while own.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not own.alive()
    events = own.read() + own.settle() + own.read()
    (lost,) = events
    assert "sinkhole failed during the audit" in lost.reason
    assert own.lost() == 1
    network.close()

    again = own.join(2)
    assert own.alive()
    namespaces.inside(again.netns, lambda: socket.create_connection(("203.0.113.1", 80), 5).close())
    assert [event.closed for event in own.settle()] == [True]
    assert own.lost() == 0
    again.close()


def test_an_audit_that_was_given_up_leaves_nothing_to_the_next(own, only):
    first = own.join(1)
    kept = namespaces.inside(first.netns, lambda: socket.create_connection(("203.0.113.1", 80), 5))
    kept.sendall(b"of the first")
    kept.close()
    first.close()
    second = own.join(2)
    assert own.settle() == []
    second.close()


def test_a_process_that_ends_at_start_is_named(monkeypatch):
    monkeypatch.setattr(confinement, "_MODULE", "pytest_ato.capture.nothing")
    gateway = Gateway(UID)
    with pytest.raises(CaptureUnavailable, match=r"sinkhole did not start: .*No module named"):
        gateway.start()
    assert not gateway.alive()


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("echo '{}'", "malformed record"),
        ('echo \'{"kind":"exec","ts":1}\'', "malformed record"),
        ("exit 3", "status 3"),
    ],
)
def test_a_process_that_says_anything_else_is_not_trusted(monkeypatch, says, reason):
    command = ["/bin/sh", "-c", f"{says} && sleep 60"]
    monkeypatch.setattr(confinement, "sinkhole", lambda _: command)
    with pytest.raises(CaptureUnavailable) as caught:
        Gateway(UID).start()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("missing", "package"), [("nft", "nftables"), ("bwrap", "bubblewrap")])
def test_a_missing_program_is_named_with_its_package(monkeypatch, missing, package):
    found = rules.shutil.which
    processes = children(os.getpid())
    monkeypatch.setattr(
        rules.shutil,
        "which",
        lambda name, path: None if name == missing else found(name, path=path),
    )
    with pytest.raises(CaptureUnavailable) as caught:
        Gateway(UID).start()
    assert str(caught.value) == f"{package} is not installed: apt-get install {package}"
    assert children(os.getpid()) == processes


def test_rules_that_the_kernel_refuses_are_one_line(monkeypatch):
    monkeypatch.setattr(rules, "RULES", "table inet gateway { chain nonsense }\n")
    with pytest.raises(CaptureUnavailable, match="nftables refused the gateway's rules") as caught:
        Gateway(UID).start()
    assert "\n" not in str(caught.value)


def test_capture_killed_leaves_no_process():
    source = f"""
import sys, time
from pytest_ato.capture.network import Gateway
gateway = Gateway({UID}); gateway.start(); gateway.join(1)
print("up", flush=True); time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as capture:
        assert capture.stdout is not None
        assert capture.stdout.readline() == b"up\n"
        below = children(capture.pid)
        assert below
        capture.kill()
        capture.wait()
    deadline = time.monotonic() + 30
    while (alive := [p for p in below if Path(f"/proc/{p}").exists()]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.02)
    assert not alive


def test_begin_returns_before_the_sinkhole_is_ready_and_join_is_quick(own):
    times = []
    for serial in range(1, 6):
        began = time.monotonic()
        network = own.join(serial)
        times.append(time.monotonic() - began)
        own.settle()
        network.close()
    assert min(times) < 1


def test_a_reader_that_is_behind_loses_no_byte_of_tcp(own, only):
    network = own.join(1)

    def send() -> None:
        for _ in range(8):
            with socket.create_connection(("203.0.113.1", 9), 5) as s:
                s.settimeout(20)
                s.sendall(b"\xff" * (1 << 20))

    sender = threading.Thread(target=lambda: namespaces.inside(network.netns, send))
    sender.start()
    time.sleep(1.0)  # nobody reads: the sinkhole's outbox is full by now
    events = []
    while sender.is_alive():
        events += own.read()
        time.sleep(0.005)
    events += own.settle()
    network.close()
    assert [end.sent for end in only.ends(events)] == [1 << 20] * 8
    assert all(only.stream(events, n) == b"\xff" * (1 << 20) for n in range(1, 9))
    assert own.lost() == 0
