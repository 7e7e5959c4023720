"""`Findings`: what tests assert on. It never lies by being empty.

Owns filtering by category, detector and severity, and the rule that an empty answer is given only
when it was earned: where the capture was not whole, or nobody could look, reading it raises
`CaptureIncomplete`. Renders nothing but its own one-line repr.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from pytest_ato.model.errors import CaptureIncomplete
from pytest_ato.model.findings import Category, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.wording import count_by_severity

_REPR_LIMIT = 199
"""pytest cuts a repr near 240 characters and escapes its newlines."""
_SEVERITIES = tuple(severity for severity in Severity if severity is not Severity.INFO)


@dataclass(frozen=True)
class Scope:
    """What stands behind all views of one audit's findings."""

    detectors: frozenset[str]
    """Names of the detectors of this session."""
    incomplete: tuple[str, ...] = ()
    """Why the capture was not whole, a sentence each."""
    unjudged: Mapping[str, str] | None = None
    """By category or detector name: why nothing can be said of it."""


class Findings(Sequence[Finding]):
    """Findings of severity low and above; falsy when there are none.

    `findings.exfil` filters by category, `findings.beaconing` by detector, `findings.high` by
    severity, and filters chain. Truth, length, iteration, indexing and comparison of an *empty*
    view raise `CaptureIncomplete` if the audit cannot vouch for the emptiness.
    """

    __slots__ = ("_chosen", "_path", "_scope")

    def __init__(self, chosen: Iterable[Finding], scope: Scope, path: tuple[str, ...] = ()) -> None:
        self._chosen = tuple(chosen)
        self._scope = scope
        self._path = path

    def __getattr__(self, name: str) -> Findings:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in Category.__members__.values():
            chosen = (finding for finding in self._chosen if finding.category == name)
        elif name in self._scope.detectors:
            chosen = (finding for finding in self._chosen if finding.detector == name)
        elif name in _SEVERITIES:
            chosen = (finding for finding in self._chosen if finding.severity == name)
        else:
            raise AttributeError(
                f"findings have no {name!r}; known are: {', '.join(self._known())}"
                + (" (info findings are in trace.notes)" if name == Severity.INFO else "")
            )
        return Findings(chosen, self._scope, (*self._path, name))

    def __bool__(self) -> bool:
        __tracebackhide__ = True
        return bool(self._read())

    def __len__(self) -> int:
        __tracebackhide__ = True
        return len(self._read())

    @overload
    def __getitem__(self, index: int) -> Finding: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...

    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        __tracebackhide__ = True
        return self._read()[index]

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        if isinstance(other, Findings):
            return self._read() == other._read()
        if isinstance(other, (list, tuple)):
            return self._read() == tuple(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._known()]

    def __repr__(self) -> str:
        """Describe the view in one line; never raises."""
        where = f" {'.'.join(self._path)}" if self._path else ""
        if self._chosen:
            told = f"{len(self._chosen)} ({count_by_severity(self._chosen)}): " + ", ".join(
                dict.fromkeys(finding.detector for finding in self._chosen)
            )
        elif self._not_judged():
            told = "not judged"
        elif self._scope.incomplete:
            told = "none seen, but the capture was not whole"
        else:
            told = "none"
        return show(f"<Findings{where}: {told}>", _REPR_LIMIT)

    def _read(self) -> tuple[Finding, ...]:
        """Return the chosen findings, if an empty answer would be true."""
        __tracebackhide__ = True
        if not self._chosen:
            name = ".".join(("findings", *self._path))
            if reason := self._not_judged():
                raise CaptureIncomplete(f"{name} was not judged: {reason}")
            if self._scope.incomplete:
                raise CaptureIncomplete(
                    f"{name} is empty, but that proves nothing, the capture was not whole: "
                    + "; ".join(self._scope.incomplete)
                )
        return self._chosen

    def _not_judged(self) -> str | None:
        unjudged = self._scope.unjudged or {}
        return next((unjudged[name] for name in self._path if name in unjudged), None)

    def _known(self) -> list[str]:
        return [*Category, *sorted(self._scope.detectors - set(Category)), *_SEVERITIES]
