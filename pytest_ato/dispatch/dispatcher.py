"""Rounds: walk the map, make rows of what is new, sign and append them, evict what is idle.

Owns the order, from which the guarantee follows. A row says all that was counted since its entry in
the map was made; it is forgotten nowhere before it is in the log, for the map still has it: an
entry is removed only after its last row is under a verified signature. So whenever the process
is killed, the next one finds in the map whatever the log lacks, and a row that is stated again
supersedes the first. What a removal itself finds (packets that came in the microseconds since its
last row) is in this process alone until the append that follows at once.
"""

from __future__ import annotations

import gc
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.dispatch.batches import LARGEST, Batch, Source
from pytest_ato.dispatch.claim import Claim
from pytest_ato.dispatch.clocks import Clocks
from pytest_ato.dispatch.rows import Rows
from pytest_ato.dispatch.signing import CountedSigner
from pytest_ato.dispatch.spool import Spool
from pytest_ato.dispatch.stated import News, Stated, Walked
from pytest_ato.evidence.canonical import Json
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers import open_signer
from pytest_ato.flows.flowmap import DEFAULT, FlowMap
from pytest_ato.metrics.dispatch import DispatchMetrics
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import CaptureIncomplete, SigningError

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_TAKEN: Final = 16384
"""Entries removed in one round at most, so that a round stays short."""
_PRESSED: Final = 0.9
"""How full a map is when its longest idle flows go before their time, ..."""
_RELIEVED: Final = 0.75
"""... until it is as full as this."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How flows are dispatched."""

    map: Path = DEFAULT
    log: Path = Path("/var/log/audit/signed_evidence.log")
    sign: str = "file:"
    interval: float = 10
    """Seconds from the start of one round to that of the next."""
    batch: int = 4096
    """Flows in one record; a round is signed once, over all of its records."""
    idle: float = 120
    """Seconds without a packet after which a flow is taken out of the map."""
    spool: int = 65536
    """Flow records that may wait for a signature; at least as many as the map has room for."""


