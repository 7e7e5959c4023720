"""The fold from events to facts: what is counted, what is left out, and what no log can break."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.analysis import Analysis, Facts
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Finding, Severity
from pytest_ato.model.octets import B64
from pytest_ato.model.record import Event
from pytest_ato.model.spec import AuditSpec, Placed, Target
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy.verdict import judge

SPEC = AuditSpec(
    run_id="r",
    target=Target(
        name="app",
        path="/srv/app",
        sha256="00" * 32,
        size=1,
        format="elf",
        placed=(Placed("/srv/app", "/opt/app"),),
    ),
)
AUDIT = ev.Audit(ts=1, spec=SPEC, started="2025-01-01T00:00:00Z", digest_key=b"k")
START = ev.Start(
    ts=2,
    kernel="6.18",
    loader="core",
    attach_ms=1.0,
    probes={"exec": "live"},
    required=("exec",),
    init=99,
    uid=64000,
    home="/home/user",
    program="/opt/app",
    resolvers=("192.0.2.53",),
    addresses=("192.0.2.2",),
)
FORK = ev.Fork(ts=3, pid=99, child=100)
EXEC = ev.Exec(ts=4, pid=100, path="/opt/app", file="/opt/app", argv=("app",))
END = ev.End(ts=9, ended="exit", counters={"critical": ev.Counters(produced=2, consumed=2)})
WHOLE: tuple[Event, ...] = (AUDIT, START, FORK, EXEC, END)


def fold(events: Iterable[Event]) -> Facts:
    analysis = Analysis()
    for event in events:
        analysis.feed(event)
    return analysis.facts()


def during(*events: Event) -> Facts:
    return fold((AUDIT, START, FORK, EXEC, *events, END))


def opened(path: str, flags: int = 0, result: int = 3) -> ev.Open:
    return ev.Open(ts=5, pid=100, call="openat", path=path, flags=flags, result=result)


def connect(address: str, port: int, protocol: str = "tcp") -> ev.Connect:
    family = "inet6" if ":" in address else "inet"
    return ev.Connect(
        ts=5, pid=100, source="kernel", family=family, address=address, port=port, protocol=protocol
    )  # fmt: skip


def tcp(connection: int, **fields: object) -> ev.Tcp:
    values: dict[str, object] = {
        "client": "192.0.2.2",
        "client_port": 1,
        "address": "198.51.100.7",
        "port": 80,
        "direction": "out",
        **fields,
    }
    return ev.Tcp(ts=5, connection=connection, **values)  # type: ignore[arg-type]


def test_a_whole_log_is_in_order_and_approved() -> None:
    facts = fold(WHOLE)
    assert facts.disorder == ()
    assert facts.executed
    assert judge([], facts).verdict is Verdict.APPROVE


def test_the_audits_own_records_are_no_events_of_the_target() -> None:
    assert fold(WHOLE).activity.events == 2
    finding = Finding(
        ts=5,
        detector="d",
        rule="R",
        category=Category.C2,
        severity=Severity.LOW,
        title="t",
        key="d:k",
    )
    # Findings and timings are appended to a log, and left out when it is replayed.
    told = (*WHOLE, finding, ev.Timing(ts=9, analysis_ms=2.5))
    assert fold(told).activity == fold(WHOLE).activity
    assert fold(told).disorder == ()
    assert fold(told).analysis_ms == 2.5


def test_processes_are_counted_by_birth_even_when_a_pid_comes_again() -> None:
    again = [ev.Exit(ts=5, pid=100), ev.Fork(ts=6, pid=99, child=100)]
    assert during().activity.processes == 1
    assert during(*again).activity.processes == 2
    assert during(EXEC, EXEC).activity.processes == 1  # the same process, other images


def test_the_init_of_the_sandbox_is_no_program_of_the_target() -> None:
    init = ev.Exec(ts=3, pid=99, path="/init", file="/init", argv=("init",))
    facts = fold((AUDIT, START, init, END))
    assert not facts.executed
    assert facts.activity.programs.count == 0


@pytest.mark.parametrize(
    ("event", "read", "written"),
    [
        (opened("/a"), 1, 0),
        (opened("/a", 0o1), 0, 1),
        (opened("/a", 0o2), 1, 1),
        (opened("/a", 0o101, result=-13), 0, 0),
        (opened("/dir", 0o200000), 0, 0),
        (opened("/a", 0o10000000), 0, 0),
        (opened("/dev/null", 0o1), 0, 0),
        (opened("/dev/shm/a", 0o1), 0, 1),
        (ev.Rename(ts=5, pid=1, call="rename", path="/a", to="/b"), 0, 1),
        (ev.Rename(ts=5, pid=1, call="rename", path="/a", to="/b", result=-2), 0, 0),
        (ev.Link(ts=5, pid=1, call="link", path="/a", to="/b"), 0, 1),
        (ev.Truncate(ts=5, pid=1, call="truncate", path="/a"), 0, 1),
        (ev.Unlink(ts=5, pid=1, call="unlink", path="/a"), 0, 0),
    ],
)
def test_which_files_count_as_read_and_as_written(event: Event, read: int, written: int) -> None:
    activity = during(event, event).activity
    assert (activity.read.count, activity.written.count) == (read, written)


def test_a_path_is_known_by_where_it_leads() -> None:
    absolute = ev.Open(ts=5, pid=1, call="openat", path="x", file=B64(b"/\xff"), flags=1)
    assert during(absolute).activity.written.first == (B64(b"/\xff"),)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (connect("198.51.100.7", 443), ("198.51.100.7", 443)),
        (connect("2001:db8::7", 443), ("2001:db8::7", 443)),
        (connect("198.51.100.7", 0, "udp"), None),  # libc sorts addresses by such connects
        (connect("127.0.0.1", 80), None),
        (connect("::1", 80), None),
        (connect("192.0.2.53", 53, "udp"), None),  # the sandbox's resolver
        (connect("192.0.2.53", 443), ("192.0.2.53", 443)),
        (connect("192.0.2.2", 80), None),  # the sandbox itself
        (tcp(1), ("198.51.100.7", 80)),
        (
            ev.Datagram(ts=5, protocol="icmp", client="192.0.2.2", address="203.0.113.9", size=8),
            ("203.0.113.9", "icmp"),
        ),
        (
            ev.Connect(ts=5, pid=1, source="syscall", family="unix", address="/run/x", port=0),
            None,
        ),
    ],
)
def test_which_destinations_count(event: Event, expected: tuple[str, object] | None) -> None:
    assert during(event, event).activity.destinations.first == ((expected,) if expected else ())


def test_bytes_are_those_of_ended_connections_pieces_of_open_ones_and_datagrams() -> None:
    facts = during(
        tcp(1, data="abc"),
        tcp(1, closed=True, sent=1000, received=50),
        tcp(2, data="abc"),
        tcp(2, data="de", offset=3),
        tcp(2, data=B64(b"\xff\xfe"), direction="in"),
        ev.Datagram(ts=5, protocol="udp", client="192.0.2.2", address="203.0.113.9", size=70),
    )
    assert facts.activity.bytes_out == 1000 + 5 + 70
    assert facts.activity.bytes_in == 50 + 2


def test_output_without_an_end_is_what_the_events_hold() -> None:
    output = ev.Output(ts=5, stream="stderr", data="é")
    assert fold((AUDIT, START, output)).activity.output_bytes == {"stderr": 2}
    assert during(output).activity.output_bytes == {}


def test_names_are_counted_without_regard_to_case() -> None:
    question = ev.Dns(
        ts=5,
        client="192.0.2.2",
        server="192.0.2.53",
        transport="udp",
        qname="Www.Example.ORG",
        qtype="A",
        rcode="NOERROR",
        answers=("198.18.0.7",),
    )
    activity = during(question, msgspec.structs.replace(question, qname="www.example.org")).activity
    assert activity.names.first == ("www.example.org",)
    assert activity.name_of == {"198.18.0.7": "www.example.org"}


def test_losses_are_summed_by_reason_and_bounded() -> None:
    losses = [ev.Lost(ts=5, source="proxy", reason="r", count=3)] * 2
    assert during(*losses).lost == (("proxy", "r", 6),)
    flood = [ev.Lost(ts=5, source="proxy", reason=str(number)) for number in range(1000)]
    told = during(*flood).lost
    assert len(told) < 50
    assert sum(count for *_, count in told) == 1000


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((*WHOLE, END), "second end"),
        ((*WHOLE, EXEC), "after the end"),
        ((AUDIT, START, START, EXEC, END), "second start"),
        ((AUDIT, AUDIT, START, EXEC, END), "second audit"),
        ((START, AUDIT, EXEC, END), "not the first"),
        ((msgspec.structs.replace(AUDIT, format=99), START, EXEC, END), "format 99"),
        ((*WHOLE[:-1], ev.Unavailable(ts=5, reason="no BTF"), END), "no BTF"),
    ],
)
def test_a_log_out_of_order_is_told(events: tuple[Event, ...], words: str) -> None:
    facts = fold(events)
    assert any(words in sentence for sentence in facts.disorder)
    assert judge([], facts).verdict is Verdict.INCONCLUSIVE


def test_a_reader_can_tell_of_a_broken_line() -> None:
    analysis = Analysis()
    for event in WHOLE:
        analysis.feed(event)
    analysis.damaged("line 17 is no record")
    assert judge([], analysis.facts()).inconclusive == (
        "the event log is not in order: line 17 is no record",
    )


@given(st.data())
def test_no_part_of_a_log_and_no_other_order_of_it_is_approved(data: st.DataObject) -> None:
    indexes = st.lists(st.integers(0, len(WHOLE) - 1), max_size=8)
    events = [WHOLE[index] for index in data.draw(indexes)]
    # What was forked when, and a second exec, leave a log whole.
    backbone = [event for event in events if type(event) is not ev.Fork]
    execs = [event for event in backbone if type(event) is ev.Exec]
    whole = backbone == [AUDIT, START, *execs, END] and bool(execs)
    approved = judge([], fold(events)).verdict is Verdict.APPROVE
    assert approved == (whole and events[0] is AUDIT and events[-1] is END)
