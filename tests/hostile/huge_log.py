"""Writes an event log of any size in which everything is new: ``huge_log.write(path, size)``.

Owns what such a log holds: of each kind of record many, with values that never come twice, between
the records that frame an audit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Finding, Severity
from pytest_ato.model.octets import octets
from pytest_ato.model.spec import AuditSpec, Placed, Target


def write(path: Path, size: int, kinds: tuple[str, ...] = ()) -> int:
    """Write at least `size` bytes; `kinds`: of these classes alone. Returns how many."""
    written = records = 0
    with path.open("wb") as file:
        for event in _frame():
            file.write(ev.encode(event) + b"\n")
        for number in range(1 << 40):
            for event in _round(number, 10_000 + number * 1_000_000):
                if kinds and type(event).__name__ not in kinds:
                    continue
                written += file.write(ev.encode(event) + b"\n")
                records += 1
            if written >= size:
                break
        file.write(ev.encode(ev.End(ts=1 << 62, ended="exit", run_ms=1.0, counters={})) + b"\n")
    return records


def _frame() -> Iterator[ev.Event]:
    placed = (Placed("/srv/app", "/opt/app"),)
    target = Target(
        name="app", path="/srv/app", sha256="00" * 32, size=1, format="elf", placed=placed
    )
    spec = AuditSpec(run_id="r", target=target)
    yield ev.Audit(ts=1, spec=spec, started="2025-01-01T00:00:00Z", digest_key=b"k" * 32)
    yield ev.Start(
        ts=2,
        kernel="6.18",
        loader="core",
        attach_ms=1.0,
        probes={},
        init=1,
        uid=64000,
        home="/home/user",
        program="/opt/app",
    )
    yield ev.Fork(ts=3, pid=1, child=2)
    yield ev.Exec(ts=4, pid=2, path="/opt/app", file="/opt/app", argv=("app",))


def _round(n: int, ts: int) -> Iterator[ev.Event]:
    """One record of each kind, all about things that no round before it had."""
    pid, port = 100 + n, 1024 + n % 60_000
    address = f"2001:db8::{n >> 16 & 0xFFFF:x}:{n & 0xFFFF:x}"
    path = f"/home/user/.cache/{n:x}/odd name {n * 7919:x}.so"
    task: dict[str, Any] = {"ts": ts, "pid": pid}
    file: dict[str, Any] = {**task, "path": path, "file": path, "result": 3}
    where: dict[str, Any] = {"address": address, "port": port}
    client: dict[str, Any] = {"client": "192.0.2.2", "client_port": port}
    yield ev.Fork(ts=ts, pid=2, child=pid, inner=pid)
    yield ev.Exec(**task, path=path, file=path, argv=(path, f"--id={n}"), ppid=2, inode=n)
    opened: dict[str, Any] = {**file, "call": "openat", "dev": 1, "inode": n}
    yield ev.Open(**opened, flags=0o1101)
    yield ev.Open(**opened, flags=0)
    yield ev.Map(**task, call="mmap", prot=5, flags=2, file=path, inode=n)
    yield ev.Unlink(**file, call="unlink")
    yield ev.Rename(**file, call="rename", to=f"{path}.new", to_file=f"{path}.new")
    yield ev.Link(**file, call="link", to=f"{path}.link", to_file=f"{path}.link")
    yield ev.Truncate(**file, call="truncate")
    yield ev.Memfd(**task, name=f"m{n:x}", result=4)
    yield ev.Touch(**task, dev=1, inode=n, path=path, access=("open", "read"))
    yield ev.Planted(ts=ts, path=path, dev=1, inode=n)
    yield ev.Door(**task, name="ptrace", detail="PTRACE_ATTACH", aim=n, **where)
    yield ev.Dns(
        ts=ts,
        **client,
        server="192.0.2.53",
        transport="udp",
        qname=f"h{n * 7919:x}.d{n:x}.example",
        qtype="A",
        rcode="NOERROR",
        answers=(address,),
    )
    for source in ("kernel", "syscall"):
        yield ev.Connect(**task, source=source, family="inet6", cookie=n, **where)
    yield ev.Send(**task, source="kernel", family="inet6", cookie=n, size=9000, **where)
    yield ev.Bind(**task, family="inet6", cookie=n, **where)
    states: dict[str, Any] = {"cookie": n, "local": "192.0.2.2", "local_port": port}
    yield ev.SocketState(**task, old="CLOSE", new="LISTEN", **states, **where)
    tcp: dict[str, Any] = {"ts": ts, "connection": n, **client, **where}
    yield ev.Tcp(**tcp, direction="out", data=octets(b"POST /%d HTTP/1.1\r\nHost: x\r\n" % n))
    yield ev.Handshake(**tcp, outcome="refused", sni=f"s{n:x}.example")
    said: dict[str, Any] = {"direction": "out", "data": f"GET /{n} HTTP/1.1\r\n", "size": 40}
    yield ev.Tls(ts=ts, via="proxy", stream=n, **client, **where, **said)
    yield ev.Tls(ts=ts, via="openssl", stream=n, pid=pid, tid=pid, fd=3, cookie=n, **said)
    yield ev.Datagram(ts=ts, protocol="udp", client="192.0.2.2", size=60_000, data=f"d{n}", **where)
    yield ev.Flow(ts=ts, protocol="tcp", client="192.0.2.2", packets=9, bytes=9000, **where)
    yield ev.Enrichment(ts=ts, address=address, asn=n, country="DE", basis="table")
    yield ev.Output(ts=ts, stream="stdout", data=f"line {n}\n" * 20)
    yield ev.Watched(ts=ts, path=path, dev=1, inode=n, problem=f"late {n}")
    token = {"name": f"t{n}", "family": f"f{n}", "path": f".t{n}"}
    yield ev.Honeytoken(ts=ts, **token, markers={f"m{n}": f"{n * 7919:040x}"})
    yield Finding(
        ts=ts,
        detector=f"d{n}",
        rule="X-1",
        category=Category.C2,
        severity=Severity.LOW,
        title=f"finding {n}",
        key=f"d:{n}",
    )
    yield ev.Lost(ts=ts, source=f"s{n}", reason=f"r{n}")
    yield ev.Exit(**task)
