"""The fold of an event log into the facts that a verdict and a report rest on.

Owns what is known of the run itself, and the order that a log must have; what the target did is
counted in `activity`. It observes only: whether the facts suffice for a verdict is `policy`'s
question, how they are masked and shown is `evidence`'s and `reports`'.
No I/O, no clock: the same events give the same facts, live and in replay, and any sequence of
records (cut, repeated, out of order) gives facts rather than an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_ato.analysis.activity import Activity, ActivityFold
from pytest_ato.model.events import (
    FORMAT,
    MOST_TOKENS,
    Audit,
    End,
    Enrichment,
    Honeytoken,
    Lost,
    Planted,
    Signing,
    Start,
    Timing,
    Unavailable,
    Watched,
)
from pytest_ato.model.findings import Finding
from pytest_ato.model.record import Event

LOST_REASONS: Final = 32
"""Different reasons of loss that are kept apart; further ones are only counted."""

WATCHED: Final = 1_000
"""Files whose TLS functions were watched that are kept."""

ENRICHED: Final = 10_000
"""Addresses whose answers are kept."""

_NOT_OBSERVED: Final = frozenset(
    {
        Audit,
        Honeytoken,
        Signing,
        Unavailable,
        Start,
        Planted,
        Watched,
        Lost,
        Timing,
        End,
        Enrichment,
        Finding,
    }
)
_MAY_FOLLOW_END: Final = frozenset({Signing, Timing, Enrichment, Finding})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that an audit's log says about the run itself; None: the log does not say it."""

    audit: Audit | None
    signing: Signing | None = None
    """Who signs, as far as it was told last."""
    start: Start | None
    end: End | None
    executed: bool
    """A program ran in the sandbox after it was started."""
    honeytokens: tuple[Honeytoken, ...]
    lost: tuple[tuple[str, str, int], ...]
    """Source, reason and count of each loss."""
    disorder: tuple[str, ...]
    """Sentences: in what the log is not as capture writes it."""
    analysis_ms: float
    activity: Activity
    watched: tuple[Watched, ...] = ()
    """Files whose TLS functions were watched, or could not be."""
    enrichment: Mapping[str, Enrichment] = field(default_factory=dict)
    """What registries say of an address; the first answer counts."""


class Analysis:
    """Feed it every record of one audit in the order of the log, then take `facts`."""

    def __init__(self) -> None:
        self._audit: Audit | None = None
        self._signing: Signing | None = None
        self._start: Start | None = None
        self._end: End | None = None
        self._activity = ActivityFold()
        self._honeytokens: list[Honeytoken] = []
        self._watched: list[Watched] = []
        self._lost: dict[tuple[str, str], int] = {}
        self._disorder: dict[str, None] = {}  # an ordered set
        self._analysis_ms = 0.0
        self._enrichment: dict[str, Enrichment] = {}
        self._events = 0
        self._after_end = 0
        # Each takes the one class it stands for, which a dict's type cannot say.
        self._handlers: dict[type[Event], Callable[..., None]] = {
            **self._activity.handlers(),
            Audit: self._on_audit,
            Honeytoken: self._on_honeytoken,
            Signing: self._on_signing,
            Unavailable: self._on_unavailable,
            Start: self._on_start,
            Watched: self._on_watched,
            Lost: self._on_lost,
            Timing: self._on_timing,
            Enrichment: self._on_enrichment,
            End: self._on_end,
        }

    def feed(self, event: Event) -> None:
        """Take the next record."""
        kind = type(event)
        if kind not in _NOT_OBSERVED:
            self._events += 1
        if self._end is not None and kind not in _MAY_FOLLOW_END:
            self._after_end += 1
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(event)

    def _on_honeytoken(self, token: Honeytoken) -> None:
        if len(self._honeytokens) < MOST_TOKENS:
            self._honeytokens.append(token)
        else:
            self.damaged(f"the log has more than {MOST_TOKENS} honeytokens")

    def damaged(self, sentence: str) -> None:
        """Note that the log is not whole in a way that only its reader saw (a broken line)."""
        self._disorder[sentence] = None

    def facts(self) -> Facts:
        """Return what is known after the records fed so far."""
        disorder = list(self._disorder)
        if self._after_end:
            disorder.append(f"{_records(self._after_end)} after the end record")
        return Facts(
            audit=self._audit,
            signing=self._signing,
            start=self._start,
            end=self._end,
            executed=self._activity.executed,
            honeytokens=tuple(self._honeytokens),
            lost=tuple((*key, count) for key, count in self._lost.items()),
            disorder=tuple(disorder),
            analysis_ms=self._analysis_ms,
            activity=self._activity.activity(self._events, self._end),
            watched=tuple(self._watched),
            enrichment=dict(self._enrichment),
        )

    def _on_audit(self, event: Audit) -> None:
        if self._audit is not None:
            self.damaged("a second audit record")
            return
        if self._start or self._end or self._events:
            self.damaged("the audit record is not the first")
        if event.format > FORMAT:
            self.damaged(f"it is of format {event.format}, and this version reads up to {FORMAT}")
        self._audit = event

    def _on_signing(self, event: Signing) -> None:
        self._signing = event

    def _on_unavailable(self, event: Unavailable) -> None:
        self.damaged(f"it says that nothing was captured: {event.reason}")

    def _on_start(self, event: Start) -> None:
        if self._start is not None:
            self.damaged("a second start record")
            return
        self._start = event
        self._activity.begin(event)

    def _on_end(self, event: End) -> None:
        if self._end is not None:
            self.damaged("a second end record")
            return
        self._end = event

    def _on_watched(self, event: Watched) -> None:
        if len(self._watched) < WATCHED:
            self._watched.append(event)

    def _on_lost(self, event: Lost) -> None:
        key = (event.source, event.reason)
        if key not in self._lost and len(self._lost) >= LOST_REASONS:
            key = ("capture", "further losses, of other kinds")
        self._lost[key] = self._lost.get(key, 0) + event.count

    def _on_enrichment(self, event: Enrichment) -> None:
        if len(self._enrichment) < ENRICHED:
            self._enrichment.setdefault(event.address, event)

    def _on_timing(self, event: Timing) -> None:
        self._analysis_ms = event.analysis_ms


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"
