"""Lists of known places that an audit is judged by: data, with the digest that a report names."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KnownList:
    """Where entries come from."""

    name: str
    """File name, printable."""
    sha256: str
    as_of: str
    """The date that the list gives itself, or empty."""
    entries: int

    @property
    def sentence(self) -> str:
        """How a finding and a report name it."""
        dated = f" as of {self.as_of}" if self.as_of else ", undated"
        return f"{self.name}{dated}, {self.entries:,} entries, sha256 {self.sha256}"


@dataclass(frozen=True)
class Lists:
    """All lists of an audit: an entry, and the list that has it (the first given one)."""

    sources: tuple[KnownList, ...] = ()
    domains: tuple[tuple[KnownList, frozenset[str]], ...] = ()
    """Names in lower case, in their ASCII form."""
    asns: tuple[tuple[KnownList, frozenset[int]], ...] = field(default=())

    def domain(self, name: str) -> KnownList | None:
        """The list that has exactly `name`, or None."""
        return next((known for known, names in self.domains if name in names), None)

    def asn(self, number: int) -> KnownList | None:
        """The list that has this autonomous system, or None."""
        return next((known for known, numbers in self.asns if number in numbers), None)
