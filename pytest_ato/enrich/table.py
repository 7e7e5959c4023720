"""Networks and who has them, from a table that lies on the machine: nothing is asked of anybody.

Owns the file's form: lines ``prefix,asn,country[,name]``, UTF-8, empty lines and comments with
``#``; one comment says ``# as of DATE``. The longest prefix wins.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs

from pytest_ato.enrich.files import read_text
from pytest_ato.model.errors import UsageError
from pytest_ato.model.events import Enrichment
from pytest_ato.model.octets import show

_AS_OF: Final = re.compile(r"#\s*as of (\d{4}-\d{2}-\d{2})\s*", re.IGNORECASE)
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_BITS: Final = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    asn: int
    country: str
    name: str


class TableEnricher:
    """Answers from the table at `path`; raises UsageError when it cannot be read as one."""

    def __init__(self, path: Path) -> None:
        data, self._sha256 = read_text(path, "the table of networks")
        self._name = show(path.name)
        self._rows: dict[tuple[int, int], dict[int, Row]] = {}
        as_of = ""
        for number, line in enumerate(data.splitlines(), 1):
            text = line.strip()
            if text.startswith("#"):
                said = _AS_OF.fullmatch(text)
                as_of = said[1] if said else as_of
            elif text:
                self._add(text, f"{show(str(path))}:{number}")
        if not as_of:
            raise UsageError(
                f"{show(str(path))} does not say of when it is: add a line `# as of 2026-01-31`"
            )
        self._lengths = sorted(self._rows, reverse=True)
        self.basis = f"table {self._name} as of {as_of} (sha256 {self._sha256[:16]})"

    def look_up(self, addresses: Sequence[str], ts: int) -> Iterator[Enrichment]:
        """Return one event for each address."""
        for address in addresses:
            answer = self._one(address, ts)
            yield structs.replace(answer, table=self._name, table_sha256=self._sha256)

    def _one(self, address: str, ts: int) -> Enrichment:
        parsed = ipaddress.ip_address(address)
        bits = _BITS[parsed.version]
        for version, length in self._lengths:
            if version != parsed.version:
                continue
            base = int(parsed) >> (bits - length) << (bits - length)
            row = self._rows[version, length].get(base)
            if row is not None:
                prefix = f"{ipaddress.ip_address(base.to_bytes(bits // 8, 'big'))}/{length}"
                return Enrichment(
                    ts=ts,
                    address=address,
                    asn=row.asn,
                    as_name=row.name,
                    country=row.country,
                    prefix=prefix,
                    basis=self.basis,
                    reason="" if row.country else "the table has no country for it",
                )
        return Enrichment(ts=ts, address=address, reason=f"not in the {self.basis}")

    def _add(self, text: str, where: str) -> None:
        fields = [field.strip() for field in text.split(",", 3)]
        if len(fields) < 3:
            raise UsageError(f"{where}: expected prefix,asn,country[,name], not {show(text, 60)!r}")
        try:
            network = ipaddress.ip_network(fields[0])
        except ValueError:
            raise UsageError(f"{where}: {show(fields[0], 60)!r} is no network") from None
        asn = fields[1].upper().removeprefix("AS")
        if not (asn.isascii() and asn.isdigit() and int(asn[:12]) < 1 << 32):
            raise UsageError(f"{where}: {show(fields[1], 60)!r} is no AS number")
        country = fields[2].upper()
        if country and not _COUNTRY.fullmatch(country):
            raise UsageError(f"{where}: {show(fields[2], 60)!r} is no country code of two letters")
        name = show(fields[3], 128) if len(fields) > 3 else ""
        rows = self._rows.setdefault((network.version, network.prefixlen), {})
        rows[int(network.network_address)] = Row(int(asn), country, name)
