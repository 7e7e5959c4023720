"""What is audited and what it is judged under: plain values that items and fixtures share."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_ato.detectors.interface import Idle
from pytest_ato.plugin.findings import Findings, Scope
from pytest_ato.policy.availability import unavailable
from pytest_ato.settings.grammar import Include
from pytest_ato.target.resolve import safe_name

if TYPE_CHECKING:
    from pytest_ato.audit import Options, Outcome
    from pytest_ato.detectors.interface import Definition
    from pytest_ato.policy.verdict import Judgement


@dataclass(frozen=True)
class Subject:
    """A program with its companions and the options of its audit; equal ones share one audit.

    The path is absolute; nothing is checked or read before the audit.
    """

    path: Path
    include: tuple[Include, ...]
    options: Options
    phase: str = ""
    """Of a package: what of it is run; empty: its program."""

    @property
    def name(self) -> str:
        """Base name of the program, fit for a directory and a node id; and the phase."""
        return safe_name(self.path.name) + (f".{self.phase}" if self.phase else "")

    @property
    def digest(self) -> str:
        """Eight hex digits that name this program and its options, the same in every session.

        The content of the program is left out, so a new version keeps its report directory.
        """
        return short_digest(msgspec.json.encode((os.path.realpath(self.path), self._spec)))

    @property
    def _spec(self) -> tuple[object, ...]:
        options = self.options
        return (
            self.include,
            options.args,
            sorted(options.env.items()),
            options.stdin,
            options.timeout,
            options.network,
            options.limits,
            options.service,
            options.expect_exit,
            sorted(options.allow),
            *filter(None, [self.phase]),
        )


def short_digest(data: bytes) -> str:
    """Eight hex digits of a SHA-256."""
    return hashlib.sha256(data).hexdigest()[:8]


def unique_names(subjects: Sequence[Subject]) -> dict[str, Subject]:
    """Name each subject by its target; where names clash, ``~`` and the digest are appended."""
    distinct = {subject.digest: subject for subject in subjects}
    taken = Counter(subject.name for subject in distinct.values())
    return {
        subject.name if taken[subject.name] == 1 else hashed_name(subject): subject
        for subject in distinct.values()
    }


def hashed_name(subject: Subject, extra: tuple[str, ...] = ()) -> str:
    """Name a subject by its target and digest; `extra` tells repeated audits of one apart."""
    suffix = subject.digest
    if extra:
        suffix = short_digest(msgspec.json.encode((suffix, *extra)))
    return f"{subject.name}~{suffix}"


@dataclass(frozen=True)
class Judged:
    """An outcome under the names that somebody accepts."""

    judgement: Judgement
    findings: Findings
    not_run: Mapping[str, str]
    """By detector: why it could not work in this audit."""
    unjudged: Mapping[str, str]
    """By category or detector: why nothing can be said of it."""


def judge(outcome: Outcome, allow: Iterable[str], definitions: Sequence[Definition]) -> Judged:
    """Judge an outcome and say which categories and detectors could not look."""
    judgement = outcome.judged(allow)
    silent = outcome.report.coverage.not_run
    idle = [Idle(item, silent[item.name]) for item in definitions if item.name in silent]
    working = [item for item in definitions if item.name not in silent]
    reasons = silent | {str(name): why for name, why in unavailable(working, idle).items()}
    scope = Scope(
        detectors=frozenset(item.name for item in definitions),
        incomplete=() if judgement.conclusive else judgement.inconclusive,
        unjudged=reasons,
    )
    return Judged(judgement, Findings(judgement.findings, scope), silent, reasons)


def report_file(directory: Path) -> Path:
    """Where an audit's report lies."""
    return directory / "report.json"
