"""One record of a log as files that openssl and sha256sum can check, without this package.

Owns the files' names and the script that checks them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_ato.evidence import merkle
from pytest_ato.evidence.keys import Algorithm, PublicKey
from pytest_ato.evidence.log.entries import Head, Record, signed_part
from pytest_ato.evidence.log.files import segments
from pytest_ato.evidence.verification.log import Line, leaves
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show

_PSS: Final = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest "

_SCRIPT: Final = """\
#!/bin/sh
# Checks record {seq} of an evidence log with openssl and sha256sum alone.
#
# public.pem came with the record. It proves who signed only if you know the key from elsewhere:
#   openssl pkey -pubin -in public.pem -outform DER | sha256sum
# must print {fingerprint}.
set -eu
cd "$(dirname "$0")"

echo "The head: does its signature verify?"
{command}

echo "The record: does it lead to the root in that head?"
bytes() {{
    for each in $(echo "$1" | sed 's/../& /g'); do printf "\\\\$(printf %03o "0x$each")"; done
}}
hash() {{ sha256sum | cut -c1-64; }}
root=$({{ printf '\\000'; cat record.json; }} | hash)
left() {{ root=$({{ printf '\\001'; bytes "$1"; bytes "$root"; }} | hash); }}
right() {{ root=$({{ printf '\\001'; bytes "$root"; bytes "$1"; }} | hash); }}
{steps}
grep -q "\\"root\\":\\"$root\\"" evidence.bin || {{ echo "NOT in the head: $root"; exit 1; }}
echo "Record OK"
"""


@dataclass(frozen=True)
class _Step:
    """One hash on the way to the root, and on which side it stands."""

    hash: str
    side: str


@dataclass(frozen=True)
class Exported:
    """What was written."""

    head: Head
    command: str
    """How to verify the head's signature."""


def command(algorithm: str) -> str:
    """Return the openssl command that verifies the head, for a key of this kind."""
    if algorithm == Algorithm.ED25519:
        return (
            "openssl pkeyutl -verify -rawin -pubin -inkey public.pem "
            "-sigfile sig.bin -in evidence.bin"
        )
    options = _PSS if algorithm == Algorithm.RSA_PSS else ""
    return f"openssl dgst -sha256 {options}-verify public.pem -signature sig.bin evidence.bin"


def export(log: Path, seq: int, directory: Path, keys: Keys) -> Exported:
    """Write record `seq` of a log, its proof and the head that covers it into `directory`.

    The log is verified first. Raises `VerificationError`, or `UsageError` for a record that is
    not there.
    """
    tree, record, covering = _find(log, seq, keys)
    head = covering.entry
    message = signed_part(covering.raw)
    assert isinstance(head, Head)
    assert message is not None
    steps = [
        _Step(each.hex(), side)
        for each, side in zip(tree.inclusion(seq, head.size), _sides(seq, head.size), strict=True)
    ]
    key = PublicKey(head.public_key)
    proof = {
        "index": seq,
        "leaf": merkle.leaf(record).hex(),
        "path": [{"hash": step.hash, "side": step.side} for step in steps],
        "root": head.root,
        "size": head.size,
    }
    script = _SCRIPT.format(
        seq=seq,
        fingerprint=key.id.removeprefix("SHA256:"),
        command=command(head.algorithm),
        steps="\n".join(f"{step.side} {step.hash}" for step in steps),
    )
    files = {
        "record.json": record,
        "proof.json": json.dumps(proof, indent=1).encode() + b"\n",
        "evidence.bin": message,
        "sig.bin": head.signature,
        "sig.b64": base64.encodebytes(head.signature),
        "public.pem": key.pem,
        "verify.sh": script.encode(),
    }
    _write(directory, files)
    return Exported(head, command(head.algorithm))


def _find(log: Path, seq: int, keys: Keys) -> tuple[merkle.Leaves, bytes, Line]:
    """Return the tree of the file that has the record, the record's line, and its head."""
    for segment in (*segments(log), log):
        tree, lines = leaves(segment, keys)
        records = {line.entry.seq: line.raw for line in lines if isinstance(line.entry, Record)}
        if seq in records:
            covering = next(
                line for line in lines if isinstance(line.entry, Head) and line.entry.size > seq
            )
            return tree, records[seq], covering
    raise UsageError(f"there is no record {seq} in {show(str(log), 300)}")


def _sides(index: int, size: int) -> list[str]:
    """On which side each hash of an inclusion proof stands, lowest first."""
    sides: list[str] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        if index < middle:
            sides.append("right")
            end = middle
        else:
            sides.append("left")
            first = middle
    return sides[::-1]


def _write(directory: Path, files: dict[str, bytes]) -> None:
    try:
        directory.mkdir(parents=True)
        for name, data in files.items():
            (directory / name).write_bytes(data)
        (directory / "verify.sh").chmod(0o755)
    except FileExistsError:
        raise UsageError(f"{show(str(directory), 300)} is there already; name another") from None
    except OSError as error:
        raise UsageError(f"cannot write {show(str(directory), 300)}: {error.strerror}") from None
