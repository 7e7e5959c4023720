"""What a face orders: how to audit, and what audits are judged by. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_ato.enrich.choice import Sources
from pytest_ato.enrich.interface import Enricher
from pytest_ato.model.octets import Octets
from pytest_ato.model.policy import Terms
from pytest_ato.model.spec import Limits, Network


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to audit: what a face was told, beyond the target itself."""

    args: tuple[Octets, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    timeout: float = 60.0
    network: Network = "sinkhole"
    limits: Limits = field(default_factory=Limits)
    service: bool = False
    expect_exit: int = 0
    allow: tuple[str, ...] = ()
    unmask: bool = False
    """Reports show secrets in clear."""

    def of_phase(self, phase: str) -> Options:
        """These, without what concerns a package's program alone, unless that is what runs."""
        if not phase:
            return self
        return replace(self, args=(), stdin=b"", service=False, expect_exit=0)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What audits are judged by beyond their events, and whom to ask about destinations."""

    terms: Terms = field(default_factory=Terms)
    sources: Sources = field(default_factory=Sources)

    @classmethod
    def recorded(cls, terms: Terms) -> Inputs:
        """Those of a log whose own answers about destinations are enough."""
        return cls(terms=terms, sources=Sources("off"))

    def enricher(self, network: str) -> Enricher | None:
        """Whom to ask after an audit in `network`; None: nobody."""
        return self.sources.enricher(network, self.terms.inputs)
