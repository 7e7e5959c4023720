"""Which probes one audit needs, and which of them were blind or went away in it.

Owns the answer to "was every probe alive, from before the target started until after its last
process ended?": by the canary's two rounds, and by what the kernel says of the attachments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_ato.capture.canary import Canary
from pytest_ato.capture.loader.interface import Loader, ProbeState
from pytest_ato.capture.network.namespaces import has_ipv6

_MARKS: Final = "fanotify"
"""Marks on files: no program of the loader's, but a probe like the others."""


class Liveness:
    """Make it when all is attached and before the target starts."""

    def __init__(self, loader: Loader, canary: Canary) -> None:
        self._loader = loader
        self._canary = canary
        self._live = self._attached()
        usable = [p for p in loader.declared if has_ipv6() or not p.name.endswith("6")]
        self.required = (*(p.name for p in usable if p.required), _MARKS)
        """Without one of these, nothing is conclusive."""
        # One that a verdict could do without must not be there and blind either.
        wanted = (p.name for p in usable if p.proven and (p.required or p.name in self._live))
        self._proven = (*wanted, _MARKS)

    def states(self) -> Mapping[str, ProbeState]:
        """State of each probe by name."""
        return {**self._loader.probes(), _MARKS: "live"}

    def silent(self, *, ended: bool) -> dict[str, str]:
        """Return which probes missed init's test calls, and when; `ended` as for the canary."""
        return self._canary.silent(self._proven, ended=ended)

    def detached(self) -> list[str]:
        """Return the probes that were attached and no longer are."""
        return sorted(self._live - self._attached())

    def _attached(self) -> set[str]:
        return {name for name, state in self._loader.probes().items() if state == "live"}
