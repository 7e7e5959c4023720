"""Many audits' reports as one: what a matrix of jobs, or one run with many targets, comes to.

Owns reading finished report directories and the merged forms. A directory is taken as it was
written: its report must have the digest beside it, and nothing is judged anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.evidence.canonical import Json
from pytest_ato.evidence.coarse import mask_sensitive_fields
from pytest_ato.model.errors import UsageError
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show
from pytest_ato.model.report import Report
from pytest_ato.model.verdict import Verdict
from pytest_ato.reports import junit, markdown, sarif
from pytest_ato.reports.registry import EVENTS, SIDECAR, is_ours

REPORT: Final = "report.json"
LIMIT: Final = 256 << 20
"""Bytes of a report that is read."""
WORST: Final = (
    Verdict.REJECT,
    Verdict.INCONCLUSIVE,
    Verdict.REVIEW,
    Verdict.CONDITIONS,
    Verdict.APPROVE,
)
"""In the order in which they are listed."""
_BUFFER: Final = 1 << 20


@dataclass(frozen=True)
class Audit:
    """One finished report directory."""

    name: str
    """The target's, made unique among those that are merged."""
    folder: Path
    report: Report
    digests: Mapping[str, str]
    """SHA-256 by file name, of every file of ours but the raw log, which need not be there."""

    @property
    def evidence(self) -> Json:
        """What the evidence log keeps of it."""
        return mask_sensitive_fields(
            {
                "type": "merged",
                "name": self.name,
                "run_id": self.report.run_id,
                "target_sha256": self.report.target.sha256,
                "verdict": self.report.verdict.value,
                "files": dict(self.digests),
            }
        )


def read(places: Iterable[Path]) -> list[Audit]:
    """Read report directories, or directories of such, worst verdict first.

    Raises `UsageError`, which names the first place that has no report or a changed one.
    """
    found: dict[str, tuple[Path, Report]] = {}
    names: Counter[str] = Counter()
    for folder in dict.fromkeys(folder for place in places for folder in _folders(place)):
        report = _report(folder)
        if any(report.run_id == other.run_id for _, other in found.values()):
            continue  # a copy
        plain = report.target.name or "unknown target"
        names[plain] += 1
        found[plain if names[plain] == 1 else f"{plain} ({names[plain]})"] = folder, report
    audits = [
        Audit(name, place, report, _digests(place)) for name, (place, report) in found.items()
    ]
    return sorted(audits, key=lambda audit: (WORST.index(audit.report.verdict), audit.name))


def _folders(place: Path) -> Iterator[Path]:
    if (place / REPORT).is_file():
        yield place
        return
    below = sorted(path.parent for path in place.glob(f"*/{REPORT}") if not path.is_symlink())
    if not below:
        raise UsageError(f"{show(str(place), 300)} has no {REPORT}: name the directory of an audit")
    yield from below


def _report(folder: Path) -> Report:
    path = folder / REPORT
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
        sidecar = path.with_name(REPORT + SIDECAR).read_text("ascii", "replace")
        if len(data) > LIMIT or sidecar.split()[:1] != [hashlib.sha256(data).hexdigest()]:
            raise UsageError(f"{show(str(path), 300)} is not what its {SIDECAR} file says")
        return msgspec.json.decode(data, type=Report)
    except OSError as error:
        raise UsageError(f"cannot read {show(str(path), 300)}: {error.strerror}") from None
    except MALFORMED as error:
        raise UsageError(f"{show(str(path), 300)} is no report: {error}") from None


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.iterdir()):
        named = is_ours(path.name) and not path.name.endswith(SIDECAR) and path.name != EVENTS
        if named and path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def documents(audits: Sequence[Audit]) -> Iterator[tuple[str, bytes]]:
    """Yield the merged files, by name; a function of the reports alone."""
    reports = {audit.name: audit.report for audit in audits}
    yield "audits.json", _index(audits)
    yield "audits.md", markdown.overview(reports)
    yield junit.JunitRenderer.file_name, junit.document(reports)
    yield sarif.SarifRenderer.file_name, sarif.document(reports)


def _index(audits: Sequence[Audit]) -> bytes:
    rows = [
        {
            "name": audit.name,
            "verdict": audit.report.verdict.value,
            "reason": audit.report.reason,
            "run_id": audit.report.run_id,
            "target_sha256": audit.report.target.sha256,
            "findings": dict(Counter(each.severity.value for each in audit.report.findings)),
            "files": dict(audit.digests),
        }
        for audit in audits
    ]
    return (
        msgspec.json.format(msgspec.json.encode({"audits": rows}, order="sorted"), indent=2) + b"\n"
    )
