"""A least-privilege policy from a good run: what the target did, declared, each with its reason.

Owns the text of the file: YAML, in `declared` only, a line an entry, with what was seen as comment.
All that came from the target is quoted as JSON, which YAML reads, or escaped in the comment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_ato import __version__
from pytest_ato.detectors.facts import Fact, Kind, by_kind
from pytest_ato.model.domains import WILDCARD
from pytest_ato.model.findings import Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.patterns import host_of
from pytest_ato.policy.ceilings import how_it_ended
from pytest_ato.policy.checks import PATTERNS
from pytest_ato.policy.observe import Observed

_COMMENT: Final = 100
_CUT: Final = "…"


@dataclass(frozen=True)
class Entry:
    """One line: what is declared, and what was seen."""

    value: str
    seen: str


def suggest(observed: Observed) -> str:
    """Write the policy of one good run."""
    return "\n".join((*_head(observed), *_declared(observed), ""))


def _head(observed: Observed) -> Iterator[str]:
    target = observed.audit.spec.target
    day = show(observed.audit.started[:10])
    yield f"# What {show(target.name, 60)} did when it was audited on {day}, as a declaration:"
    yield f"# suggested by pytest-ato {__version__}; take out what the vendor did not say."
    yield f"# SHA-256 {show(target.sha256, 64)}; {how_it_ended(observed.end)}."


def _declared(observed: Observed) -> Iterator[str]:
    facts = by_kind(observed.behaviour)
    yield "declared:"
    yield from _list("domains", _domains(facts[Kind.DOMAIN]))
    yield from _list("cidrs", (Entry(fact.raw, fact.detail) for fact in facts[Kind.ADDRESS]))
    ports = (*facts[Kind.PORT], *facts[Kind.LISTENER])
    yield from _list("ports", (Entry(fact.value, fact.detail) for fact in ports))
    files = (*facts[Kind.WRITTEN], *facts[Kind.READ])
    yield from _list("files", (*_paths(files), *_dropped(observed)))
    yield from _list("children", _paths(facts[Kind.CHILD]))
    yield from _credentials(observed)
    if observed.end.ended == "timeout" or observed.end.survivors:
        yield f"  service: true  # {how_it_ended(observed.end)}"
    if observed.end.ended == "exit" and observed.end.status:
        yield f"  exit_status: {observed.end.status}  # {how_it_ended(observed.end)}"


def _domains(facts: Iterable[Fact]) -> Iterator[Entry]:
    for fact in facts:
        name = fact.raw
        if WILDCARD in fact.value and fact.value != fact.raw:
            name = WILDCARD + fact.value.rpartition(WILDCARD)[2]
        yield Entry(name, fact.detail)


def _paths(facts: Iterable[Fact]) -> Iterator[Entry]:
    for fact in facts:
        # What changes from run to run is a * there; in a long one the end, too.
        changes = fact.value != show(fact.raw, len(fact.value))
        value = fact.value.replace(_CUT, "**") if changes else fact.raw
        by = f" by {fact.process.label}" if fact.process else ""
        yield Entry(value, f"{fact.detail}{by}")


def _dropped(observed: Observed) -> Iterator[Entry]:
    """Programs that it wrote to a temporary place and ran, which are no files of its own else."""
    for finding in observed.findings:
        if finding.detector == "dropped_executable":
            path = finding.key.split(":", 2)[2]
            if path.startswith(("/tmp/", "/var/tmp/", "/dev/shm/")):  # noqa: S108
                yield Entry(path if ":run:" in finding.key else f"{path}/*", finding.title)


def _credentials(observed: Observed) -> Iterator[str]:
    families: dict[str, set[str]] = {}
    carriers = observed.context.tokens.carriers
    for read in observed.context.reads.rated(observed.context.sightings.carriers):
        if read.rating is not Severity.INFO:
            families.setdefault(read.token.family, set())
    for sighting in observed.context.sightings.all:
        if sighting.token in carriers:
            services = families.setdefault(carriers[sighting.token].family, set())
            services.add(host_of(sighting.destination))
    if families:
        yield "  credentials:"
    for family, services in sorted(families.items()):
        names = ", ".join(
            map(_quoted, sorted(name for name in services if _is_pattern("domains", name)))
        )
        yield f"    {_quoted(family)}: [{names}]  # read in this run"


def _list(key: str, entries: Iterable[Entry]) -> Iterator[str]:
    known = sorted({entry.value: entry for entry in entries}.items())
    good = [(value, entry) for value, entry in known if _is_pattern(key, value)]
    yield f"  {key}:" if good else f"  {key}: []"
    for value, entry in good:
        yield f"    - {_quoted(value)}  # {show(entry.seen, _COMMENT)}"
    for value, entry in known:
        if not _is_pattern(key, value):
            yield f"    # cannot be declared: {_quoted(value)}  # {show(entry.seen, _COMMENT)}"


def _quoted(text: str) -> str:
    # Printable already; a string of JSON is one of YAML, but for escaped surrogates.
    return json.dumps(text, ensure_ascii=False)


def _is_pattern(key: str, value: str) -> bool:
    try:
        PATTERNS[key](value)
    except ValueError:
        return False
    return True


def uncovered(findings: Iterable[Finding]) -> list[Finding]:
    """Those of severity low and above: what no declaration covers."""
    return [finding for finding in findings if finding.severity is not Severity.INFO]
