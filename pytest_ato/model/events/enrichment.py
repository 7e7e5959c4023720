"""What registries say of an address that the target went to."""

from __future__ import annotations

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event


class Enrichment(Event, tag="enrichment", frozen=True, kw_only=True):
    """The answer for one address. It cannot be derived later, so it is part of the log.

    Empty fields are unknown, which is never a pass: `reason` says why.
    """

    address: str
    ptr: Octets = ""
    asn: int = 0
    as_name: Octets = ""
    country: str = ""
    """ISO 3166 alpha-2, as the registry has it."""
    prefix: str = ""
    basis: str = ""
    """Where the values come from, in words for the report: which zones by which resolver and
    when, or which table with its date and digest."""
    table: str = ""
    """Name of the file that answered; empty: none did."""
    table_sha256: str = ""
    reason: Octets = ""
