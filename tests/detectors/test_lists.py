"""Lists that detectors look things up in: what is on them, and the nearest that is not."""

from __future__ import annotations

import errno

import pytest

from pytest_ato.detectors.improbable import rare_share
from pytest_ato.detectors.lookouts import fingerprint, log_kind, tracer_place
from pytest_ato.detectors.outcome import outcome
from pytest_ato.detectors.procfs import ProcEntry, given_entry, proc_entry
from pytest_ato.detectors.services import service, webhook_path
from pytest_ato.model.events import Open


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("webhook.site", ("webhook.site", "webhook")),
        ("abc.ngrok.io.", ("ngrok.io", "tunnel")),
        ("a.b.oast.pro", ("oast.pro", "out-of-band")),
        ("docs.pipedream.net", ("", "")),  # only speaks of itself
        ("x.docs.pipedream.net", ("pipedream.net", "webhook")),
        ("notwebhook.site", ("", "")),
        ("webhook.site.vendor.example", ("", "")),
        ("site", ("", "")),
    ],
)
def test_services(name: str, found: tuple[str, str]) -> None:
    assert service(name) == found


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        ("discord.com", "/api/webhooks/1/x", "discord.com"),
        ("canary.discord.com:443", "/api/webhooks/1/x", "discord.com"),
        ("discord.com", "/api/users", ""),
        ("notdiscord.com", "/api/webhooks/1/x", ""),
    ],
)
def test_webhooks_by_path(host: str, path: str, found: str) -> None:
    assert webhook_path(host, path) == found


@pytest.mark.parametrize(
    ("path", "writes", "is_one"),
    [
        ("/sys/kernel/tracing/kprobe_events", False, True),
        ("/sys/kernel/debug/tracing", False, True),
        ("/sys/kernel/tracing/trace_marker", True, False),  # its own events
        ("/sys/kernel/tracing/trace_marker", False, True),
        ("/proc/kallsyms", False, True),
        ("/sys/kernel/mm/transparent_hugepage/enabled", False, False),
    ],
)
def test_places_of_tracers(path: str, writes: bool, is_one: bool) -> None:
    assert tracer_place(path, writes) is is_one


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/.dockerenv", "container marker"),
        ("/proc/1/cgroup", "init"),
        ("/proc/self/cgroup", ""),
        ("/sys/class/net/eth0/address", "network card"),
        ("/sys/class/net/eth0/mtu", ""),
        ("/proc/cpuinfo", ""),
    ],
)
def test_fingerprints(path: str, kind: str) -> None:
    assert fingerprint(path) == kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/log/auth.log", "system log"),
        ("/var/log/vendor.log", ""),
        ("/home/user/.bash_history", "shell history"),
        ("/home/user/.bash_history.bak", ""),
    ],
)
def test_logs(path: str, kind: str) -> None:
    assert log_kind(path, "/home/user") == kind


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (3, ""),
        (-errno.EPERM, ", refused (EPERM)"),
        (-errno.EROFS, ", refused (EROFS)"),
        (-errno.ENOENT, ", failed (ENOENT)"),
        (-4711, ", failed (error 4711)"),
    ],
)
def test_outcomes(result: int, words: str) -> None:
    assert outcome(result) == words


@pytest.mark.parametrize(
    ("path", "file", "entry"),
    [
        ("/proc/7/environ", "/proc/7/environ", ProcEntry(7, "environ")),
        ("/proc/self/environ", "/proc/2/environ", ProcEntry(0, "environ")),
        ("/proc/7/task/8/mem", "/proc/7/task/8/mem", ProcEntry(7, "mem")),
        ("/proc/7/root/etc/passwd", None, ProcEntry(7, "root/etc/passwd")),
        ("link", "/proc/7/mem", ProcEntry(7, "mem")),
        ("/proc/meminfo", "/proc/meminfo", None),
        ("/proc/7", "/proc/7", None),
    ],
)
def test_files_of_processes(path: str, file: str | None, entry: ProcEntry | None) -> None:
    event = Open(ts=1, pid=5, call="openat", path=path, file=file, flags=0, result=3)
    assert proc_entry(event) == entry


def test_a_file_of_a_process_as_it_was_given() -> None:
    event = Open(
        ts=1, pid=5, call="openat", path="//proc/self//root/x", file="/x", flags=0, result=3
    )
    assert given_entry(event) == ProcEntry(0, "root/x")
    assert proc_entry(event) is None


def test_words_are_more_probable_than_noise() -> None:
    chosen = ("updates", "vendor", "telemetry", "cloudfront", "mail2")
    random = ("xkqzjvbw", "q7f9x2k4", "zxcvqwpt", "hjgqkzrw")
    assert max(map(rare_share, chosen)) < 0.37 < min(map(rare_share, random))
    assert rare_share("") == rare_share("a") == 0.0
