"""The views of the raw log: what of it people and programs outside may read.

The *raw* view is `events.jsonl`, which is its owner's. The *report* view is this module's `View`;
the *evidence* view is that, and `mask_sensitive_fields` over it.

Owns the masking, in one place. Destinations, ports and paths stay in clear, they are the finding;
minted markers and the personal data planted with them become name, length and a digest that only
the raw log's key can reproduce, whatever encoding they stand in; so do card and account numbers,
social security numbers and the people in e-mail addresses, where they stand in clear; and every
string becomes one printable line of bounded length. A renderer escapes for its own form after that.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from pytest_ato.evidence.coarse import mask_sensitive_fields
from pytest_ato.honeytokens.match import Matcher
from pytest_ato.model.events import Honeytoken
from pytest_ato.model.findings import Evidence, Finding, Process
from pytest_ato.model.octets import B64, Octets, octets, show
from pytest_ato.model.report import ReportFinding
from pytest_ato.personal import CARD, EMAIL, IBAN, SSN, find

__all__ = ["View", "mask_sensitive_fields"]

LENGTH: Final = 300
"""Characters of a text that are shown unless asked otherwise; "…" marks the cut."""
LOOKED_AT: Final = 16 << 10
"""Bytes at the beginning of a text that are searched and shown from; the rest is never shown."""
ARGUMENTS: Final = 64
"""Arguments of a command line that are shown, of at most 200 characters each..."""
_ARGUMENT: Final = 200
COMMAND_LINE: Final = 2_000
"""... and as long as they are not more characters together than these; in a lineage, 400."""
_LINEAGE: Final = 400
DEEP: Final = 250
"""Different texts with something dense that are searched through several layers of encoding, a few
ms each; in those after them, as only a flood of findings has, all that is dense is hidden."""
_DENSE: Final = re.compile(rb"[\w+=-]{20,}|(?:[\w+=-]+\.){6,}")
"""Where a marker of 16 characters may lie in two layers and more: a long run of an alphabet, many
short labels. One layer is searched for in any text."""
_ODD: Final = re.compile(rb"[%\\\x00-\x08\x0e-\x1f\x7f]")
"""Escapes, of which any character of anything may be one, and what no text holds."""
_DOCUMENT: Final = 64 << 10
"""Bytes of a planted document whose cells are masked."""
_CELL: Final = re.compile(rb'[^,;\t\r\n"]{8,}')
_CUT: Final = re.compile("…".encode())
"""Where something was left out of a text before it came here; a marker may have been split."""
_PERSONAL: Final = re.compile(rb"[0-9@]")
_HIDDEN: Final = frozenset({CARD, IBAN, SSN, EMAIL})
"""Phone numbers are not: too much that a report has to show looks like one."""

_MASK: Final = re.compile("\u2039([^\u203a]*?):[0-9]+(?::[0-9a-f]{8})?\u203a")
"""As `View` makes them, with a length and a digest."""

# A log of a CI job obeys lines that begin with ``::command`` and any that hold ``##[command]``.
_WORKFLOW_COMMAND: Final = re.compile(r"^(\s*):(?=:[A-Za-z])|(?<=##)\[")


class View:
    """Masks one audit's strings: same key and honeytokens, same result.

    `digest_key` is the audit's; where it is empty (a log without its first record) a mask has no
    digest, since one without a key could be guessed from. `documents` are contents of planted
    files about people, by the name of the honeytoken. `unmasked`: by the user's explicit word,
    nothing is hidden; everything is still made printable.
    """

    def __init__(
        self,
        digest_key: bytes,
        honeytokens: Iterable[Honeytoken],
        documents: Mapping[str, bytes] | None = None,
        *,
        unmasked: bool = False,
    ) -> None:
        self._key = digest_key
        self._unmasked = unmasked
        tokens = tuple(honeytokens)
        self._values = {name: value for token in tokens for name, value in token.markers.items()}
        self._matchers, literals = _searches(tokens)
        for name, content in (documents or {}).items():
            literals.update(dict.fromkeys(_cells(content), name))
        self._deep_left = DEEP
        self._literals = literals
        longest_first = sorted(literals, key=lambda value: (-len(value), value))
        self._literal = re.compile(b"|".join(map(re.escape, longest_first)))
        # The same command lines and paths come again in every finding.
        self._shown = lru_cache(maxsize=4096)(self._show)

    def text(self, value: Octets, limit: int = LENGTH) -> str:
        """Return `value` masked, as one printable line of about `limit` characters at most."""
        return self._shown(value, limit)

    def texts(self, values: Iterable[Octets]) -> tuple[str, ...]:
        """Return each of `values` as `text` does."""
        return tuple(self.text(value) for value in values)

    def argv(self, argv: Iterable[Octets], room: int = COMMAND_LINE) -> tuple[str, ...]:
        """Return a command line's arguments, each masked; "…" stands for those left out."""
        shown: list[str] = []
        for argument in argv:
            text = self.text(argument, _ARGUMENT)
            room -= len(text)
            if len(shown) == ARGUMENTS or room < 0:
                return (*shown, "…")
            shown.append(text)
        return tuple(shown)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return variables with every value masked: a user's own may be secret, too."""
        if self._unmasked:
            return {self.text(name): self.text(value) for name, value in variables.items()}
        return {
            self.text(name): self._mask("value", value.encode(errors="backslashreplace"))
            for name, value in variables.items()
        }

    def finding(self, finding: Finding) -> ReportFinding:
        """Return `finding` with every string of it masked."""
        return ReportFinding(
            ts=finding.ts,
            detector=self.text(finding.detector),
            rule=self.text(finding.rule),
            category=finding.category,
            severity=finding.severity,
            title=self.text(finding.title),
            key=_stable(self.text(finding.key)),
            count=finding.count,
            where=self.text(finding.where),
            lineage=tuple(map(self._process, finding.lineage)),
            evidence=tuple(map(self._evidence, finding.evidence)),
            technique=self.text(finding.technique),
            id=self.text(finding.id),
            waived_by=self.text(finding.waived_by),
        )

    def _process(self, process: Process) -> Process:
        return Process(process.pid, self.text(process.path), self.argv(process.argv, _LINEAGE))

    def _evidence(self, evidence: Evidence) -> Evidence:
        return Evidence(ts=evidence.ts, text=self.text(evidence.text), pid=evidence.pid)

    def _show(self, value: Octets, limit: int) -> str:
        whole = value.encode(errors="backslashreplace") if isinstance(value, str) else value.b64
        data = whole[:LOOKED_AT]
        # One more, so that a text of which something is left out never looks whole.
        text = "".join(self._pieces(data, limit + 1))
        text = _WORKFLOW_COMMAND.sub(lambda match: _escaped(match.group()), text)
        return text if len(text) <= limit and len(whole) <= LOOKED_AT else text[: limit - 1] + "…"

    def _pieces(self, data: bytes, room: int) -> Iterator[str]:
        """Yield `data` piece by piece, masks in place of markers, until `room` is filled."""
        end = 0
        for start, stop, mask in self._masks(data):
            if start < end:
                end = max(end, stop)
                continue
            for piece in (show(octets(data[end:start]), room), mask):
                yield piece
                room -= len(piece)
            if room <= 0:
                return
            end = stop
        yield show(octets(data[end:]), room)

    def _masks(self, data: bytes) -> list[tuple[int, int, str]]:
        """Return start, end and mask of what to hide, in order; later ones may overlap earlier."""
        found: list[tuple[int, int, str]] = []
        if self._unmasked:
            return found
        dense = _dense(data) if self._matchers else []
        self._deep_left -= bool(dense)
        deep = bool(dense) and self._deep_left >= 0
        for start, stop in () if deep else dense:
            found.append((start, stop, f"\u2039unsearched:{stop - start}\u203a"))
        for start, stop, marker in self._markers(data, deep=deep):
            value = self._values[marker].encode(errors="backslashreplace")
            found.append((start, stop, self._mask(marker, value)))
        if self._literals:
            for match in self._literal.finditer(data):
                cell = match.group()
                found.append((*match.span(), self._mask(self._literals[cell], cell)))
        for one in find(data, _HIDDEN):
            # The domain stays: it may be where something went, as in git@host.
            value = one.value.partition(b"@")[0]
            stop = one.start + len(value) if one.kind == EMAIL else one.stop
            found.append((one.start, stop, self._mask(one.kind, value)))
        return sorted(found)

    def _markers(self, data: bytes, *, deep: bool) -> Iterator[tuple[int, int, str]]:
        for matcher in self._matchers:
            if deep:
                yield from matcher.spans(data)
            else:
                for place in matcher.places(data, whole=True):
                    yield place.start, place.stop, place.needle.marker
            for cut in _CUT.finditer(data):
                if piece := matcher.piece(data, cut.start()):
                    yield piece.start, piece.stop, piece.needle.marker

    def _mask(self, name: str, value: bytes) -> str:
        """Return ``name:length:digest`` in angle quotation marks (U+2039, U+203A): equal values
        look equal within one audit only."""
        parts = [show(name, 60), str(len(value))]
        if self._key:
            parts.append(hmac.digest(self._key, value, "sha256").hex()[:8])
        return f"\u2039{':'.join(parts)}\u203a"


