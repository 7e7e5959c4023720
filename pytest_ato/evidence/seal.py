"""The sealing of one audit: from a report and digests to signed files and lines in the log.

Owns the order: attestations, timestamp, then the log, whose last record names them all. Writes no
file of the report; the log's lines are on the disk when `seal` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from pytest_ato.evidence import dsse, names, payloads, statements, timestamp
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.model.closing import Closing
from pytest_ato.model.report import Report


class Sealer(Closing):
    """Seals the audits of one session with one key into one log."""

    def __init__(self, signer: Signer, log: Path, *, batch: int = 0, authority: str = "") -> None:
        """`authority`: URL of a timestamp authority; `batch`: see `EvidenceLog`."""
        self.signer = signer
        self._log = EvidenceLog(log, signer, batch=batch)
        self._authority = authority

    def seal(self, report: Report, digests: Mapping[str, str]) -> dict[str, bytes]:
        """Sign and record; return the files that belong beside the report.

        `digests` are SHA-256 by name, of every file that the directory has so far. Raises
        `SigningError`; the log then has no word of this audit.
        """
        attestation = dsse.seal(statements.of_trace(report, digests), self.signer)
        made = {
            names.ATTESTATION: attestation,
            names.TEST_RESULT: dsse.seal(statements.of_result(report, digests), self.signer),
        }
        if self._authority:
            made[names.TIMESTAMP] = timestamp.ask(self._authority, attestation)
        sealed = {name: sha256(data).hexdigest() for name, data in made.items()}
        records = payloads.of_audit(report, {**digests, **sealed})
        made[names.LOG] = self._log.append_slice(records).slice
        return made

    def close(self) -> None:
        """Close the log and the signer; may be called twice."""
        self._log.close()
        self.signer.close()
