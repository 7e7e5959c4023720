"""One pass over an audit's events: context first, then the detectors that want the event.

Owns dispatch, what happens when a detector breaks, and how findings become the report's list.
Knows no detector by name, and judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from pytest_ato.detectors.context import Context, Update
from pytest_ato.detectors.interface import RUN, Definition, Detector, Idle
from pytest_ato.detectors.merge import Merged
from pytest_ato.detectors.paths import normal, text
from pytest_ato.detectors.uses import Use, uses
from pytest_ato.model.events import Audit, Open
from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import show
from pytest_ato.model.policy import Terms
from pytest_ato.model.record import Event

_MAX_FOUND: Final = 100_000
"""Findings that one call of a detector may return: an endless generator must end."""


class Pipeline:
    """Detectors at work on one audit; feed it every event in the order of the log.

    The same events always give the same findings, down to their bytes.
    """

    def __init__(self, detectors: Iterable[type[Detector]], terms: Terms | None = None) -> None:
        self.context = Context(terms)
        self._traffic = self.context.connections
        self._merged = Merged()
        self._failures: list[str] = []
        self._uses: Mapping[str, Use] = {}
        self._skipped: list[Idle] = []
        self._working: list[Detector] = []
        self._definitions: list[Definition] = []
        for detector in detectors:
            try:
                self._working.append(detector(self.context))
            except Exception as error:
                self._failures.append(_sentence(detector.definition, "at its start", error))
            self._definitions.append(detector.definition)
        self._everywhere: tuple[Detector, ...] = ()
        self._places: tuple[str, ...] = ()
        self._heads: frozenset[str] = frozenset()
        self._head = 0
        self._handlers = self._dispatch()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, one finding for each key, worst first, numbered ``F-001``..."""
        return self._merged.numbered()

    @property
    def failures(self) -> tuple[str, ...]:
        """A sentence for each detector that broke: its silence proves nothing, so the caller
        makes the audit INCONCLUSIVE."""
        return tuple(self._failures)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what the analysis could not search, for the report's coverage."""
        return self.context.notes

    @property
    def uses(self) -> Mapping[str, Use]:
        """What became of the honeytokens that were used, by name; known after `finish`."""
        return self._uses

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Detectors that watch this audit, those that broke included."""
        return tuple(self._definitions)

    @property
    def skipped(self) -> tuple[Idle, ...]:
        """Detectors that have no work in this audit; known after the first record."""
        return tuple(self._skipped)

    def feed(self, event: Event) -> list[Finding]:
        """Take one event; return the findings that it makes certain, as the detectors gave them."""
        found = self._feed(event)
        if self._traffic.derived:  # seldom
            found += self._feed_derived()
        return found

    def _feed_derived(self) -> list[Finding]:
        return [finding for event in self._traffic.take() for finding in self._feed(event)]

    def _feed(self, event: Event) -> list[Finding]:
        handlers = self._handlers.get(type(event))
        if handlers is None:
            return []
        updates, detectors = handlers
        for update in updates:
            try:
                update(event)
            except Exception as error:
                self._failures.append(_shared(f"at a record of kind {_kind(event)}", error))
        if type(event) is Open:
            detectors = self._openers(event, detectors)
        elif type(event) is Audit:
            self._keep_those_that_can_work(event.spec.network)
            detectors = self._handlers.get(Audit, ((), ()))[1]
        found: list[Finding] = []
        for detector in detectors:
            try:
                given = detector.process(event)
                if given:  # nearly always nothing
                    found += self._checked(detector, given)
            except Exception as error:
                self._break(detector, f"at a record of kind {_kind(event)}", error)
        if found:
            self._merged.add(found)
        return found

    def finish(self) -> list[Finding]:
        """Call once after the last event; return what only the whole shows."""
        self._end(self._traffic.finish)
        derived = self._feed_derived()
        self._end(self.context.finish)
        found: list[Finding] = []
        for detector in tuple(self._working):
            try:
                found += self._checked(detector, detector.finish())
            except Exception as error:
                self._break(detector, "at the end of the log", error)
        self._merged.add(found)
        self._end(self._use)
        return derived + found

    def _use(self) -> None:
        self._uses = uses(self.context)

    def _end(self, end: Callable[[], None]) -> None:
        try:
            end()
        except Exception as error:
            self._failures.append(_shared("at the end of the log", error))

    def _checked(self, detector: Detector, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Pass on what is a finding of this detector's, and is not about what is declared."""
        definition = detector.definition
        declarations, home = self.context.declarations, self.context.home
        for number, finding in enumerate(findings):
            if not isinstance(finding, Finding):
                raise TypeError(f"it returned {type(finding).__name__} in place of a Finding")
            if finding.detector != definition.name or finding.rule != definition.rule:
                raise ValueError(f"it returned a finding of {show(finding.detector)}")
            if number >= _MAX_FOUND:
                raise OverflowError(f"it returned more than {_MAX_FOUND} findings at once")
            if not declarations.covers(definition, finding, home):
                yield finding

    def _dispatch(
        self,
    ) -> dict[type[Event], tuple[tuple[Update, ...], tuple[Detector, ...]]]:
        wanted: dict[type[Event], list[Detector]] = {kind: [] for kind in self.context.updates}
        for detector in self._working:
            for kind in detector.definition.wants:
                wanted.setdefault(kind, []).append(detector)
        openers = wanted.get(Open, ())
        self._everywhere = tuple(d for d in openers if "" in d.definition.places)
        self._places = tuple({place for d in openers for place in d.definition.places} - {""})
        self._head = min(map(len, self._places), default=0)
        self._heads = frozenset(place[: self._head] for place in self._places)
        return {
            kind: (self.context.updates.get(kind, ()), tuple(detectors))
            for kind, detectors in wanted.items()
        }

    def _openers(self, event: Open, detectors: tuple[Detector, ...]) -> tuple[Detector, ...]:
        """Those that look at the place which was opened, by its own path or the one given."""
        if event.changed or event.count >= RUN:
            return detectors
        given = text(event.path)
        if "//" in given or "/." in given:
            given = normal(given)
        file = given if event.file is None else text(event.file)
        heads, end = self._heads, self._head
        near = file[:end] in heads or given[:end] in heads
        if not near or not (file.startswith(self._places) or given.startswith(self._places)):
            return self._everywhere
        return tuple(
            detector
            for detector in detectors
            if file.startswith(places := detector.definition.places) or given.startswith(places)
        )

    def _keep_those_that_can_work(self, network: str) -> None:
        for detector in tuple(self._working):
            definition = detector.definition
            if reason := definition.cannot_work(network, self.context.terms.inputs):
                self._working.remove(detector)
                self._definitions.remove(definition)
                self._skipped.append(Idle(definition, reason))
        self._handlers = self._dispatch()

    def _break(self, detector: Detector, when: str, error: Exception) -> None:
        # Its state can't be trusted any more, so it gets no further event.
        self._failures.append(_sentence(detector.definition, when, error))
        self._working.remove(detector)
        self._handlers = self._dispatch()


def _shared(when: str, error: Exception) -> str:
    return f"what detectors share broke {when}: {_reason(error)}"


def _kind(event: Event) -> str:
    return str(event.__struct_config__.tag)


def _sentence(definition: Definition, when: str, error: Exception) -> str:
    return f"detector {definition.name} ({definition.rule}) broke {when}: {_reason(error)}"


def _reason(error: Exception) -> str:
    return show(f"{type(error).__name__}: {error}")
