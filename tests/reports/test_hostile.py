"""No string of a report acts in any form of it, whichever field it stands in.

The report here has something in every field, and *all* its strings are hostile, so that a field
that somebody adds tomorrow is attacked as well. What a target chose reaches a renderer as one
printable line (`evidence.views`): that is the only thing taken for granted.
"""

from __future__ import annotations

import datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from wellformed import every_form as check

from pytest_ato.evidence.views import View
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.policy import Waiver
from pytest_ato.model.report import (
    Report,
    ReportBaseline,
    ReportPolicy,
    Request,
    TlsConnection,
    TlsCoverage,
    TlsLibrary,
    WaiverUse,
)

REQUEST = Request(
    ts=1,
    method="POST",
    url="http://a.example/",
    host="a.example",
    destination="a.example:80",
    process="agent",
    channel="tcp",
    version="HTTP/1.1",
    headers=("host",),
    body_bytes=7,
)
CONNECTION = TlsConnection(
    destination="a.example:443",
    name="a.example",
    address="198.18.0.5",
    port=443,
    process="agent",
    pid=7,
    handshake="intercepted",
    via=("openssl",),
    wire_out=9,
    wire_in=9,
    seen_by={"openssl": 2},
    seen_out=1,
    seen_in=1,
    opaque_out=1,
    opaque_in=1,
    opaque_share=0.5,
)
TLS = TlsCoverage(
    connections=1,
    wire=18,
    carried=4,
    seen=2,
    opaque=2,
    opaque_share=0.5,
    by={"openssl": 1},
    entries=(CONNECTION,),
)
LIBRARY = TlsLibrary(
    path="/lib/x.so", library="openssl", functions={"SSL_write": "emulated"}, late=True, problem="x"
)
WAIVER = Waiver(
    finding="k",
    detector="d",
    scope="s",
    reason="r",
    owner="o",
    ticket="t",
    expires=datetime.date(2030, 1, 1),
)


@pytest.fixture
def full(events, report, finding) -> Report:
    """A report with something in every field."""
    answer = ev.Enrichment(ts=9, address="198.18.0.5", ptr="p", asn=1, as_name="n", country="DE")
    signing = ev.Signing(ts=1, signer="in a key file", key="SHA256:0")
    log = [events[0], signing, *events[1:-2], answer, *events[-2:]]
    found = [
        finding(severity, key=severity.value, id=f"F-{severity.value}") for severity in Severity
    ]
    made = report(log, [*found, finding(key="w", waived_by="waiver 7")], failures=["broken"])
    return replace(
        made,
        conditions=("c",),
        requests=(REQUEST,),
        requests_total=9,
        policy=ReportPolicy(
            name="policy.yaml",
            sha256="0",
            declared={"domains": ("a.example",)},
            waivers=(WaiverUse(waiver=WAIVER, state="used", findings=("k",)),),
        ),
        baseline=ReportBaseline(name="b.json", sha256="0", new=("file:/x",), gone=("file:/y",)),
        coverage=replace(
            made.coverage,
            tls=TLS,
            libraries=(LIBRARY,),
            unavailable={"drift": "why"},
            not_run={"beaconing": "why"},
        ),
        summary=replace(made.summary, survivors=("agent",), limits_hit=("tasks",)),
        provenance=replace(made.provenance, tracer="ato.bpf.o", lists=("bad.txt",)),
    )


KEPT = {"verdict", "severity", "category", "state", "expires", "network"}
"""Fields that are one of a few words of ours, or no text."""


NAMED = {"counters", "probes", "functions", "seen_by", "by"}
"""Mappings from names that the report does not choose."""


def hostile(report: Report, text: str) -> Report:
    """The same report, every string of it `text` as the view of the log shows it."""
    shown = View(b"", ()).text(text)

    def changed(value, name=""):
        match value:
            case str() if name not in KEPT:
                return shown
            case dict():
                return {
                    shown if name in NAMED else key: changed(each, key)
                    for key, each in value.items()
                }
            case list() | tuple():
                return [changed(each, name) for each in value]
        return value

    return msgspec.convert(changed(msgspec.to_builtins(report)), Report)


def test_the_report_is_full(full) -> None:
    """Else the tests below would attack less than they say."""
    empty = [
        name for name, value in msgspec.structs.asdict(full).items() if value in ((), None, "")
    ]
    assert empty == []


def test_hostile_strings_act_in_no_field(full, hostile_text) -> None:
    check(hostile(full, hostile_text))


@given(st.text())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_string_acts_in_any_field(full, text) -> None:
    check(hostile(full, text))


@given(st.text("|`*_[]()<>!#&:;=+-@$~^\\/'\"{}%0123 .,wF-P\n", max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mix_of_marks_acts_in_any_field(full, text) -> None:
    check(hostile(full, text))
