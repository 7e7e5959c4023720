"""A small log of one audit, and the way from any log to its report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_ato.analysis import Analysis
from pytest_ato.detectors.interface import Definition
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Evidence, Finding, Process, Severity
from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event
from pytest_ato.model.report import Report
from pytest_ato.model.spec import AuditSpec, Placed, PlantFile, Target
from pytest_ato.policy.verdict import judge
from pytest_ato.reports.build import build

sys.path.insert(0, str(Path(__file__).parent))  # for the browser beside this file

SECRET = "wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"
DOCUMENT = b"id,name,email,ssn\n10001,Ann Lee,ann.lee@example.net,123-45-6789\n"

SPEC = AuditSpec(
    run_id="7f3a",
    target=Target(
        name="vendor-bin",
        path="/srv/drop/vendor-bin",
        sha256="ab" * 32,
        size=4096,
        format="elf",
        placed=(Placed("/srv/drop/vendor-bin", "/opt/drop/vendor-bin"),),
        manifest_sha256="cd" * 32,
    ),
    args=("--token", SECRET),
    plants=(PlantFile(path="Documents/customers.csv", content=DOCUMENT),),
)

DEFINITIONS = (
    Definition(
        rule="ATO-EXF-001",
        name="honeytoken_exfil",
        category=Category.EXFIL,
        severity=Severity.CRITICAL,
        title="a marker leaves",
        technique="T1041",
        wants=(ev.Tcp,),
    ),
    Definition(
        rule="ATO-C2C-001",
        name="beaconing",
        category=Category.C2,
        severity=Severity.HIGH,
        title="a beacon",
        technique="T1071",
        wants=(ev.Connect,),
        needs=frozenset({"sinkhole"}),
    ),
)


@pytest.fixture
def events() -> list[Event]:
    """A whole log, with something of everything that a report shows."""
    return [
        ev.Audit(ts=1, spec=SPEC, started="2025-01-01T00:00:00Z", digest_key=b"k" * 32),
        ev.Honeytoken(ts=1, name="aws", family="aws", markers={"aws_secret": SECRET}),
        ev.Honeytoken(
            ts=1,
            name="customers",
            family="pii",
            markers={"customers": "4929123456781234"},
            path="Documents/customers.csv",
        ),
        ev.Start(
            ts=2,
            kernel="6.18.0",
            loader="core",
            attach_ms=7.5,
            probes={"open": "live", "exec": "live", "io_uring": "missing"},
            required=("open", "exec"),
            init=99,
            uid=64000,
            home="/home/user",
            program="/opt/drop/vendor-bin",
            resolvers=("192.0.2.53",),
        ),
        ev.Fork(ts=3, pid=99, child=100),
        ev.Exec(ts=4, pid=100, path="/opt/drop/vendor-bin", file="/x", argv=("vendor-bin",)),
        ev.Open(ts=5, pid=100, call="openat", path="in", file="/home/user/in", result=3),
        ev.Open(ts=6, pid=100, call="openat", path="out", file="/tmp/out", result=3, flags=0o101),
        ev.Dns(
            ts=7,
            client="10.0.0.2",
            server="192.0.2.53",
            transport="udp",
            qname="Paste.Example.org",
            qtype="A",
            rcode="NOERROR",
            answers=("198.18.0.5",),
        ),
        ev.Connect(ts=8, pid=100, source="kernel", family="inet", address="198.18.0.5", port=443),
        ev.Tcp(
            ts=9,
            connection=1,
            client="10.0.0.2",
            client_port=4000,
            address="198.18.0.5",
            port=443,
            direction="out",
            closed=True,
            sent=1234,
            received=56,
        ),
        ev.Output(ts=10, stream="stdout", data="hello\n"),
        ev.Exit(ts=11, pid=100),
        ev.End(
            ts=12,
            ended="exit",
            run_ms=12.4,
            counters={
                "critical": ev.Counters(produced=9, consumed=9),
                "bulk": ev.Counters(produced=5, consumed=4, coalesced=1),
            },
            output_bytes={"stdout": 6},
        ),
        ev.Timing(ts=12, analysis_ms=3.5),
    ]


def make_finding(
    severity: Severity = Severity.CRITICAL, *, title: str = "a key left", **more: object
) -> Finding:
    fields: dict[str, object] = {
        "ts": 9,
        "detector": "honeytoken_exfil",
        "rule": "ATO-EXF-001",
        "category": Category.EXFIL,
        "key": "honeytoken_exfil:aws",
        "id": "F-001",
        "technique": "T1041",
        "where": "paste.example.org:443",
        "lineage": (Process(100, "/opt/drop/vendor-bin", ("vendor-bin", SECRET)),),
        "evidence": (Evidence(ts=9, text=f"POST key={SECRET}", pid=100),),
        **more,
    }
    return Finding(severity=severity, title=title, **fields)  # type: ignore[arg-type]


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Makes a finding that quotes a marker; keyword arguments replace its fields."""
    return make_finding


