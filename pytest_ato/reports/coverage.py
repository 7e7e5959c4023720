"""What the capture could and could not see, as counts and in words.

Owns the sentences about what was not seen although the capture was whole; what makes it not whole
is `policy.wholeness`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import astuple
from typing import Final

from pytest_ato import __version__
from pytest_ato.analysis import Facts
from pytest_ato.analysis.distinct import Distinct
from pytest_ato.detectors.interface import Definition, Idle
from pytest_ato.evidence.views import View
from pytest_ato.model.report import Coverage, TlsCoverage
from pytest_ato.policy.availability import not_run, unavailable
from pytest_ato.reports import libraries

NOT_CAPTURED: Final = "not captured"
NO_TLS: Final = "no TLS was seen"


def coverage(
    facts: Facts,
    view: View,
    watching: Collection[Definition],
    skipped: Collection[Idle],
    *,
    left_out: int,
    notes: Iterable[str],
    tls: TlsCoverage | None = None,
) -> Coverage:
    """Return the coverage of one audit, masked and printable.

    `left_out` findings have no room in the report; `notes` are the analysis' own.
    """
    counters = facts.end.counters if facts.end else {}
    idle = unavailable(watching, skipped)
    counts = counters.values()
    return Coverage(
        lost_events=sum(each.lost for each in counts) + sum(count for *_, count in facts.lost),
        unread=sum(each.unread for each in counts),
        truncated=sum(each.truncated for each in counts),
        coalesced=sum(each.coalesced for each in counts),
        counters={view.text(name): each for name, each in sorted(counters.items())},
        probes=_probes(facts, view),
        tls=tls or _no_tls(facts),
        libraries=libraries.libraries(facts.watched, view),
        flows=_flows(facts),
        not_run={view.text(n): view.text(why) for n, why in not_run(skipped).items()},
        unavailable={category.value: view.text(why) for category, why in idle.items()},
        notes=view.texts((*notes, *_unseen(facts, skipped, left_out))),
    )


def _probes(facts: Facts, view: View) -> dict[str, str]:
    probes: dict[str, str] = dict(facts.start.probes) if facts.start else {}
    if facts.end:
        probes |= {name: f"silent {when}" for name, when in facts.end.silent.items()}
    return {view.text(name): view.text(state) for name, state in sorted(probes.items())}


def _no_tls(facts: Facts) -> str:
    looked = facts.audit is not None and facts.audit.spec.network != "none"
    return NO_TLS if looked and facts.end is not None else NOT_CAPTURED


def _flows(facts: Facts) -> str:
    if facts.start is None or facts.start.probes.get("wire") != "live":
        return NOT_CAPTURED
    wire = facts.activity.wire
    owners = (wire.sockets, wire.kernel, wire.nobody)
    flows, packets, size = (sum(each) for each in zip(*map(astuple, owners), strict=True))
    return (
        f"{flows:,} flows, {packets:,} packets, {size:,} bytes on the wire: {wire.sockets.bytes:,} "
        f"bytes of sockets of this audit, {wire.kernel.bytes:,} of the kernel's own, "
        f"{wire.nobody.bytes:,} of no socket"
    )


def _unseen(facts: Facts, skipped: Iterable[Idle], left_out: int) -> Iterator[str]:
    """What the capture did not see, though it was whole: what is special to this audit first."""
    if left_out:
        yield f"{left_out:,} findings more than this report lists, none of them worse"
    if facts.start:
        idle = sorted(name for name, state in facts.start.probes.items() if state != "live")
        if idle:
            yield f"without live probes: {', '.join(idle)}"
    if facts.end:
        truncated = sum(each.truncated for each in facts.end.counters.values())
        if truncated:
            yield f"{truncated} values were longer than their buffers: only the beginning is known"
        if facts.end.held_ms:
            held = facts.end.held_ms / 1000
            yield f"the target did more than could be read at once, and was held for {held:.1f} s"
    yield from _unseen_network(facts, skipped)
    yield from libraries.sentences(facts.watched)
    yield from _uncounted(facts)
    if facts.audit and facts.audit.tool_version not in ("", __version__):
        yield f"captured by version {facts.audit.tool_version}, analysed by {__version__}"


def _unseen_network(facts: Facts, skipped: Iterable[Idle]) -> Iterator[str]:
    network = facts.audit.spec.network if facts.audit else ""
    if network == "none":
        yield "the target had no network"
    elif network == "sinkhole":
        yield "a sinkhole answered in place of the network"
    elif network == "open":
        yield "nothing but TCP and DNS was let out; the true servers answered"
    if facts.start and not facts.start.tls_proxy:
        yield (
            "there was no TLS proxy (mitmproxy, see `ato doctor`): of TLS, only what probes read "
            "was seen"
        )
    definitions = [idle.definition for idle in skipped]
    names = sorted(one.name for one in definitions if one.needs and network not in one.needs)
    if names:
        yield f"detectors that did not run, for want of a network: {', '.join(names)}"


def _uncounted(facts: Facts) -> Iterator[str]:
    activity = facts.activity
    counted: dict[str, bool] = {
        "programs": activity.programs.full,
        "files read": activity.read.full,
        "files written": activity.written.full,
        "names": activity.names.full,
        "addresses": activity.destinations.full,
    }
    for what, full in counted.items():
        if full:
            yield f"more than {Distinct.COUNTED:,} different {what}: counted up to there"
    kept = facts.audit.spec.limits.output if facts.audit else 0
    for stream, size in sorted(activity.output_bytes.items()):
        if kept and size > kept:
            yield f"{size:,} bytes were written to {stream}: only the first {kept:,} are kept"
