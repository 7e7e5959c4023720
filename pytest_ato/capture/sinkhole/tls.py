"""What the sinkhole records of a connection that the TLS proxy decrypted.

Owns `Tls` and `Handshake` events of one connection: bounded pieces of both directions, then the
count of what was not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Final, Literal, cast, get_args

from pytest_ato.capture.proxy.inside.frames import Hello, MalformedFrame
from pytest_ato.capture.sinkhole import limits
from pytest_ato.model.events import Handshake, Tls
from pytest_ato.model.octets import octets
from pytest_ato.model.record import Event

Outcome = Literal["intercepted", "refused", "failed"]
Direction = Literal["out", "in"]
_BOUNDS: Final[dict[Direction, int]] = {"out": limits.TLS_OUT, "in": limits.TLS_IN}


class TlsRecord:
    """The record of one connection's plaintext."""

    def __init__(
        self,
        emit: Callable[[Event], None],
        allow: Callable[[int], int],
        number: int,
        client: tuple[str, int],
        server: tuple[str, int],
    ) -> None:
        """`allow` takes from the audit's allowance: how many of so many bytes may be kept."""
        self._emit = emit
        self._allow = allow
        self._number = number
        self.client = client
        self.server = server
        self._counts: dict[Direction, int] = {"out": 0, "in": 0}
        self._kept: dict[Direction, int] = {"out": 0, "in": 0}
        self._intercepted = False

    def handshake(self, hello: Hello) -> None:
        """Record how it began; raises `MalformedFrame`."""
        if hello.outcome not in get_args(Outcome):
            raise MalformedFrame("no such outcome")
        self._intercepted = hello.outcome == "intercepted"
        self._emit(
            Handshake(
                ts=monotonic_ns(),
                connection=self._number,
                client=self.client[0],
                client_port=self.client[1],
                address=self.server[0],
                port=self.server[1],
                outcome=cast("Outcome", hello.outcome),
                sni=octets(hello.sni.encode("latin-1")),
                alpn=tuple(octets(name.encode("latin-1")) for name in hello.alpn),
                version=hello.version,
                reason=hello.reason,
            )
        )

    def out(self, data: bytes) -> None:
        """Record plaintext from the target."""
        self._pieces("out", data)

    def into(self, data: bytes) -> None:
        """Record plaintext to the target."""
        self._pieces("in", data)

    def end(self) -> None:
        """Write the count of what was not kept, and the closing record where there is a stream."""
        if not self._intercepted:
            return
        for direction in get_args(Direction):
            rest = self._counts[direction] - self._kept[direction]
            if rest:
                self._put(direction, offset=self._kept[direction], size=rest)
        self._put("out", closed=True)

    def _pieces(self, direction: Direction, data: bytes) -> None:
        start = self._counts[direction]
        self._counts[direction] += len(data)
        if start > self._kept[direction]:
            return  # pieces fit together: after a gap, the rest is only counted
        allowed = self._allow(max(0, min(len(data), _BOUNDS[direction] - start)))
        self._kept[direction] += allowed
        for at in range(0, allowed, limits.PIECE):
            piece = data[at : min(at + limits.PIECE, allowed)]
            self._put(direction, offset=start + at, data=piece, size=len(piece))

    def _put(
        self,
        direction: Direction,
        *,
        offset: int = 0,
        data: bytes = b"",
        size: int = 0,
        closed: bool = False,
    ) -> None:
        self._emit(
            Tls(
                ts=monotonic_ns(),
                via="proxy",
                stream=self._number,
                direction=direction,
                offset=offset,
                data=octets(data),
                size=size,
                closed=closed,
                client=self.client[0],
                client_port=self.client[1],
                address=self.server[0],
                port=self.server[1],
            )
        )
