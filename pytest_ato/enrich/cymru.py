"""Team Cymru's IP to ASN mapping over DNS, and reverse names, by one resolver.

Owns the questions and the reading of answers, which nobody vouches for: each is bounded and
checked, and what cannot be read is unknown. https://www.team-cymru.com/ip-asn-mapping has the
zones and the form of their TXT records.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

from pytest_ato.model.events import Enrichment
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    from dns.rdata import Rdata

AT_ONCE: Final = 8
BUDGET: Final = 30.0
"""Seconds for all addresses of an audit."""
_TRY: Final = 1.5
"""Seconds that one try may take; the resolver repeats it until `_QUERY` are over."""
_QUERY: Final = 4.0
_SILENT: Final = 8
"""Queries without any answer, from the first on, after which the resolver is taken for dead."""
_LONGEST: Final = 512
"""Characters of an answer that are looked at."""
_V4: Final = dns.name.from_text("origin.asn.cymru.com.")
_V6: Final = dns.name.from_text("origin6.asn.cymru.com.")
_AS: Final = dns.name.from_text("asn.cymru.com.")


class Unknown(Exception):
    """There is no answer; the message is the reason, for the report."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who announces an address."""

    asn: int
    prefix: str
    country: str


class CymruEnricher:
    """Asks `resolver` (the machine's own ones if None), and remembers the answers."""

    def __init__(self, resolver: tuple[str, int] | None = None, *, budget: float = BUDGET) -> None:
        self._given = resolver
        self._budget = budget
        self._known: dict[str, Enrichment] = {}
        self._names: dict[int, str] = {}

    def look_up(self, addresses: Sequence[str], ts: int) -> list[Enrichment]:
        """Return one event for each address, within the budget; raises nothing."""
        missing = [address for address in addresses if address not in self._known]
        if missing:
            self._learn(missing, ts)
        return [self._known[address] for address in addresses]

    def _learn(self, addresses: Sequence[str], ts: int) -> None:
        try:
            questions = Questions(self._given, self._budget)
        except Unknown as error:
            self._known |= {a: Enrichment(ts=ts, address=a, reason=str(error)) for a in addresses}
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for found in pool.map(lambda address: self._one(questions, address, ts), addresses):
                self._known[found.address] = found

    def _one(self, questions: Questions, address: str, ts: int) -> Enrichment:
        reasons: list[str] = []

        def known(ask: Callable[[], str]) -> str:
            try:
                return ask()
            except Unknown as error:
                reasons.append(str(error))
                return ""

        origin = Origin(0, "", "")
        try:
            origin = questions.origin(address)
        except Unknown as error:
            reasons.append(str(error))
        name = known(lambda: self._as_name(questions, origin.asn)) if origin.asn else ""
        return Enrichment(
            ts=ts,
            address=address,
            ptr=known(lambda: questions.reverse_name(address)),
            asn=origin.asn,
            as_name=name,
            country=origin.country,
            prefix=origin.prefix,
            basis=questions.basis if origin.asn else "",
            reason="; ".join(dict.fromkeys(reasons)),
        )

    def _as_name(self, questions: Questions, asn: int) -> str:
        if asn not in self._names:
            self._names[asn] = questions.as_name(asn)
        return self._names[asn]


class Questions:
    """The questions of one round, which share a budget; used by several threads."""

    def __init__(self, resolver: tuple[str, int] | None, budget: float) -> None:
        """Raises Unknown when there is no resolver to ask."""
        self._resolver = dns.resolver.Resolver(configure=False)
        if resolver is not None:
            self._resolver.nameservers = [resolver[0]]
            self._resolver.port = resolver[1]
        else:
            try:
                self._resolver.read_resolv_conf("/etc/resolv.conf")
            except (OSError, dns.exception.DNSException) as error:
                raise Unknown(f"this machine has no resolver ({error})") from None
            self._resolver.search = []
        self._resolver.timeout = _TRY
        self._resolver.cache = None
        self._deadline = time.monotonic() + budget
        self._budget = budget
        self._answered = False
        self._timeouts = 0
        self._who = ", ".join(str(server) for server in self._resolver.nameservers[:2])
        self.basis = f"Team Cymru's DNS zones, by {self._who}"

    def origin(self, address: str) -> Origin:
        """Who announces `address`; of several, the one with the longest prefix. Raises Unknown."""
        parsed = ipaddress.ip_address(address)
        relative = dns.reversename.from_address(
            address, v4_origin=dns.name.root, v6_origin=dns.name.root
        ).relativize(dns.name.root)
        records = self._ask(relative.derelativize(_V4 if parsed.version == 4 else _V6), "TXT")
        origins = [origin for record in records if (origin := _origin(_text(record), parsed))]
        if not origins:
            raise Unknown("no readable answer of who announces it")
        return max(origins, key=lambda one: (int(one.prefix.rpartition("/")[2]), -one.asn))

    def as_name(self, asn: int) -> str:
        """The name of an autonomous system; raises Unknown."""
        for record in self._ask(dns.name.from_text(f"AS{asn}", _AS), "TXT"):
            fields = _fields(_text(record))
            if len(fields) >= 5 and fields[0] == str(asn):
                return fields[4]
        raise Unknown("no readable answer of the network's name")

    def reverse_name(self, address: str) -> str:
        """The name that the address' owner gives it, or nothing; raises Unknown."""
        try:
            records = self._ask(dns.reversename.from_address(address), "PTR")
        except _Absent:
            return ""
        return next((show(record.to_text().rstrip("."), 255) for record in records), "")

    def _ask(self, name: dns.name.Name, kind: str) -> list[Rdata]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Unknown(f"the {self._budget:g} s for asking were over")
        if not self._answered and self._timeouts >= _SILENT:
            raise Unknown(f"the resolver {self._who} does not answer")
        try:
            answer = self._resolver.resolve(name, kind, lifetime=min(left, _QUERY), search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            self._answered = True
            raise _Absent("no registry entry") from None
        except dns.exception.Timeout:
            self._timeouts += 1
            raise Unknown(f"the resolver {self._who} did not answer in time") from None
        except dns.resolver.NoNameservers:
            raise Unknown(f"the resolver {self._who} failed or refused") from None
        except (dns.exception.DNSException, OSError) as error:
            raise Unknown(f"asking failed: {type(error).__name__}") from None
        self._answered = True
        return list(answer)


class _Absent(Unknown):
    """The answer is that there is nothing."""


def _text(record: Rdata) -> str:
    strings: Sequence[bytes] = getattr(record, "strings", ())
    return b"".join(strings)[:_LONGEST].decode("utf-8", "replace")


def _fields(text: str) -> list[str]:
    return [show(field.strip(), 128) for field in text.split("|")]


def _origin(text: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Origin | None:
    """Read ``23028 | 216.90.108.0/24 | US | arin | 1998-09-25``; None when it is not that, or
    speaks of another address."""
    fields = _fields(text)
    if len(fields) < 3:
        return None
    asn = fields[0].split(" ")[0]
    country = fields[2].upper()
    try:
        network = ipaddress.ip_network(fields[1])
    except ValueError:
        return None
    if not (asn.isascii() and asn.isdigit() and 0 < int(asn[:12]) < 1 << 32):
        return None
    if network.version != address.version or address not in network:
        return None
    known = len(country) == 2 and country.isascii() and country.isalpha()
    return Origin(int(asn), str(network), country if known else "")
