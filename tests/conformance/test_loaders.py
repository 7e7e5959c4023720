"""Both loaders over the same programs: the same events, findings and verdict, as far as bcc sees.

What bcc cannot see may be missing, nothing may differ: an event that both tell has the same facts,
a detector that rests on such events has the same findings, and the verdict is no better than
APPROVE WITH CONDITIONS.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.capture.loader import bcc_library, headers
from pytest_ato.capture.loader.bcc import BccLoader
from pytest_ato.capture.loader.core import CoreLoader
from pytest_ato.detectors import registry
from pytest_ato.detectors.paths import stable_path
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import Connect, Exec, Exit, Fork, Open, Send, Watched
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.verdict import judge
from pytest_ato.target.resolve import resolve

pytestmark = pytest.mark.privileged

ROOT = Path(__file__).parents[2]
EXAMPLES = tuple(
    f"examples/{program}"
    for program in (
        *("c/build/good-sample", "c/build/bad-sample"),
        *("python/good_sample.py", "python/bad_sample.py"),
    )
)
SAMPLES = tuple(
    f"tests/samples/{command}"
    for command in (
        *("build/fileless memfd", "build/fileless data", "build/shell tcp", "build/shell closed"),
        *("connect.py 203.0.113.9", "connect.py www.vendor.example"),
        *("drop.sh temporary", "drop.sh text", "download.py"),
        *(f"exfil.py {way}" for way in ("raw", "base64", "dns", "udp", "scrambled", "local")),
        *("persist.sh bashrc", "persist.sh own_config"),
        *("read_key.sh cat", "read_key.sh stat", "read_key.sh wget"),
        *("resolve.py tunnel", "resolve.py ordinary"),
        *("sweep.sh loop", "sweep.sh git"),
    )
)
OWN = ("tests/conformance/programs/relative.sh", "tests/conformance/programs/old_open.py")
_ORDER = (Verdict.APPROVE, Verdict.CONDITIONS, Verdict.REVIEW, Verdict.REJECT)
_ONE_SIDED = set(CoreLoader.tells) - set(BccLoader.tells)
COMPARABLE = {
    detector.definition.name
    for detector in registry.load()
    if _ONE_SIDED.isdisjoint(detector.definition.wants)
}
"""Detectors of which all events come from both loaders, or from elsewhere."""


@pytest.fixture(scope="module", autouse=True)
def _ready(lack: Callable[[str, str], NoReturn]) -> None:
    try:
        bcc_library.find()
        headers.find()
    except CaptureUnavailable as error:
        lack("privileged", str(error))
    for place in ("examples/c", "tests/samples"):
        subprocess.run(["make", "-s", "-C", ROOT / place], check=True)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Outcome]]:
    """Audit a command under a loader, each once; one session a loader."""
    place = tmp_path_factory.mktemp("loaders")
    with ExitStack() as stack:
        auditors = {
            loader: stack.enter_context(Auditor(report_dir=place / loader, loader=loader))
            for loader in ("core", "bcc")
        }

        @cache
        def run(command: str, loader: str) -> Outcome:
            program, *words = command.split()
            name = command.replace("/", "-").replace(" ", "-")
            return auditors[loader].audit(
                resolve(str(ROOT / program)), Options(args=tuple(words)), directory=name
            )

        yield run


@pytest.fixture(params=[*EXAMPLES, *SAMPLES, *OWN])
def both(request: pytest.FixtureRequest, audited) -> tuple[Outcome, Outcome]:
    core, bcc = (audited(request.param, loader) for loader in ("core", "bcc"))
    assert core.report.conclusive, core.report.inconclusive
    assert bcc.report.conclusive, bcc.report.inconclusive
    return core, bcc


def test_the_same_detectors_find_the_same(both) -> None:
    core, bcc = both
    assert keys(core, only=COMPARABLE) <= keys(bcc) <= keys(core)


def test_the_verdict_is_the_same_up_to_the_ceiling(both) -> None:
    core, bcc = both
    found = keys(core, only=COMPARABLE) | keys(bcc)
    shared = [finding for finding in core.examined.findings if finding.key in found]
    expected = judge(shared, core.examined.facts).verdict
    assert bcc.report.verdict is max(expected, Verdict.CONDITIONS, key=_ORDER.index)
    assert _ORDER.index(bcc.report.verdict) <= max(_ORDER.index(core.report.verdict), 1)


def test_the_same_events_are_told(both) -> None:
    core, bcc = (facts(outcome) for outcome in both)
    assert bcc - core == Counter()
    assert core - bcc == Counter()


def test_every_event_is_counted(both) -> None:
    counters = both[1].report.coverage.counters
    assert counters["critical"].produced > 0
    assert counters["bulk"].produced > 0
    for counts in counters.values():
        assert counts.produced == counts.consumed
        assert (counts.lost, counts.unread, counts.coalesced) == (0, 0, 0)


def test_the_report_says_what_bcc_does_not_see(audited) -> None:
    report = audited(EXAMPLES[0], "bcc").report
    assert report.verdict is Verdict.CONDITIONS
    assert report.provenance.loader == "bcc"
    assert report.coverage.probes["connect4"] == "not captured"
    (condition,) = [text for text in report.conditions if "bcc loader" in text]
    assert "renames, links and deletions" in condition


def test_no_library_is_said_to_be_watched_for_bcc(audited) -> None:
    core, bcc = (audited(EXAMPLES[0], loader) for loader in ("core", "bcc"))
    assert any(isinstance(event, Watched) for event in core.events())
    assert not any(isinstance(event, Watched) for event in bcc.events())
    states = bcc.report.coverage.probes
    assert {states[name] for name in ("tls_enter", "tls_leave")} == {"not captured"}
    (condition,) = [text for text in bcc.report.conditions if "bcc loader" in text]
    assert "what TLS libraries are given" in condition


@pytest.mark.parametrize("command", OWN)
def test_what_the_calls_do_not_show_the_files_themselves_tell(audited, command: str) -> None:
    detectors = {found.detector for found in audited(command, "bcc").examined.findings}
    assert "honeytoken_read" in detectors


def test_something_is_comparable() -> None:
    assert {"honeytoken_exfil", "honeytoken_read", "credential_sweep", "dns_tunnel"} <= COMPARABLE
    assert COMPARABLE.isdisjoint({"beaconing", "dropped_executable", "persistence"})


def keys(outcome: Outcome, only: set[str] | None = None) -> set[str]:
    return {
        found.key for found in outcome.examined.findings if only is None or found.detector in only
    }


def facts(outcome: Outcome) -> Counter[tuple[object, ...]]:
    """What both loaders tell, without what differs from run to run: times, pids, made-up names."""
    told: Counter[tuple[object, ...]] = Counter()
    for event in outcome.events():
        told[fact(event)] += getattr(event, "count", 1)
    del told[()]
    return told


def fact(event: Event) -> tuple[object, ...]:
    match event:
        case Fork():
            return ("fork",)
        case Exec():
            words = tuple(stable_path(word) for word in event.argv)
            return ("exec", event.call, stable_path(event.path), words, event.truncated)
        case Exit():
            return ("exit", event.status, event.signal)
        case Open(call="openat"):
            failure = min(event.result, 0)
            return ("open", stable_path(event.path), event.flags, failure, raw(event.path)[:1])
        case Connect(source="syscall"):
            return ("connect", event.family, event.address, event.port, event.result, event.fd)
        case Send(source="syscall"):
            return ("send", event.family, event.address, event.port, event.size, event.result)
    return ()
