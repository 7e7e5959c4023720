"""dns_tunnel: data leaves (or commands arrive) in the names and answers of DNS itself.

Owns what makes the names below one domain look like data: that they read like an encoding, that
there are many different ones, that they are long, that records are asked for which carry bytes.

Why the thresholds are what they are: a content network gives one customer a few hashed names, not
ten; 300 characters are nearly 200 bytes in base32; no single hash fills 60 characters (SHA-1 in
hexadecimal has 40, an IPFS or onion address up to 59); hexadecimal has 4 bits a character, base32
5, and words with numbers that only repeat a pattern have less than 3.5.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import parent_domain, printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.events import Dns
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_CARRIERS: Final = frozenset({"TXT", "NULL", "CNAME", "MX", "SRV", "PRIVATE", "TYPE65399"})
_MIN_PIECE: Final = 8
_MIN_LETTERS: Final = 12
_PIECE: Final = re.compile(r"[0-9a-z]+")
_SWITCH: Final = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")
_MIN_SWITCH_RATE: Final = 0.15
_NO_WORD: Final = re.compile(r"[b-df-hj-np-tv-xz]{5}")
_MAX_DOMAINS: Final = 4096
_MAX_CHARACTERS: Final = 4 << 20
"""Of all encoded names together that are kept."""
_SHOWN: Final = 5


@dataclass(slots=True)
class _Domain:
    """The questions for names below one registered domain."""

    first: int
    encoded: dict[str, int] = field(default_factory=dict)
    """Encoded part of each different name, to the time of its first question."""
    questions: int = 0
    carriers: int = 0
    actor: ProcessState | None = None

    @property
    def characters(self) -> int:
        return sum(map(len, self.encoded))

    @property
    def entropy(self) -> float:
        return entropy("".join(self.encoded))

    def long_names(self, least: float) -> int:
        return sum(len(part) >= least for part in self.encoded)


class DnsTunnel(Detector):
    """Finds domains below which names carry data.

    Silent on the few hashed names of a content network, on long names that people chose, on
    reverse lookups and block lists (numbers), and on service labels such as ``_domainkey``.
    """

    definition: ClassVar[Definition] = Definition(
        rule="ATO-DNS-010",
        name="dns_tunnel",
        category=Category.DNS,
        severity=Severity.HIGH,
        title="Data is carried in DNS names",
        technique="T1071.004",
        declarable=frozenset({"destination"}),
        wants=(Dns,),
        needs=frozenset({"sinkhole", "open"}),
        thresholds={
            "names": 10,
            "characters": 300,
            "long_name": 60,
            "long_names": 2,
            "record_names": 6,
            "record_rate": 0.5,
            "entropy": 3.5,
        },
        fires="names below one registered domain read like encoded data of at least `entropy` "
        "bits a character, and there are `names` of them with `characters` together, or "
        "`long_names` of `long_name` characters, or `record_names` of which the part "
        "`record_rate` asks for records that carry bytes (TXT, NULL, ...)",
        silent="the few hashed names of a content network, long names that people chose, "
        "reverse lookups, DKIM and service labels",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._domains: dict[str, _Domain] = {}
        self._characters = 0

    def process(self, event: Event) -> Iterable[Finding]:
        """Note the question; what a domain's names amount to shows at the end."""
        assert isinstance(event, Dns)
        name = printable_name(event.qname)
        parent = parent_domain(name)
        if name == parent or parent.endswith(".arpa"):
            return ()
        domain = self._domains.get(parent)
        if domain is None:
            if len(self._domains) >= _MAX_DOMAINS:
                return ()
            domain = self._domains[parent] = _Domain(first=event.ts)
        domain.questions += 1
        part = encoded_part(name.removesuffix(parent))
        if part:
            # Only an encoded name says anything about a record type: DKIM keys are TXT, too.
            domain.carriers += event.qtype.upper() in _CARRIERS
            if part not in domain.encoded and self._characters < _MAX_CHARACTERS:
                domain.encoded[part] = event.ts
                self._characters += len(part)
            owner = self.context.sockets.owner(event.client_port, event.server, 53)
            domain.actor = domain.actor or owner
        return ()

    def finish(self) -> Iterable[Finding]:
        """Judge each domain."""
        for parent, domain in self._domains.items():
            if self._is_tunnel(domain):
                yield self._report(parent, domain)

    def _is_tunnel(self, domain: _Domain) -> bool:
        least = self.threshold
        names = len(domain.encoded)
        many = names >= least("names") and domain.characters >= least("characters")
        long = domain.long_names(least("long_name")) >= least("long_names")
        carriers = domain.carriers >= least("record_rate") * domain.questions
        odd = names >= least("record_names") and carriers
        return names > 0 and (many or long or odd) and domain.entropy >= least("entropy")

    def _report(self, parent: str, domain: _Domain) -> Finding:
        summary = (
            f"{len(domain.encoded)} different encoded names, {domain.characters} characters, "
            f"{domain.entropy:.1f} bits each; {domain.carriers} of {domain.questions} questions "
            "for records that carry bytes"
        )
        actor = domain.actor
        pid = actor.pid if actor else 0
        shown = [
            Evidence(ts=ts, text=f"{show(part, 120)} below {parent}", pid=pid)
            for part, ts in list(domain.encoded.items())[:_SHOWN]
        ]
        by = actor.label if actor else "the target"
        return self.finding(
            key=parent,
            title=f"{by} carries data in DNS names below {parent}",
            evidence=(Evidence(ts=domain.first, text=summary, pid=pid), *shown),
            where=parent,
            process=actor,
            count=len(domain.encoded),
        )


def encoded_part(subdomain: str) -> str:
    """The labels of `subdomain` (lower case) that read like encoded data, joined; mostly none."""
    return "".join(label for label in subdomain.split(".") if reads_encoded(label))


def reads_encoded(label: str) -> bool:
    """Whether a label looks like base32, base64 or hexadecimal and not like words and numbers.

    Its longest run of letters and digits decides: letters and digits alternate in it, or it is
    long and holds clusters of consonants that no word has.
    """
    if label.startswith("xn--"):  # an international name: words in their own script
        return False
    piece = max(_PIECE.findall(label), key=len, default="")
    if len(piece) < _MIN_PIECE or piece.isdigit():
        return False
    switches = len(_SWITCH.findall(piece))
    if switches >= 2 and switches >= _MIN_SWITCH_RATE * (len(piece) - 1):
        return True
    return len(piece) >= _MIN_LETTERS and bool(_NO_WORD.search(piece))


def entropy(text: str) -> float:
    """Shannon entropy of `text` in bits a character."""
    if not text:
        return 0.0
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
