"""honeytoken_read: a planted credential file was read.

Owns the wording only; which read says how much is rated in `reads`, for several detectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.reads import Read
from pytest_ato.model.findings import Category, Evidence, Finding, Severity


class HoneytokenRead(Detector):
    """One finding for each planted file that was read, and one for a walk over the whole home."""

    definition = Definition(
        rule="ATO-CRD-003",
        name="honeytoken_read",
        category=Category.CREDENTIAL_ACCESS,
        severity=Severity.HIGH,
        title="a planted credential file is read",
        technique="T1552.001",
        fires="a planted credential file is opened for reading, or its inode tells that it was "
        "read (high); a walk over the whole home reads it among all others (medium); a "
        "client library opens its own kind of file for a connection of that kind (info)",
        silent="listing or stat of the folder, an archive of another folder, git, wget, pip, "
        "psql and docker with their own configuration",
    )

    def finish(self) -> Iterable[Finding]:
        """Tell every read by its rating."""
        granted = self.context.declarations.granted(self.context.sightings.all)
        walks: dict[int, list[Read]] = {}
        for read in self.context.reads.rated(self.context.sightings.carriers):
            if read.token.name in granted:
                continue
            if read.rating is Severity.MEDIUM:
                walks.setdefault(read.process.serial, []).append(read)
            else:
                yield self._read(read)
        for reads in walks.values():
            yield self._walk(reads)

    def _read(self, read: Read) -> Finding:
        path = f"~/{read.token.path}"
        client = read.rating is Severity.INFO
        remark = ", as its kind of client does for a connection" if client else ""
        return self.finding(
            key=read.token.name,
            title=f"{path} read by {read.process.label}{remark}",
            severity=read.rating,
            evidence=[_evidence(read)],
            where=path,
            process=read.process,
            count=read.count,
        )

    def _walk(self, reads: Sequence[Read]) -> Finding:
        planted = len(self.context.tokens.files)
        return self.finding(
            key="walk",
            title=f"{len(reads)} of {planted} planted files read in a walk over the whole home "
            f"by {reads[0].process.label}",
            severity=Severity.MEDIUM,
            evidence=map(_evidence, reads),
            where="~",
            process=reads[0].process,
        )


def _evidence(read: Read) -> Evidence:
    return Evidence(ts=read.ts, text=read.text, pid=read.process.pid)
