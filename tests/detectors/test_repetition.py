"""The same behaviour a thousand times is one finding with a count, whichever detector tells it.

Each time a new process does it, under names that are new each time where names are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from pytest_ato.detectors import registry
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model import events as ev
from pytest_ato.model.baseline import Baseline, Recorded
from pytest_ato.model.lists import KnownList, Lists
from pytest_ato.model.policy import Asn, Declared, Denied, Geo, Policy, Terms

TIMES = 1000
DETECTORS = registry.by_name(registry.builtin())
ADDRESS, BARE = "198.18.0.7", "203.0.113.9"
HOST = "api.vendor.example"
KNOWN = KnownList("list.txt", "ab" * 32, "2026-01-31", 1)
TERMS = Terms(
    policy=Policy(
        declared=Declared(domains=(), files=()),
        deny=Denied(domains=("c2.vendor.example",)),
        geo=Geo(allow=("DE",)),
        asn=Asn(deny=(64666,)),
    ),
    lists=Lists(sources=(KNOWN,), domains=((KNOWN, frozenset({"c2.vendor.example"})),)),
    baseline=Baseline(targets={"app": Recorded(facts={})}),
)

Act = Callable[..., None]
TCP = ("tcp", "tcp", "tcp")


def request(host: str, *headers: str, body: bytes = b"") -> bytes:
    lines = (f"POST / HTTP/1.1\r\nHost: {host}", *headers, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode() + body


def ask(name: str) -> Act:
    return lambda log, pid, _: log.dns(name, ADDRESS, pid=pid)


def post(body: bytes = b"", *headers: str, host: str = HOST) -> Act:
    def act(log, pid: int, n: int) -> None:
        log.tcp(pid, ADDRESS, 80, request(host, *headers, body=body))

    return act


def steal(log, pid: int, n: int) -> None:
    post(log.values["aws_secret"].encode())(log, pid, n)


def present(log, pid: int, n: int) -> None:
    credential = f"Credential={log.values['aws_id']}/20250101/us-east-1/sts/aws4_request"
    header = f"Authorization: AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00ff"
    post(b"", header, host="sts.amazonaws.com")(log, pid, n)


def sweep(log, pid: int, n: int) -> None:
    for path in (".aws/credentials", ".ssh/id_rsa", ".pgpass"):
        log.open(pid, path)


def beat(log, pid: int, n: int) -> None:
    log.tcp(pid, ADDRESS, 443, b"x" * 48)
    log.wait(2)


def tunnel(log, pid: int, n: int) -> None:
    label = hashlib.sha256(b"%d" % n).hexdigest()[:50]
    log.dns(f"{label}.{n}.t.vendor.example", ADDRESS, pid=pid)


def generate(log, pid: int, n: int) -> None:
    digits = str(pow(n + 3, 7, 10**12)).zfill(12)
    name = "".join("qxzjvkwpfgbh"[int(digit)] for digit in digits)
    log.dns(f"{name}.example", ADDRESS, pid=pid)


def place(log, pid: int, n: int) -> None:
    log.connect(pid, BARE, 443)
    answer = {"address": BARE, "asn": 64666, "country": "SE", "as_name": "X", "basis": "table"}
    log.add(ev.Enrichment, **answer)


def drop(log, pid: int, n: int) -> None:
    path = f"/tmp/tmp{n:08x}/tool"
    log.write(pid, path, inode=100_000 + n)
    log.spawn(pid, path, dev=1, inode=100_000 + n)


def from_memory(log, pid: int, n: int) -> None:
    log.exec(log.fork(pid), f"/proc/self/fd/{n}", file=f"/memfd:{n:012x} (deleted)", links=0)


def shell(log, pid: int, n: int) -> None:
    log.tcp(pid, ADDRESS, 4444)
    log.spawn(pid, "/usr/bin/bash", "-i", stdio=TCP)


def upload(log, pid: int, n: int) -> None:
    log.datagram(BARE, 9999, b"part", size=60_000)


def attach(log, pid: int, n: int) -> None:
    victim = log.spawn(log.root, "/usr/bin/sleep", "9")
    log.door(pid, "ptrace", "PTRACE_ATTACH", aim=log.inner(victim))


def intrude(log, pid: int, n: int) -> None:
    ends = {"client": "192.0.2.10", "client_port": 1024 + n, "address": BARE, "port": 4444}
    log.add(ev.Flow, protocol="tcp", packets=2, bytes=120, flags=2, **ends)


def race(log, pid: int, n: int) -> None:
    log.open(pid, "/etc/hostname", file="/home/user/.netrc", changed=True)


ACTS: dict[str, Act] = {
    "honeytoken_exfil": steal,
    "honeytoken_used": present,
    "honeytoken_read": lambda log, pid, _: log.open(pid, ".aws/credentials"),
    "credential_sweep": sweep,
    "env_harvest": lambda log, pid, _: log.open(pid, f"/proc/{log.inner(log.root)}/environ"),
    "process_memory_access": attach,
    "pii_egress": post(b"pan=4111111111111111"),
    "bulk_upload": upload,
    "beaconing": beat,
    "dns_tunnel": tunnel,
    "dga_domains": generate,
    "known_bad_domain": ask("c2.vendor.example"),
    "exfil_service": ask("webhook.site"),
    "known_bad_asn": place,
    "geo_policy": place,
    "raw_ip_egress": lambda log, pid, _: log.tcp(pid, BARE, 8443, b"x"),
    "cloud_metadata": ask("metadata.google.internal"),
    "opaque_transport": lambda log, pid, _: log.send(pid, BARE, 51820, b"\1\0\0\0" + bytes(144)),
    "tls_uninspected": lambda log, pid, _: log.tls(pid, BARE, 443, opaque=5000, via=()),
    "tls_pinned": lambda log, pid, _: log.tls(pid, BARE, 443, via=(), handshake="refused"),
    "kernel_bypass_io": lambda log, pid, _: log.door(pid, "io_uring", "OPENAT", file="/tmp/data"),
    "reverse_shell": shell,
    "fileless_exec": from_memory,
    "dropped_executable": drop,
    "code_injection": lambda log, pid, _: log.write(pid, "/etc/ld.so.preload"),
    "persistence": lambda log, pid, _: log.write(pid, ".bashrc"),
    "sandbox_escape": lambda log, pid, _: log.open(pid, "/var/run/docker.sock"),
    "tamper_and_evasion": lambda log, pid, _: log.open(pid, "/sys/kernel/tracing/trace"),
    "miner": ask("xmr-eu1.nanopool.org"),
    "vendor_drift": ask("www.vendor.example"),
    "undeclared": ask("www.vendor.example"),
    "denied": ask("c2.vendor.example"),
    "source_disagreement": race,
    "unattributed_flow": intrude,
}
COUNT_OTHERS = {"bulk_upload", "dga_domains", "credential_sweep", "pii_egress"}
"""Detectors that count something else than times: packets, names, families, values."""
SEARCHED = {"honeytoken_exfil", "honeytoken_used", "pii_egress", "dns_tunnel"}
"""What leaves there is searched through encodings, so that a hundred times take long enough."""


def test_each_detector_is_here() -> None:
    assert ACTS.keys() == DETECTORS.keys()


@pytest.mark.parametrize("name", DETECTORS)
def test_a_thousand_times_is_one_finding(log, name: str) -> None:
    times = TIMES // 10 if name in SEARCHED else TIMES
    log.dns(HOST, ADDRESS, pid=log.root)
    for n in range(times):
        child = log.spawn(log.root, "/opt/vendor/helper")
        ACTS[name](log, child, n)
        log.exit(child)
    log.add(ev.End, ended="exit", run_ms=1.0, counters={})
    pipeline = Pipeline([DETECTORS[name]], TERMS)
    for event in log.events:
        pipeline.feed(event)
    pipeline.finish()
    found = pipeline.findings
    assert len({finding.key for finding in found}) == len(found)
    assert len(found) <= 3, [finding.key for finding in found][:5]
    assert max(finding.count for finding in found) >= times or name in COUNT_OTHERS
    assert all(len(finding.evidence) <= 20 for finding in found)
