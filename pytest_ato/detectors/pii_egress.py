"""pii_egress: personal data leaves the target.

Owns what is searched (everything that left in clear, and one layer of encoding below it), how much
of it is too much, and that no finding holds any of it. What personal data looks like is in
`personal`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.traffic import Closed, Payload
from pytest_ato.honeytokens.decode import regions
from pytest_ato.honeytokens.encodings import REVERSED
from pytest_ato.honeytokens.region import Budget
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import octets, show
from pytest_ato.model.record import Event
from pytest_ato.personal import CARD, EMAIL, IBAN, LONGEST, PHONE, SSN, Personal, find

_WORDS: Final = {
    CARD: ("cards", "card numbers"),
    IBAN: ("ibans", "IBANs"),
    SSN: ("ssns", "social security numbers"),
    EMAIL: ("emails", "e-mail addresses"),
    PHONE: ("phones", "phone numbers"),
}
"""Kind to its threshold and to words for it."""
_MAX_VALUES: Final = 10_000
"""Different values of one kind that are counted for one destination."""
_MAX_PLACES: Final = 4096
_HEAD: Final = 64 << 10
"""Bytes at the beginning of each text that are decoded..."""
_MAX_HEADS: Final = 8 << 20
"""... and as long as all that wait for their end are not more than these."""
_MAX_DECODED: Final = 1000
"""Different texts that are decoded; each may take a millisecond or more."""
_AROUND: Final = 30
_LETTER: Final = re.compile(rb"[A-Za-z\x80-\xff]")
_DIGIT: Final = re.compile(rb"[0-9]")


@dataclass(slots=True)
class _Place:
    """One kind of values at one destination."""

    kind: str
    destination: str
    process: ProcessState | None
    ts: int
    snippet: str
    values: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class _Part:
    """A text that is not at its end yet."""

    last: Payload
    tail: bytes = b""
    head: bytearray = field(default_factory=bytearray)


class PiiEgress(Detector):
    """One finding for each kind of personal data and destination; counts different values."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-PII-007",
        name="pii_egress",
        category=Category.PII,
        severity=Severity.HIGH,
        title="Personal data leaves the target",
        technique="T1567",
        fires="a card number (Luhn, a scheme's length and beginning, not all one digit), an IBAN "
        "(modulo 97) or a US social security number leaves in clear, under TLS that was looked "
        "into, or in one layer of encoding; e-mail addresses or phone numbers in bulk",
        silent="order ids and other long numbers that fail their check, a few addresses, the same "
        "data in a local file",
        wants=(Payload, Closed),
        thresholds={"cards": 1, "ibans": 1, "ssns": 1, "emails": 20, "phones": 20},
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._places: dict[tuple[str, str], _Place] = {}
        self._parts: OrderedDict[int, _Part] = OrderedDict()
        self._heads = 0
        self._decoded: set[bytes] = set()

    def process(self, event: Event) -> Iterable[Finding]:
        """Search what left; how many there were shows at the end."""
        if isinstance(event, Payload):
            self._payload(event)
        elif isinstance(event, Closed):
            for number, part in tuple(self._parts.items()):
                if part.last.connection == event.connection:
                    self._decode(number)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Tell each kind of which enough went to one destination."""
        for number in tuple(self._parts):
            self._decode(number)
        for place in self._places.values():
            threshold, words = _WORDS[place.kind]
            if len(place.values) >= self.threshold(threshold):
                yield self._report(place, words)

    def _payload(self, event: Payload) -> None:
        part = self._parts.get(event.part)
        if part is None:
            part = self._parts[event.part] = _Part(event)
            if len(self._parts) > _MAX_PLACES or self._heads > _MAX_HEADS:
                self._decode(next(iter(self._parts)))
        part.last = event
        text = part.tail + event.data
        self._search(text, event, cut=len(part.tail) == LONGEST)
        part.tail = text[-LONGEST:]
        room = _HEAD - len(part.head)
        if room > 0:
            part.head += event.data[:room]
            self._heads += min(room, len(event.data))

    def _decode(self, number: int) -> None:
        """A text is at its end: look one layer below it."""
        part = self._parts.pop(number)
        self._heads -= len(part.head)
        digest = blake2b(part.head, digest_size=16).digest()
        if digest in self._decoded or len(self._decoded) >= _MAX_DECODED:
            return
        self._decoded.add(digest)
        for region in regions(bytes(part.head), Budget()):
            if region.encoding != REVERSED:
                self._search(region.content, part.last)

    def _search(self, text: bytes, event: Payload, *, cut: bool = False) -> None:
        for found in find(text):
            if cut and not found.start:  # the end of a value that was seen whole
                continue
            key = (found.kind, event.destination)
            place = self._places.get(key)
            if place is None:
                if len(self._places) >= _MAX_PLACES:
                    continue
                snippet = _shape(text, found)
                place = _Place(found.kind, event.destination, event.process, event.ts, snippet)
                self._places[key] = place
            if len(place.values) < _MAX_VALUES:
                place.values.add(found.value)

    def _report(self, place: _Place, words: str) -> Finding:
        process = place.process
        by = process.label if process else "the target"
        number = len(place.values)
        text = f"{number} different {words} to {place.destination}: {place.snippet}"
        return self.finding(
            key=f"{place.kind}:{place.destination}",
            title=f"{by} sends {words} to {place.destination}",
            evidence=(Evidence(ts=place.ts, text=text, pid=process.pid if process else 0),),
            where=place.destination,
            process=process,
            count=number,
        )


def _shape(text: bytes, found: Personal) -> str:
    """What stands around a value, without a word of it: x for a letter, 9 for a digit."""
    before = _blind(text[max(0, found.start - _AROUND) : found.start])
    after = _blind(text[found.stop : found.stop + _AROUND])
    mask = f"\u2039{found.kind}:{len(found.value)}\u203a"
    return show(octets(before), 60) + mask + show(octets(after), 60)


def _blind(text: bytes) -> bytes:
    return _DIGIT.sub(b"9", _LETTER.sub(b"x", text))
