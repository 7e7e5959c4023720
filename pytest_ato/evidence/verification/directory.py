"""Verification of an audit's folder: does everything in it say the same, signed?

Owns the order, so that the first bad part is named: files and sidecars, the slice of the log, the
attestations, the report, the report against the events, the lasting log, the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.evidence import dsse, names, statements
from pytest_ato.evidence.log.entries import Record
from pytest_ato.evidence.log.files import segments
from pytest_ato.evidence.timestamp import check as check_timestamp
from pytest_ato.evidence.verification import files
from pytest_ato.evidence.verification.log import LogReader, payload_of, verify_log
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.model.errors import UsageError, VerificationError
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show
from pytest_ato.model.report import Report

REPORT: Final = "report.json"
NO_EVENTS: Final = "raw events are not here: their digest is signed, the report was not recomputed"


class EventsMissing(UsageError):
    """The raw log was asked for and is not here."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What to check beyond the folder itself."""

    recompute: Callable[[Path, Report], str | None]
    """Takes raw log and report; returns why it could not be recomputed, or None when it was and is
    the same; raises `VerificationError` when it is another."""
    require_events: bool = False
    log: Path | None = None
    """The lasting log; None: the one beside the folder, if there is one."""
    target: Path | None = None
    """The program that the report should be about."""
    authority: bytes | None = None
    """Root certificate (PEM) of the timestamp authority."""


def verify_directory(directory: Path, question: Question, keys: Keys) -> list[str]:
    """Check a folder; return notes on what was and was not checked; `keys` learns who signed.

    Raises `VerificationError` with the first part that is bad, `UsageError` for what could not be
    checked.
    """
    return list(_Folder(directory, question, keys).check())


