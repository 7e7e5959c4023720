"""Appending to the log: records in a chain, and a signed head over each batch of them.

Owns the order (sign first, then write everything at once, then the disk has it, then the caller is
told) and the repair of what a crash left. Any number of processes may append to one log.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pytest_ato.evidence.canonical import Json
from pytest_ato.evidence.log import entries
from pytest_ato.evidence.log.chain import Broken, Chain, Repair
from pytest_ato.evidence.log.entries import Head
from pytest_ato.evidence.log.files import OPTION, LogError, LogFile, segments
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.model.closing import Closing
from pytest_ato.model.octets import show


@dataclass(frozen=True)
class Appended:
    """What one append added, as a log by itself: it can be verified without the rest."""

    head: Head
    """The last of its heads."""
    slice: bytes
    """A start line, the records, the heads."""


class EvidenceLog(Closing):
    """A log that only grows; opened at the first append. One object, one thread."""

    def __init__(self, path: Path, signer: Signer, *, batch: int = 0, option: str = OPTION) -> None:
        """`batch`: records that one head covers at most; 0: all of one append. `option`: see
        `LogFile`."""
        self.path = path
        self._signer = signer
        self._batch = batch
        self._file = LogFile(path, option)
        self._chain = Chain()
        self._offset = 0
        self._opened = 0

    def append(self, payloads: Sequence[Json | msgspec.Raw]) -> Head:
        """Add a record for each payload and return the last head, when all is on the disk.

        Raises `SigningError`; then nothing was added, or nothing that counts.
        """
        return self.append_slice(payloads).head

    def append_slice(self, payloads: Sequence[Json | msgspec.Raw]) -> Appended:
        """Append as `append` does, and return the added lines as well."""
        if not payloads:
            raise ValueError("there is nothing to append")
        with self._file.locked():
            ending = self._catch_up()
            self._opened = 0  # whatever fails from here on has the file read anew
            before, chain = self._chain, self._chain.copy()
            repair = [msgspec.to_builtins(Repair(chain.torn))] if chain.torn else []
            lines = self._lines(chain, [*repair, *payloads])
            data = b"\n".join([*lines, b""])
            self._file.append(ending + data)
            self._chain, self._opened = chain, self._file.opened
            self._offset += len(ending) + len(data)
        head = entries.decode(lines[-1])
        assert isinstance(head, Head)
        start = entries.encode_start(before.as_start())
        return Appended(head, b"\n".join([start, data]))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def _lines(self, chain: Chain, payloads: Sequence[Json | msgspec.Raw]) -> list[bytes]:
        """Make the lines of records and heads, and have `chain` stand behind them."""
        lines = []
        each = self._batch or len(payloads)
        for start in range(0, len(payloads), each):
            for payload in payloads[start : start + each]:
                line, _ = entries.encode_record(chain.tree.size, chain.record, payload)
                chain.feed(line)
                lines.append(line)
            line = self._head(chain)
            chain.feed(line)
            lines.append(line)
        return lines

    def _head(self, chain: Chain) -> bytes:
        signer = self._signer
        head = Head(
            algorithm=signer.algorithm,
            key=signer.public.id,
            nonce=secrets.token_hex(16),
            prev=chain.head,
            public_key=signer.public.der,
            root=chain.tree.root.hex(),
            signature=b"",
            size=chain.tree.size,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        message = entries.head_message(head)
        return entries.encode_head(message, signer.sign(message))

    def _catch_up(self) -> bytes:
        """Read what others appended; return what has to be written first, to end a torn line.

        Raises `SigningError` for a log that is not whole, with the number of the line.
        """
        if self._opened != self._file.opened:
            self._opened = self._file.opened
            self._chain, self._offset = Chain(), 0
            self._refuse_lost_log()
        size = self._file.size()
        if size < self._offset:
            raise self._broken("has become shorter: something was cut off")
        if size == self._offset:
            return b""
        rest = b""
        chain = self._chain
        try:
            for block in self._file.read(self._offset):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    chain.feed(line)
            self._offset = size
            if not rest:
                return b""
            chain.feed(rest)  # a whole line that lacks its end alone is one
            return b"\n"
        except Broken as error:
            self._opened = 0  # read it anew the next time
            raise self._broken(f"is not whole: {error}; see: ato verify") from None

    def _refuse_lost_log(self) -> None:
        """Refuse to begin anew where older segments tell that there was a log."""
        if self._file.size() == 0 and (old := segments(self.path)):
            raise self._broken(f"is gone, and {show(old[-1].name)} continues in it; put it back")

    def _broken(self, why: str) -> LogError:
        return LogError(
            f"the evidence log {show(str(self.path))} {why}; nothing was added. "
            f"Keep it as it is, and give another with {self._file.option}"
        )