def _dense(data: bytes) -> list[tuple[int, int]]:
    """Return start and end of what may hide a marker from a simple search."""
    if _ODD.search(data) or isinstance(octets(data), B64):
        return [(0, len(data))]
    return [match.span() for match in _DENSE.finditer(data)]


def _stable(key: str) -> str:
    """`key` with masks that are the same in every audit: it is what waivers and baselines name."""
    return _MASK.sub("\u2039\\1\u203a", key)


def _escaped(command: str) -> str:
    return command[:-1] + f"\\x{ord(command[-1]):02x}"


def _searches(tokens: tuple[Honeytoken, ...]) -> tuple[list[Matcher], dict[bytes, str]]:
    """Return what to search with, and the markers to hide only where they stand as they are.

    One matcher serves the honeytokens that we mint. In a log that somebody wrote by hand a marker
    can be too short for a search in encodings, or hide another.
    """
    if not tokens:
        return [], {}
    try:
        return [Matcher.of(tokens)], {}
    except ValueError:
        pass
    matchers: list[Matcher] = []
    literals: dict[bytes, str] = {}
    for token in tokens:
        try:
            matchers.append(Matcher((token,)))
        except ValueError:
            for name, value in token.markers.items():
                literals[value.encode(errors="backslashreplace")] = name
    literals.pop(b"", None)
    return matchers, literals


def _cells(document: bytes) -> Iterator[bytes]:
    """Yield what says something about a person: numbers, dates, addresses of 8 bytes and more."""
    for match in _CELL.finditer(document[:_DOCUMENT]):
        if _PERSONAL.search(match.group()):
            yield match.group()
