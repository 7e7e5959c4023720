"""What a report tells one by one: processes, destinations, planted values, timeline, detectors.

Owns the mapping from the analysis to `model.observed`, masked on the way, and the bounds of the
timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pytest_ato.analysis import Facts
from pytest_ato.analysis.activity import Mark
from pytest_ato.analysis.traffic import Peer
from pytest_ato.analysis.tree import Node
from pytest_ato.detectors.interface import Definition
from pytest_ato.detectors.uses import Use
from pytest_ato.evidence.views import View
from pytest_ato.model.events import Enrichment
from pytest_ato.model.observed import (
    Moment,
    ReportDestination,
    ReportHoneytoken,
    ReportProcess,
    ReportRule,
)
from pytest_ato.policy.ceilings import how_it_ended
from pytest_ato.policy.verdict import Judgement
from pytest_ato.reports.remedies import remedy

MOMENTS: Final = 200
"""Entries of a timeline..."""
_FINDINGS: Final = 100
"""... of which findings take so many at most, the worst."""
_AT_ONCE: Final = {"start": 0, "end": 2}
"""What comes first of what has the same time; all others are between."""


def processes(facts: Facts, view: View) -> tuple[ReportProcess, ...]:
    """Return the tree of programs, masked."""
    nodes = facts.activity.nodes
    return tuple(
        ReportProcess(
            id=_id(node.number),
            parent=_id(node.parent),
            how=node.how,
            path=view.text(node.path),
            argv=view.argv(node.argv, 400),
            start_ms=_ms(facts, node.start),
            end_ms=None if node.end is None else _ms(facts, node.end),
            exit_status=node.status,
            signal=node.signal,
        )
        for node in nodes
    )


def destinations(facts: Facts, view: View) -> tuple[ReportDestination, ...]:
    """Return whom the target talked to, with what registries say of them."""
    return tuple(_destination(facts, view, peer) for peer in facts.activity.peers)


def honeytokens(facts: Facts, view: View, uses: Mapping[str, Use]) -> tuple[ReportHoneytoken, ...]:
    """Return what was planted and what became of it."""
    unused = Use()
    return tuple(
        ReportHoneytoken(
            name=view.text(token.name),
            family=view.text(token.family),
            path=view.text(token.path),
            variable=view.text(token.variable),
            read_by=view.texts(uses.get(token.name, unused).read_by),
            sent_to=view.texts(uses.get(token.name, unused).seen_at),
        )
        for token in facts.honeytokens
    )


def timeline(facts: Facts, view: View, judgement: Judgement) -> tuple[Moment, ...]:
    """Return when what happened first, in order of time."""
    found = [
        Moment(
            ms=_ms(facts, finding.ts),
            kind="finding",
            text=view.text(finding.title),
            finding=view.text(finding.id),
            severity=finding.severity.value,
        )
        for finding in judgement.findings[:_FINDINGS]
    ]
    others = sorted(_others(facts, view), key=lambda moment: moment.ms)
    ends = tuple(_ends(facts))
    room = MOMENTS - len(found) - len(ends)
    return tuple(sorted((*ends, *found, *others[:room]), key=_in_time))


def rules(
    definitions: Iterable[Definition], view: View, not_run: Mapping[str, str]
) -> tuple[ReportRule, ...]:
    """Return the detectors, by id; `not_run` maps the name of one to why it did not watch."""
    found = (
        ReportRule(
            id=view.text(one.rule),
            name=view.text(one.name),
            category=one.category,
            severity=one.severity,
            title=view.text(one.title),
            technique=view.text(one.technique),
            version=view.text(one.version),
            remedy=remedy(one.rule, one.category),
            not_run=not_run.get(one.name, ""),
        )
        for one in definitions
    )
    return tuple(sorted(found, key=lambda rule: rule.id))


def _in_time(moment: Moment) -> tuple[float, int]:
    return moment.ms, _AT_ONCE.get(moment.kind, 1)


def _ends(facts: Facts) -> Iterator[Moment]:
    if facts.start is not None:
        yield Moment(ms=0.0, kind="start", text="the target starts")
    if facts.end is not None:
        yield Moment(ms=_ms(facts, facts.end.ts), kind="end", text=how_it_ended(facts.end))


def _others(facts: Facts, view: View) -> Iterator[Moment]:
    activity = facts.activity
    for node in activity.nodes:
        if node.executed:
            yield _ran(facts, view, node)
    for mark in activity.marks:
        yield _first(facts, view, mark)
    for peer in activity.peers:
        yield Moment(
            ms=_ms(facts, peer.first),
            kind="connection",
            text=f"first contact with {_called(facts, view, peer)}",
            process=_id(peer.node),
        )


def _ran(facts: Facts, view: View, node: Node) -> Moment:
    return Moment(
        ms=_ms(facts, node.start),
        kind="program",
        text=f"runs {view.text(node.path)}",
        process=_id(node.number),
    )


def _first(facts: Facts, view: View, mark: Mark) -> Moment:
    verb = "writes" if mark.kind == "file" else "asks for the name"
    return Moment(
        ms=_ms(facts, mark.ts),
        kind=mark.kind,
        text=f"{verb} {view.text(mark.value)}",
        process=_id(mark.node),
    )


def _called(facts: Facts, view: View, peer: Peer) -> str:
    host = view.text(facts.activity.name_of.get(peer.address, peer.address))
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{peer.port}" if peer.port else f"{host} {view.text(peer.protocol)}"


def _destination(facts: Facts, view: View, peer: Peer) -> ReportDestination:
    known = facts.enrichment.get(peer.address)
    node = facts.activity.nodes[peer.node - 1] if peer.node else None
    told = known or Enrichment(ts=0, address=peer.address, reason=_unasked(facts))
    return ReportDestination(
        name=view.text(facts.activity.name_of.get(peer.address, "")),
        address=view.text(peer.address),
        port=peer.port,
        protocol=view.text(peer.protocol),
        process=_id(peer.node),
        program=view.text(node.path) if node else "",
        connections=peer.connections,
        bytes_out=peer.bytes_out,
        bytes_in=peer.bytes_in,
        first_ms=_ms(facts, peer.first),
        last_ms=_ms(facts, peer.last),
        ptr=view.text(told.ptr),
        asn=told.asn,
        as_name=view.text(told.as_name),
        country=view.text(told.country),
        basis=view.text(told.basis),
        unknown=view.text(told.reason),
    )


def _unasked(facts: Facts) -> str:
    sinkhole = facts.audit is not None and facts.audit.spec.network == "sinkhole"
    return "not asked; the sinkhole stood in for it" if sinkhole else "nobody was asked"


def _id(number: int) -> str:
    return f"P{number}" if number else ""


def _ms(facts: Facts, ts: int) -> float:
    """Milliseconds since the target started, to a thousandth."""
    if facts.start is None:
        return 0.0
    return round(max(0, ts - facts.start.ts) / 1e6, 3)