@pytest.fixture
def report() -> Callable[..., Report]:
    """Makes the report of a log and of findings."""

    def make(log: Iterable[Event], findings: Sequence[Finding] = (), **options: object) -> Report:
        analysis = Analysis()
        for event in log:
            analysis.feed(event)
        facts = analysis.facts()
        judgement = judge(findings, facts, **options)  # type: ignore[arg-type]
        return build(facts, judgement, watching=DEFINITIONS)

    return make


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A report directory that does not exist yet."""
    return tmp_path / "ato-report"


HOSTILE = [
    "<script>alert(1)</script>",
    "a | b | c\n| d |",
    "`` ` ``` code",
    "[click](javascript:alert(1)) ![x](http://x.example/y)",
    "\x1b]8;;http://x.example\x07link\x1b[2J",
    "\u202e\u2066gpj.exe\u200b\u2028",
    "\n# heading\n- item\n::error file=x::boo\n##[error]boo",
    "https://x.example www.x.example a@x.example @someone #1 $x$",
    "{{ 7 * 7 }}{% raw %}",
    "\\| \\` \\",
    '=HYPERLINK("http://x.example","x")|\' /C calc\'!A0',
    "\x00\x08\x0b\x1f\x7f\x85\ufffe\uffff]]><![CDATA[&x;<!--",
    '</title></style></svg></code><svg onload=alert(1)>\' onfocus="alert(1)"',
    "*",
    "x" * (1 << 20),
    "|" * (1 << 20),
]
"""Each means something to a terminal, a renderer of Markdown, a template or a CI log."""


def hostile_log(events: list[Event], value: Octets) -> list[Event]:
    """A log in which every string that a target can choose is `value`."""
    audit, token, pii, start, *rest = events
    spec = audit.spec
    text = value if isinstance(value, str) else "x"
    spec = replace(
        spec, target=replace(spec.target, name=text, path=text), args=(value,), run_id=text
    )
    changed = [replace(audit, spec=spec), token, pii, replace(start, kernel=text, loader=text)]
    for event in rest:
        match event:
            case ev.Exec():
                event = replace(event, path=value, file=value, argv=(value,))
            case ev.Open():
                event = replace(event, path=value, file=value)
            case ev.Dns():
                event = replace(event, qname=value)
            case ev.End():
                event = replace(event, survivors=(value,), output_bytes={text: 1}, reason=text)
        changed.append(event)
    changed.insert(-2, ev.Lost(ts=9, source=text, reason=text))
    return changed


def hostile_findings(value: Octets) -> list[Finding]:
    text = value if isinstance(value, str) else "x"
    quoted = {
        "title": text,
        "where": value,
        "lineage": (Process(1, value, (value, value)),) * 2,
        "evidence": (Evidence(ts=1, text=value),) * 3,
        "detector": text,
        "rule": text,
        "key": text,
        "technique": text,
        "id": text,
    }
    return [
        make_finding(Severity.HIGH, **quoted),
        make_finding(Severity.HIGH, **quoted, waived_by=text),
        make_finding(Severity.LOW, **quoted),
        make_finding(Severity.INFO, **quoted),
    ]


@pytest.fixture(params=HOSTILE, ids=lambda value: repr(value[:20]))
def hostile_text(request: pytest.FixtureRequest) -> str:
    """One of many strings that would act if they were not escaped."""
    return str(request.param)


@pytest.fixture
def hostile_report(
    events: list[Event], report: Callable[..., Report]
) -> Callable[[Octets], Report]:
    """Makes a report in which every string that a target can choose is the given one."""

    def make(value: Octets) -> Report:
        failure = value if isinstance(value, str) else "x"
        return report(hostile_log(events, value), hostile_findings(value), failures=[failure])

    return make
