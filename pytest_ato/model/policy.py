"""The shape of a policy: what a target may do, must not do, and what of it is accepted.

Data only, as the file has it: `pytest_ato.policy` reads and checks the file, and says whether a
finding is declared, allowed or waived. Detectors read it as `context.terms.policy`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from pytest_ato.model.baseline import Baseline
from pytest_ato.model.lists import Lists

Domain: TypeAlias = Annotated[
    str,
    Meta(description="a name, or *.NAME for the names below it", examples=["*.vendor.example"]),
]
Cidr: TypeAlias = Annotated[
    str, Meta(description="an IP address or network", examples=["203.0.113.0/24"])
]
Port: TypeAlias = Annotated[
    int | str, Meta(description="443, 8000-8100, or with the protocol: 123/udp")
]
File: TypeAlias = Annotated[
    str,
    Meta(
        description="a path in the sandbox, ~ for the home; * is any part of one name, ** any path",
        examples=["~/.config/vendor/**"],
    ),
]
Child: TypeAlias = Annotated[
    str,
    Meta(description="the name of a program of the system, or a path as in files"),
]
Name: TypeAlias = Annotated[str, Meta(description="a detector or category, or a finding's key")]
Country: TypeAlias = Annotated[
    str, Meta(description="two capital letters, as of ISO 3166", examples=["DE"])
]
System: TypeAlias = Annotated[
    int | str, Meta(description="number of an autonomous system", examples=[64500, "AS64500"])
]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of the file, of which every key is known."""


class Declared(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What the vendor said that the target needs: this makes no finding.

    A list that is there is the whole of its kind, and the detector undeclared tells what is outside
    of it; one that is absent says nothing. `domains` and `cidrs` are one kind.
    """

    domains: tuple[Domain, ...] | None = None
    cidrs: tuple[Cidr, ...] | None = None
    ports: tuple[Port, ...] | None = None
    """Of destinations, and those it listens on."""
    files: tuple[File, ...] | None = None
    """Written or read, beyond what every program uses."""
    children: tuple[Child, ...] | None = None
    """Programs that it starts."""
    credentials: dict[str, tuple[Domain, ...]] = msgspec.field(default_factory=dict)
    """By family (``aws``, ``github``, ...): services for which it may be read, and to which it may
    be presented."""
    service: bool = False
    """It is meant to run on: the time limit is then no defect of it."""
    exit_status: Annotated[int, Meta(ge=0, le=255)] | None = None
    """With which it should end, where the command line says no other."""


class Denied(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What is a finding whenever it is used, whatever else is declared."""

    domains: tuple[Domain, ...] = ()
    cidrs: tuple[Cidr, ...] = ()
    files: tuple[File, ...] = ()
    children: tuple[Child, ...] = ()


class Geo(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Countries of destinations; one that is not known passes neither list."""

    allow: tuple[Country, ...] | None = None
    """None: all but those of `deny`."""
    deny: tuple[Country, ...] = ()


class Asn(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Autonomous systems of destinations."""

    deny: tuple[System, ...] = ()


class Waiver(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """An accepted risk: which finding, why, by whom and until when."""

    finding: str | None = None
    """Key of one finding, as reports show it; or else `detector` and `scope`."""
    detector: str | None = None
    """Name of a detector or category."""
    scope: str | None = None
    """With `detector`: the domain, address, network or path that the finding is about."""
    reason: str
    owner: str
    ticket: str = ""
    expires: datetime.date
    """Last day on which it counts (UTC)."""


class Policy(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """One policy file."""

    declared: Declared | None = None
    allow: tuple[Name, ...] = ()
    """Findings that are accepted: listed as waived, and a condition of the approval."""
    deny: Denied = Denied()
    geo: Geo | None = None
    asn: Asn | None = None
    thresholds: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)
    """By detector: numbers in place of its usual ones."""
    fail_on: Literal["reject", "review", "conditions"] | None = None
    """The mildest verdict that fails, unless the command line says another."""
    max_opaque_bytes: Annotated[int, Meta(ge=0)] | None = None
    """Bytes of TLS that nobody could look into, above which that is a finding."""
    waivers: tuple[Waiver, ...] = ()


Declarable: TypeAlias = Literal["destination", "file", "child"]
"""Kinds of what is declared that a finding's `where` can be."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file that an audit is judged by."""

    name: str
    """Base name."""
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Terms:
    """All that the user says an audit is judged by, beyond the audit's own options."""

    policy: Policy = field(default_factory=Policy)
    policy_source: Source | None = None
    """None: no policy was given."""
    lists: Lists = field(default_factory=Lists)
    baseline: Baseline | None = None
    baseline_source: Source | None = None
    """None: no baseline is compared with."""
    observe: bool = False
    """Keep what the target did also where nothing is compared with it."""

    @cached_property
    def denied_asns(self) -> frozenset[int]:
        """The policy's, as numbers."""
        given = self.policy.asn.deny if self.policy.asn else ()
        return frozenset(int(str(one).upper().removeprefix("AS")) for one in given)

    @property
    def egress(self) -> tuple[str, ...] | None:
        """Where an open network may lead; None: the policy does not say."""
        declared = self.policy.declared
        if declared is None or (declared.domains is None and declared.cidrs is None):
            return None
        return (*(declared.domains or ()), *(declared.cidrs or ()))

    @property
    def inputs(self) -> frozenset[str]:
        """What there is that detectors can compare with, as `Definition.input` calls it."""
        policy = self.policy
        given = {
            "declared": policy.declared is not None,
            "deny": policy.deny != Denied(),
            "baseline": self.baseline is not None,
            "domains": bool(self.lists.domains),
            "asns": bool(self.lists.asns or (policy.asn and policy.asn.deny)),
            "countries": policy.geo is not None,
        }
        return frozenset(name for name, there in given.items() if there)
