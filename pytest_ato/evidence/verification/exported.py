"""Verification of one exported record: does it lead to a signed head, and the log still to both?

Owns the reading of the files that `ato evidence export` writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.evidence import merkle
from pytest_ato.evidence.keys import PublicKey
from pytest_ato.evidence.log import entries
from pytest_ato.evidence.log.entries import Hash, Head, Record
from pytest_ato.evidence.log.files import segments
from pytest_ato.evidence.verification.files import read
from pytest_ato.evidence.verification.log import LogReader, verify_log
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.model.errors import UsageError, VerificationError
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show

PROOF: Final = "proof.json"
HEAD: Final = "evidence.bin"


class _Step(msgspec.Struct, frozen=True):
    hash: Hash


class _Proof(msgspec.Struct, frozen=True):
    """As much of `proof.json` as is needed: sides and root follow from the rest."""

    path: tuple[_Step, ...]


def is_exported(directory: Path) -> bool:
    """Whether a folder is one that `ato evidence export` wrote."""
    return (directory / PROOF).is_file() and (directory / HEAD).is_file()


def verify_exported(directory: Path, log: Path | None, keys: Keys) -> Iterator[str]:
    """Check the files, and that `log` begins with what the head covers; yield notes.

    Raises `VerificationError` with the first part that is bad, `UsageError` for what could not be
    checked.
    """
    head = _head(directory, keys)
    if PublicKey.read(directory / "public.pem").id != head.key:
        raise VerificationError("public.pem is not the key of the head in evidence.bin")
    line = read(directory / "record.json")
    try:
        record = entries.decode(line)
        proof = msgspec.json.decode(read(directory / PROOF), type=_Proof)
    except MALFORMED as error:
        raise VerificationError(
            f"record or proof cannot be read: {show(str(error), 100)}"
        ) from None
    if not isinstance(record, Record) or entries.record_digest(line) != record.digest:
        raise VerificationError("record.json was changed: its digest is another")
    path = [bytes.fromhex(step.hash) for step in proof.path]
    root = bytes.fromhex(head.root)
    if not merkle.included(merkle.leaf(line), record.seq, head.size, path, root):
        raise VerificationError("record.json does not lead to the root in evidence.bin")
    yield f"record {record.seq} is one of the {head.size} under a head of {show(head.time, 40)}"
    if log is None:
        yield "the lasting log was not looked at: give it with --log"
        return
    if _root_at(log, head.size, keys) != root:
        raise VerificationError(
            f"{show(str(log), 300)} does not begin with the {head.size} records that this head "
            "covers: it was cut, or is another"
        )
    yield "the lasting log begins with the records that this head covers"


def _head(directory: Path, keys: Keys) -> Head:
    message, signature = read(directory / HEAD), read(directory / "sig.bin")
    try:
        line = entries.encode_head(message, signature)
        head = entries.decode(line)
    except ValueError:
        head = None
    if not isinstance(head, Head):
        raise VerificationError(f"{HEAD} is no head of an evidence log")
    if wrong := keys.check_head(head, line):
        raise VerificationError(f"{HEAD} is a head {wrong}")
    return head


def _root_at(log: Path, size: int, keys: Keys) -> bytes | None:
    """Return the root over the first `size` records of a log that is good; None: it has fewer."""
    result = verify_log(log, keys)
    if size < result.start:
        raise UsageError(f"the part of {show(str(log), 300)} with record {size - 1} is not here")
    for segment in (*segments(log), log):
        reader = LogReader(segment, keys)
        for line in reader:
            if isinstance(line.entry, Head) and line.entry.size == size:
                return bytes.fromhex(line.entry.root)
    return None
