"""What ours and each peer add to something that nobody traces, as rows of a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from measure import Sample
from results import Goal, Row


@dataclass(frozen=True)
class Added:
    """Microseconds that each adds, by name; ours is ``ato``."""

    bare: Sample
    by: Mapping[str, Sample]

    @classmethod
    def over_bare(cls, found: Mapping[str, Sample]) -> Added:
        """Take samples by name, among them ``bare``, in which nobody traced."""
        bare = found["bare"]
        return cls(bare, {name: found[name].minus(bare) for name in found if name != "bare"})

    def rows(self, bare: str, told: Mapping[str, Iterable[str]]) -> list[Row]:
        """The rows: the bare case, so called, ours, and each peer with what is `told` of it."""
        ours = self.by["ato"]
        return [
            Row(case=f"bare: {bare}", value=self.bare, unit="µs"),
            Row(case="ato adds", value=ours, unit="µs", note="0 lost"),
            *(
                Row(
                    case=f"{name} adds",
                    value=self.by[name],
                    unit="µs",
                    ratio=ours.over(self.by[name]),
                    against="this",
                    note=", ".join(notes),
                )
                for name, notes in told.items()
            ),
        ]

    def goal(self, peer: str, share: float) -> Goal:
        """That ours adds at most this share of what a peer adds."""
        ratio = self.by["ato"].over(self.by[peer]).median
        return Goal(text=f"at most {share:g} of what {peer} adds", met=ratio <= share)
