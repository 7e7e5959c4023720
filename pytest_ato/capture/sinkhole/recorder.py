"""What one audit's traffic becomes in the event log, within its bounds.

Owns the counts of one audit: connection numbers, bytes and packets recorded, and what was over a
bound. It must not touch sockets; `emit` takes the finished events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from time import monotonic_ns
from typing import Literal

from pytest_ato.capture.sinkhole import limits
from pytest_ato.capture.sinkhole.packets import Packet
from pytest_ato.capture.sinkhole.tls import TlsRecord
from pytest_ato.model.events import Datagram, Lost, Tcp
from pytest_ato.model.octets import octets
from pytest_ato.model.record import Event

SOURCE = "sinkhole"


class Recorder:
    """One audit's recording; `finish` reports what went over a bound."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._connections = 0
        self._tcp_bytes = 0
        self._packets = 0
        self._packet_bytes = 0
        self._questions = 0
        self._answers = 0
        self._lost: Counter[str] = Counter()

    def connection(self, client: tuple[str, int], server: tuple[str, int]) -> TcpRecord:
        """Begin the record of one accepted connection."""
        self._connections += 1
        return TcpRecord(self, self._connections, client, server)

    def emit(self, event: Event) -> None:
        """Pass an event on."""
        self._emit(event)

    def allow_question(self) -> bool:
        """Count a DNS question; returns whether it is to be answered and recorded."""
        self._questions += 1
        if self._questions <= limits.QUESTIONS:
            return True
        self.lost(f"DNS questions after the first {limits.QUESTIONS}")
        return False

    def allow_answer(self, size: int) -> bool:
        """Count an answer over TCP; returns whether it may be given."""
        self._answers += size
        return not self.answered_out

    @property
    def answered_out(self) -> bool:
        """Whether the allowance of answers is used up."""
        return self._answers > limits.ANSWERS

    def packet(self, packet: Packet) -> None:
        """Record one packet that is neither TCP nor DNS."""
        self._packets += 1
        if self._packets > limits.DATAGRAMS:
            self.lost(f"packets after the first {limits.DATAGRAMS}")
            return
        room = max(0, limits.DATAGRAM_TOTAL - self._packet_bytes)
        data = packet.data[:room]
        self._packet_bytes += len(data)
        if len(data) < len(packet.data):
            self.lost("bytes of packets beyond the bound", len(packet.data) - len(data))
        self._emit(
            Datagram(
                ts=monotonic_ns(),
                protocol=packet.protocol,
                client=packet.client,
                client_port=packet.client_port,
                address=packet.address,
                port=packet.port,
                size=packet.size,
                data=octets(data),
            )
        )

    def allow_tcp(self, size: int) -> int:
        """Take up to `size` bytes from the audit's allowance; returns how many may be recorded."""
        room = min(size, limits.TCP_TOTAL - self._tcp_bytes)
        self._tcp_bytes += room
        if room < size:
            self.lost("bytes of TCP connections beyond the bound", size - room)
        return room

    def lost(self, reason: str, count: int = 1) -> None:
        """Count something that was not recorded; reported once, by `finish`."""
        if count > 0:
            self._lost[reason] += count

    def finish(self) -> None:
        """Report everything that was lost since the last call."""
        for reason, count in sorted(self._lost.items()):
            self._emit(
                Lost(
                    ts=monotonic_ns(),
                    source=SOURCE,
                    reason=f"the sinkhole did not record {count} {reason}",
                    count=count,
                )
            )
        self._lost.clear()


class TcpRecord:
    """The record of one connection: bounded pieces of both directions, whole counts at its end."""

    def __init__(
        self, recorder: Recorder, number: int, client: tuple[str, int], server: tuple[str, int]
    ) -> None:
        self._recorder = recorder
        self._number = number
        self._client = client
        self._server = server
        self._counts: dict[Literal["out", "in"], int] = {"out": 0, "in": 0}
        self._bounds: dict[Literal["out", "in"], int] = {
            "out": limits.TCP_OUT,
            "in": limits.TCP_IN,
        }

    def out(self, data: bytes) -> None:
        """Record bytes from the target."""
        self._pieces("out", data)

    def into(self, data: bytes) -> None:
        """Record bytes to the target."""
        self._pieces("in", data)

    def narrow(self, bound: int) -> None:
        """Keep no more than this of each direction: its plaintext is recorded elsewhere."""
        self._bounds = {"out": bound, "in": bound}

    def tls(self) -> TlsRecord:
        """Begin the record of the same connection's plaintext."""
        return TlsRecord(
            self._recorder.emit,
            self._recorder.allow_tcp,
            self._number,
            self._client,
            self._server,
        )

    def end(self) -> None:
        """Write the closing record."""
        self._recorder.emit(
            self._event("out", closed=True, sent=self._counts["out"], received=self._counts["in"])
        )

    def _pieces(self, direction: Literal["out", "in"], data: bytes) -> None:
        start = self._counts[direction]
        self._counts[direction] += len(data)
        wanted = max(0, min(len(data), self._bounds[direction] - start))
        allowed = self._recorder.allow_tcp(wanted)
        for at in range(0, allowed, limits.PIECE):
            piece = data[at : min(at + limits.PIECE, allowed)]
            self._recorder.emit(self._event(direction, offset=start + at, data=piece))

    def _event(
        self,
        direction: Literal["out", "in"],
        *,
        offset: int = 0,
        data: bytes = b"",
        closed: bool = False,
        sent: int = 0,
        received: int = 0,
    ) -> Tcp:
        return Tcp(
            ts=monotonic_ns(),
            connection=self._number,
            client=self._client[0],
            client_port=self._client[1],
            address=self._server[0],
            port=self._server[1],
            direction=direction,
            offset=offset,
            data=octets(data),
            closed=closed,
            sent=sent,
            received=received,
        )