class _Folder:
    def __init__(self, directory: Path, question: Question, keys: Keys) -> None:
        self._directory = directory
        self._question = question
        self._keys = keys
        self._subject: object = None
        """SHA-256 of the audited program, as the signed log has it."""

    def check(self) -> Iterator[str]:
        """Yield notes."""
        if not (self._directory / names.LOG).is_file():
            raise self._unsigned()
        found = files.digests(self._directory)
        records = self._records()
        target = records[0].get("target")
        self._subject = target.get("sha256") if isinstance(target, dict) else None
        signed = _verdict(records).get("files")
        if not isinstance(signed, dict):
            raise VerificationError(f"{names.LOG}: its last record names no files")
        for name, predicate in (
            (names.ATTESTATION, statements.RUNTIME_TRACE),
            (names.TEST_RESULT, statements.TEST_RESULT),
        ):
            self._attestation(name, predicate, signed)
        files.against_record(found, signed, names.LOG)
        report = self._report(records)
        yield f"{len(found)} files, {len(records)} records: run {show(report.run_id, 40)}"
        yield f"its key, as who signed says: {show(report.provenance.signer, 300)}"
        yield from self._timestamp(found)
        yield from self._events(found, report)
        yield from self._lasting_log()
        yield from self._target(report)

    def _unsigned(self) -> UsageError:
        if (self._directory / REPORT).is_file():
            return UsageError("this report is not signed (it has no evidence.log)")
        return UsageError(f"{show(str(self._directory), 300)} is no report and no evidence log")

    def _records(self) -> list[dict[str, object]]:
        lines = list(LogReader(self._directory / names.LOG, self._keys))
        if not lines:
            raise VerificationError(f"{names.LOG} has no records")
        found = [payload_of(line.entry) for line in lines if isinstance(line.entry, Record)]
        runs = {payload.get("run_id") for payload in found if payload.get("type") != "repair"}
        if len(runs) != 1:
            raise VerificationError(f"{names.LOG} has records of more than one run")
        return found

    def _attestation(self, name: str, predicate: str, signed: Mapping[str, object]) -> None:
        if not (self._directory / name).exists():
            raise VerificationError(f"{name} is missing")
        try:
            envelope = dsse.decode(files.read(self._directory / name))
            statement = msgspec.json.decode(envelope.payload, type=statements.Statement)
        except MALFORMED:
            raise VerificationError(f"{name} was changed: it is no DSSE envelope") from None
        if envelope.payload_type != dsse.PAYLOAD_TYPE or statement.predicate_type != predicate:
            raise VerificationError(f"{name} is of another type than its name says")
        if not any(envelope.signed_by(key) for key in self._keys.seen.values()):
            raise VerificationError(
                f"{name}: its signature is not that of the key that signed the log"
            )
        if [each.digest.sha256 for each in statement.subject] != [self._subject]:
            raise VerificationError(f"{name} is about another program than the log")
        told = statement.digests()
        for file_name in statements.DIGESTED:
            if told.get(file_name) != signed.get(file_name):
                raise VerificationError(
                    f"{name} is about another {file_name} than the log: it is of another run"
                )

    def _report(self, records: list[dict[str, object]]) -> Report:
        try:
            report = msgspec.json.decode(files.read(self._directory / REPORT), type=Report)
        except MALFORMED as error:
            raise VerificationError(f"{REPORT} cannot be read: {show(str(error), 100)}") from None
        verdict = _verdict(records)
        if report.run_id != verdict.get("run_id"):
            raise VerificationError(f"{names.LOG} is of another run than {REPORT}")
        if report.verdict != verdict.get("verdict"):
            raise VerificationError(f"{REPORT} has another verdict than the signed log")
        if self._subject != report.target.sha256:
            raise VerificationError(f"{REPORT} is about another program than the signed log")
        return report

    def _timestamp(self, found: Mapping[str, str]) -> Iterator[str]:
        if names.TIMESTAMP not in found:
            if self._question.authority is not None:
                raise UsageError("there is no timestamp that the authority could have given")
            return
        if self._question.authority is None:
            yield "the timestamp was not checked: give its authority's certificate with --tsa"
            return
        response = files.read(self._directory / names.TIMESTAMP)
        attestation = files.read(self._directory / names.ATTESTATION)
        when = check_timestamp(response, attestation, self._question.authority)
        yield f"timestamped {when.isoformat()}"

    def _events(self, found: Mapping[str, str], report: Report) -> Iterator[str]:
        if files.EVENTS not in found:
            if self._question.require_events:
                raise EventsMissing(NO_EVENTS)
            yield NO_EVENTS
            return
        problem = self._question.recompute(self._directory / files.EVENTS, report)
        if problem and self._question.require_events:
            raise EventsMissing(problem)
        yield problem or "the report was recomputed from the raw events: it is the same"

    def _lasting_log(self) -> Iterator[str]:
        log = self._question.log
        if log is None:
            log = self._directory.resolve().parent / names.LOG
            if not log.is_file():
                yield "the lasting log is not here: give it with --log to check against it"
                return
        result = verify_log(log, self._keys)
        missing = set(files.read(self._directory / names.LOG).splitlines()[1:])
        missing -= set(_lines_of(log))
        if missing:
            raise VerificationError(
                f"{show(str(log), 300)} has no record of this run: it was cut, or is another's"
            )
        yield f"the lasting log is whole, {result.size - result.start} records, and has this run"

    def _target(self, report: Report) -> Iterator[str]:
        target = self._question.target
        if target is None:
            return
        if files.digest(target) != report.target.sha256:
            raise VerificationError(
                f"the report is not about {show(str(target), 200)}: that file has another SHA-256 "
                f"than the program that was audited, {report.target.sha256}"
            )
        yield f"it is about {show(str(target), 200)}, byte for byte"


def _verdict(records: list[dict[str, object]]) -> dict[str, object]:
    if not records or records[-1].get("type") != "verdict":
        raise VerificationError(f"{names.LOG} does not end with the record of a verdict")
    return records[-1]


def _lines_of(log: Path) -> Iterator[bytes]:
    for segment in (*segments(log), log):
        with segment.open("rb") as file:
            for line in file:
                yield line.rstrip(b"\n")
