"""The pipeline: dispatch, broken detectors, networks, merging, numbering."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.merge import MAX_EVIDENCE, MAX_KEYS
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.detectors.registry import builtin
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Evidence, Severity


def _definition(name="probe", **fields):
    known = {
        "rule": f"TST-{name.upper()}-001",
        "name": name,
        "category": Category.POLICY,
        "severity": Severity.MEDIUM,
        "title": "for tests",
        "technique": "T0000",
        "wants": (ev.Open,),
    }
    return Definition(**{**known, **fields})


class Opens(Detector):
    """Tells every open, worse for a path that ends with "!"."""

    definition = _definition("opens")

    def process(self, event):
        proof = Evidence(ts=event.ts, text=event.path, pid=event.pid)
        worse = event.path.endswith("!")
        yield self.finding(
            key=event.path.rstrip("!"),
            title=f"opened {event.path}",
            severity=Severity.HIGH if worse else None,
            evidence=[proof],
            pid=event.pid,
        )


class Silent(Detector):
    definition = _definition("silent", wants=(), needs=frozenset({"sinkhole"}))

    def finish(self):
        yield self.finding(key="end", title="the end", evidence=())


def _run(log, *detectors):
    pipeline = Pipeline(detectors)
    live = [finding for event in log.events for finding in pipeline.feed(event)]
    live += pipeline.finish()
    return pipeline, live


def test_findings_are_merged_sorted_and_numbered(log):
    for path in ("/b", "/a", "/b!", "/a", "/c"):
        log.open(log.root, path)
    pipeline, live = _run(log, Opens, Silent)
    assert len(live) == 6
    assert [(f.id, f.key, f.count, f.severity) for f in pipeline.findings] == [
        ("F-001", "opens:/b", 2, Severity.HIGH),
        ("F-002", "opens:/a", 2, Severity.MEDIUM),
        ("F-003", "opens:/c", 1, Severity.MEDIUM),
        ("F-004", "silent:end", 1, Severity.MEDIUM),
    ]
    worst = pipeline.findings[0]
    assert worst.title == "opened /b!"
    assert [proof.text for proof in worst.evidence] == ["/b", "/b!"]
    assert worst.ts == worst.evidence[0].ts
    assert worst.lineage[0].path == "/opt/vendor/app"
    assert (worst.rule, worst.category) == ("TST-OPENS-001", Category.POLICY)


def test_evidence_and_keys_are_bounded(log):
    for number in range(1000):
        log.open(log.root, "/same")
        log.open(log.root, f"/many/{number}" + "!" * (number == 999))
    pipeline, _ = _run(log, Opens)
    by_key = {finding.key: finding for finding in pipeline.findings}
    assert by_key["opens:/same"].count == 1000
    assert len(by_key["opens:/same"].evidence) == MAX_EVIDENCE
    assert len(by_key) == MAX_KEYS + 1
    assert by_key["opens:more"].count == 1000 - (MAX_KEYS - 1)
    assert by_key["opens:more"].severity is Severity.HIGH


def test_a_bounded_report_still_counts_what_it_knows(log):
    for number in range(MAX_KEYS + 5):
        log.open(log.root, f"/many/{number}")
    log.open(log.root, "/many/0")
    pipeline, _ = _run(log, Opens)
    by_key = {finding.key: finding for finding in pipeline.findings}
    assert by_key["opens:/many/0"].count == 2
    assert by_key["opens:more"].count == 5


class BrokenAtStart(Opens):
    definition = _definition("broken_at_start")

    def __init__(self, _context):
        raise RuntimeError("no\nluck")


class BrokenAtEvent(Opens):
    definition = _definition("broken_at_event")

    def process(self, event):
        if event.path == "/two":
            raise KeyError("x")
        return super().process(event)


class BrokenInGenerator(Opens):
    definition = _definition("broken_in_generator")

    def process(self, event):
        yield from super().process(event)
        raise ZeroDivisionError


class BrokenAtEnd(Opens):
    definition = _definition("broken_at_end")

    def finish(self):
        raise RecursionError("deep")


class NoFinding(Opens):
    definition = _definition("no_finding")

    def process(self, _event):
        return ["not a finding"]


class Impostor(Opens):
    definition = _definition("impostor")

    def process(self, _event):
        yield Opens(self.context).finding(key="x", title="x", evidence=())


class Endless(Opens):
    definition = _definition("endless")

    def process(self, _event):
        while True:
            yield self.finding(key="x", title="x", evidence=())


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (BrokenAtStart, "at its start: RuntimeError: no\\nluck"),
        (BrokenAtEvent, "at a record of kind open: KeyError: 'x'"),
        (BrokenInGenerator, "at a record of kind open: ZeroDivisionError: "),
        (BrokenAtEnd, "at the end of the log: RecursionError: deep"),
        (NoFinding, "at a record of kind open: TypeError: it returned str in place of a Finding"),
        (Impostor, "at a record of kind open: ValueError: it returned a finding of opens"),
        (Endless, "at a record of kind open: OverflowError: it returned more than 100000 "),
    ],
)
def test_a_detector_that_breaks_is_told_and_stops_nobody(log, broken, sentence):
    for path in ("/one", "/two", "/three"):
        log.open(log.root, path)
    pipeline, _ = _run(log, broken, Opens)
    [failure] = pipeline.failures
    name = broken.definition.name
    assert failure.startswith(f"detector {name} ({broken.definition.rule}) broke {sentence}")
    assert failure.isprintable()
    assert [f.key for f in pipeline.findings if f.detector == "opens"] == [
        "opens:/one",
        "opens:/three",
        "opens:/two",
    ]
    assert broken.definition in pipeline.definitions


def test_what_was_found_before_it_broke_is_kept(log):
    for path in ("/one", "/two", "/three"):
        log.open(log.root, path)
    pipeline, _ = _run(log, BrokenAtEvent)
    assert [finding.key for finding in pipeline.findings] == ["broken_at_event:/one"]


def test_shared_state_that_breaks_is_told(log, monkeypatch):
    pipeline = Pipeline([Opens])
    monkeypatch.setattr(pipeline.context.names, "_names", None)
    log.dns("www.example.org", "198.18.0.1")
    log.open(log.root, "/one")
    for event in log.events:
        pipeline.feed(event)
    pipeline.finish()
    [failure] = pipeline.failures
    assert failure.startswith("what detectors share broke at a record of kind dns: AttributeError")
    assert len(pipeline.findings) == 1


def test_a_detector_works_only_in_its_networks(make_log):
    pipeline, live = _run(make_log(network="none"), Opens, Silent)
    assert [idle.definition for idle in pipeline.skipped] == [Silent.definition]
    assert pipeline.definitions == (Opens.definition,)
    assert live == []
    pipeline, live = _run(make_log(network="sinkhole"), Opens, Silent)
    assert pipeline.skipped == ()
    assert len(live) == 1


def test_values_too_short_to_search_for_are_told(log):
    log.events.insert(1, ev.Honeytoken(ts=0, name="short", family="x", markers={"m": "abc"}))
    log.output(b"anything")
    pipeline, _ = _run(log)
    assert (
        "what detectors share broke at a record of kind output: ValueError"
        in (pipeline.failures[0])
    )


def test_every_builtin_detector_takes_a_log_of_every_kind(log):
    """Each detector sees each kind of event, in an order that makes no sense, and stays whole."""
    log.tcp(log.root, "203.0.113.9", 80, b"x")
    log.dns("www.example.org", "198.18.0.1", pid=4711)
    log.send(4712, "203.0.113.9", 80, b"x")
    log.output(b"x")
    for path in log.inodes:
        log.open(4713, path)
    log.exit(log.root)
    one_of_each = {type(event): event for event in log.events}
    for events in (log.events, log.events[::-1], list(one_of_each.values()) * 3):
        pipeline = Pipeline(builtin())
        for event in events:
            pipeline.feed(event)
        pipeline.finish()
        assert pipeline.failures == ()


class Places(Opens):
    definition = _definition("places", places=("/etc/", "/proc/"))


class OnlyChanged(Opens):
    definition = _definition("only_changed", places=())


def test_a_detector_gets_the_opens_of_its_places_and_all_that_changed_or_came_in_runs(log):
    for path in ("/etc/passwd", "/usr/bin/x", "/proc/1/x"):
        log.open(log.root, path)
    log.open(log.root, "/tmp/x", changed=True)
    log.open(log.root, "/tmp/run", count=100)
    log.open(log.root, "/tmp/few", count=99)
    pipeline, _ = _run(log, Opens, Places, OnlyChanged)
    keys = {finding.key for finding in pipeline.findings}
    assert pipeline.failures == ()
    assert {key for key in keys if key.startswith(("places", "only"))} == {
        "places:/etc/passwd",
        "places:/proc/1/x",
        "places:/tmp/x",
        "places:/tmp/run",
        "only_changed:/tmp/x",
        "only_changed:/tmp/run",
    }
    assert sum(key.startswith("opens:") for key in keys) == 6