class Dispatcher(Closing):
    """One map into one log; raises `UsageError`, `SigningError` where it cannot begin.

    `complain` is given one line for each thing that an operator should know, once while it lasts.
    """

    def __init__(
        self, settings: Settings, metrics: DispatchMetrics, complain: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self.failure = ""
        """Why the last append failed; empty: it did not."""
        self._complain = complain
        self._round = 0
        self._stated = Stated()
        self._clocks = Clocks()
        with ExitStack() as opened:
            self._flows = opened.enter_context(FlowMap(settings.map))
            self._claim = opened.enter_context(Claim(self._flows))
            self._rows = Rows(self._claim.secret)
            signer = CountedSigner(open_signer(settings.sign), metrics)
            self._log = EvidenceLog(settings.log, opened.enter_context(signer), option="--log")
            opened.callback(self._log.close)
            self._source = Source(secrets.token_hex(4), self._flows.id, _BOOT.read_text().strip())
            self._spool = Spool(max(settings.spool, self._flows.max_entries))
            metrics.spool_limit.set(self._spool.limit)
            metrics.map_limit.set(self._flows.max_entries)
            self._append([self._source.record("started")])
            self._cleanup = opened.pop_all()

    def close(self) -> None:
        """Let go of map, key and log; may be called twice."""
        self._cleanup.close()

    @property
    def waiting(self) -> int:
        """Flow records without a signature."""
        return self._spool.depth

    def round(self) -> None:
        """Do one round. What cannot be signed now waits; raises `CaptureIncomplete` when the map
        was replaced by another, after the last that this one had is written."""
        began = time.perf_counter()
        batch = self._new_batch()
        gc.disable()  # a round makes many small things at once, and none of them in circles
        try:
            idle = self._read(batch)
        finally:
            gc.enable()
        self._write(batch)
        if idle and not self._spool.depth:
            removed = self._new_batch()
            self._evict(idle, removed)
            self._write(removed)
        self.metrics.rounds.observe(time.perf_counter() - began)
        self.metrics.round.set_to_current_time()
        if not self._claim.is_current():
            raise CaptureIncomplete(
                f"{self.settings.map} is another map now, or none: this dispatcher's is written "
                "to its end; start it again"
            )

    def finish(self) -> None:
        """Do the last round, and tell in the log that it was; raises `SigningError`.

        What is unsigned then is not lost: the map has it for the next dispatcher.
        """
        self.round()
        if self._spool.depth:
            raise SigningError(
                f"{self._spool.depth} flow records are not signed ({self.failure}); "
                "the map still has them for the next dispatcher"
            )
        self._append([self._source.record("ended")])

    def _new_batch(self) -> Batch:
        clock = self._clocks.read()
        if clock.stepped:
            self.metrics.clock_steps.inc()
            self._complain(f"the clock was set by {clock.stepped:+.1f} s")
        counts = self._flows.counts()
        self.metrics.kernel(counts)
        return Batch(self._round, clock, counts)

    def _read(self, batch: Batch) -> list[tuple[int, bytes]]:
        """Fill in the rows of this round; return idle flows as (when they last spoke, key)."""
        self._round += 1
        batch.round = self._round
        now, metrics, room = batch.clock.monotonic, self.metrics, self._flows.max_entries
        found = self._stated.take(self._flows.walk(), now - int(self.settings.interval * 1e9))
        for each in found.news:
            self._add(batch, each)
        for direction, packets, octets in (
            ("out", found.packets_out, found.bytes_out),
            ("in", found.packets_in, found.bytes_in),
        ):
            metrics.packets.labels(direction=direction).inc(packets)
            metrics.bytes.labels(direction=direction).inc(octets)
        metrics.map_flows.set(found.flows)
        metrics.map_fill.set(found.flows / room)
        return _to_remove(found, now - int(self.settings.idle * 1e9), room)

    def _add(self, batch: Batch, news: News) -> None:
        entry = news.key + news.since.to_bytes(8, "big")
        batch.rows[entry] = self._rows.row(*news)

    def _evict(self, idle: list[tuple[int, bytes]], batch: Batch) -> None:
        for _, key in idle:
            now = self._flows.read(key)
            if now is None or not self._stated.has(key, now):
                continue  # it speaks again, or somebody else removed it
            last = self._flows.take(key)
            if last is not None:
                self.metrics.evicted.inc()
                news = self._stated.remove(key, last)
                if news is not None:
                    self._add(batch, news)

    def _write(self, batch: Batch) -> None:
        """Have this batch and what waits signed and appended, the oldest first."""
        fresh = len(batch.rows)
        if fresh:
            squeezed = self._spool.add(batch)
            self.metrics.superseded.inc(squeezed.superseded)
            if squeezed.dropped:
                self.metrics.dropped.inc(squeezed.dropped)
                self._complain(f"{squeezed.dropped} unsigned flow records are LOST: spool is full")
        try:
            self._spool.sign(self._sign)
        except SigningError as error:
            self.metrics.unverified.inc(fresh)
            if not self.failure:
                self._complain(f"flows wait unsigned: {error}")
            self.failure = str(error)
        self.metrics.spool.set(self._spool.depth)

    def _sign(self, batch: Batch) -> None:
        size = min(self.settings.batch, LARGEST)
        self._append(list(batch.records(self._source, size)))
        self.metrics.verified.inc(len(batch.rows))

    def _append(self, records: Sequence[Json | msgspec.Raw]) -> None:
        try:
            self._log.append(records)
        except SigningError as error:
            if error.kind == "log":
                self.metrics.log_errors.inc()
            raise
        if self.failure:
            self._complain("flows are signed again")
            self.failure = ""
        self.metrics.signed.inc(len(records))
        self.metrics.appended.set_to_current_time()
        with suppress(OSError):  # it was rotated this moment
            self.metrics.log_bytes.set(self.settings.log.stat().st_size)


def _to_remove(found: Walked, quiet: int, room: int) -> list[tuple[int, bytes]]:
    """Choose the flows that leave the map: those idle since `quiet`, the longest first; more of
    the idle ones, if the map is nearly full."""
    idle = sorted(found.idle)
    most = sum(1 for last, _ in idle if last < quiet)
    if found.flows > _PRESSED * room:
        most = max(most, found.flows - int(_RELIEVED * room))
    return idle[: min(most, _TAKEN)]
