"""Whom to ask, if anybody.

Owns the rule of `auto`: nobody learns where a target went unless the answer is needed. A table on
the machine is always used; DNS is asked when a policy or a list compares countries or networks,
when a resolver is named, or when the target itself talks to the outside.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_ato.enrich.interface import Enricher
from pytest_ato.enrich.table import TableEnricher
from pytest_ato.model.errors import UsageError

if TYPE_CHECKING:
    from pytest_ato.enrich.cymru import CymruEnricher

Mode: TypeAlias = Literal["auto", "dns", "table", "off"]
_ASKING: Final = frozenset({"asns", "countries"})


class Sources:
    """The enrichers of one session, made when they are needed."""

    def __init__(
        self,
        mode: Mode = "auto",
        resolver: tuple[str, int] | None = None,
        table: Path | None = None,
    ) -> None:
        """Raises UsageError for a table that cannot be read, or that is not given."""
        if mode == "table" and table is None:
            raise UsageError("--ato-enrich=table needs a table: give --ato-asn-table FILE")
        self._mode = mode
        self._resolver = resolver
        wanted = mode in ("auto", "table")
        self._table = TableEnricher(table) if table is not None and wanted else None
        self._dns: CymruEnricher | None = None

    def enricher(self, network: str, inputs: Collection[str]) -> Enricher | None:
        """Whom to ask about an audit in `network`, whose detectors have `inputs`; None: nobody."""
        if self._mode == "off" or network == "none":
            return None
        if self._table is not None:
            return self._table
        needed = network == "open" or self._resolver is not None or not _ASKING.isdisjoint(inputs)
        if self._mode == "auto" and not needed:
            return None
        if self._dns is None:
            from pytest_ato.enrich.cymru import CymruEnricher

            self._dns = CymruEnricher(self._resolver)
        return self._dns
