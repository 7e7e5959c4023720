"""One audit from the target's start to the last event it caused.

Owns the loop: while the target runs, take from every source without waiting for any; afterwards,
prove that nothing is missing. Knows no record formats and starts no sandbox.
"""

from __future__ import annotations

import os
import secrets
import select
import time
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from pytest_ato.capture import abi, flows
from pytest_ato.capture.accounts import Accounts
from pytest_ato.capture.caller import Caller
from pytest_ato.capture.canary import Canary
from pytest_ato.capture.cgroups import AuditCgroup
from pytest_ato.capture.decode import Decoder, code_in
from pytest_ato.capture.fanotify import FileMarks
from pytest_ato.capture.hold import Hold
from pytest_ato.capture.liveness import Liveness
from pytest_ato.capture.loader.interface import Loader
from pytest_ato.capture.loader.maps import Batch
from pytest_ato.capture.network import Gateway, TargetNetwork
from pytest_ato.capture.sandbox.control import (
    NONCE_SIZE,
    Closed,
    Empty,
    ExecFailed,
    SetupFailed,
    TargetExited,
)
from pytest_ato.capture.sandbox.sandbox import Sandbox
from pytest_ato.capture.sandbox.writable import PlantedFile
from pytest_ato.capture.spool import Spool
from pytest_ato.capture.stdio import StandardStreams
from pytest_ato.capture.stream import CallerGone, EventStream
from pytest_ato.capture.tls.libraries import Libraries
from pytest_ato.model.events import End, Lost, Planted, Start, Watched
from pytest_ato.model.octets import octets
from pytest_ato.model.spec import AuditSpec

_TURN: Final = 0.005
"""Seconds between two looks at the rings, which nothing wakes us for."""
_DECODE: Final = 0.004
"""Seconds of decoding a turn while the target runs, after which it rests."""
_REST: Final = 2.0
"""Times as long as it decoded: on a small machine, the target needs the processor."""
_DRAINS: Final = 64
"""Reads of the rings a turn: a flood that is faster than we are does not keep the loop."""
_PEEKED: Final = 64 << 10
"""Bytes of bulk records that are looked through before their turn; a flood has more."""
_UNREAD_OUTPUT: Final = 4 << 20
"""Bytes waiting in the output pipe beyond which decoding rests; the spool takes what comes."""
_GRACE: Final = 2.0
"""Seconds that init may take to reap what was killed."""
_SETTLE: Final = 0.5
"""Seconds that probes still running at the end may take to hand in their record."""

Ended = Literal["exit", "signal", "timeout", "limit", "not_started", "interrupted"]


class Run:
    """The live part of one audit."""

    def __init__(
        self,
        spec: AuditSpec,
        loader: Loader,
        sandbox: Sandbox,
        cgroup: AuditCgroup,
        network: TargetNetwork,
        gateway: Gateway | None,
        stream: EventStream,
        libraries: Libraries,
        watched: Iterable[Watched],
    ) -> None:
        self._libraries = libraries
        self._watched = tuple(watched)
        self._spec = spec
        self._loader = loader
        self._sandbox = sandbox
        self._cgroup = cgroup
        self._network = network
        self._gateway = gateway
        self._stream = stream
        self._decoder = Decoder()
        self._spool = Spool()
        self._streams = StandardStreams(
            sandbox.stdio, sandbox.close_stdin, spec.stdin, spec.limits.output
        )
        self._accounts = Accounts(loader, self._decoder.consumed)
        self._hold = Hold(cgroup)
        self._rest_until = 0.0
        self._marks = FileMarks()
        self._nonce = secrets.token_hex(NONCE_SIZE // 2)
        self._canary = Canary(self._nonce, sandbox.init_pid)
        self._liveness = Liveness(loader, self._canary)
        self._ended: Ended = "exit"
        self._status = 0
        self._reason = ""
        self._empty = False
        self._emptied = False
        self._disk_full = False
        self._survivors: tuple[bytes, ...] = ()

    def run(
        self, caller: Caller, planted: Iterable[PlantedFile], attach_ms: float, generation: int
    ) -> None:
        """Let the target go, follow it to its end, and write the `end` record.

        Raises CallerGone when nobody reads the events any more.
        """
        planted = tuple(planted)
        self._marks.add((*planted, *self._sandbox.canary_files()))
        self._stream.sieve = self._canary.sift
        self._loader.set_scope(
            abi.Scope(
                cgroup=self._cgroup.id,
                level=self._cgroup.level,
                netns=self._network.inode,
                ignore=(self._sandbox.outer_pid, 0),
                active=True,
                generation=generation,
            )
        )
        try:
            self._stream.put(self._start(attach_ms))
            for library in self._watched:
                self._stream.put(msgspec.structs.replace(library, ts=time.monotonic_ns()))
            for file in planted:
                now = time.monotonic_ns()
                self._stream.put(Planted(ts=now, path=file.path, dev=file.dev, inode=file.inode))
            began = time.monotonic()
            self._sandbox.release(self._nonce)
            self._follow(caller, began + self._spec.timeout)
            run_ms = (time.monotonic() - began) * 1000
            self._hold.release()
            self._disk_full = self._sandbox.disk_full()
            self._sandbox.kill()
        finally:
            self._loader.set_scope(abi.IDLE)
        self._read_the_rest()
        self._stream.put(self._end(run_ms))

    def close(self) -> None:
        """Give back what the audit held; may be called twice."""
        self._stream.sieve = iter
        self._marks.close()
        self._spool.close()

    def _start(self, attach_ms: float) -> Start:
        return Start(
            ts=time.monotonic_ns(),
            kernel=os.uname().release,
            loader=self._loader.name,
            attach_ms=attach_ms,
            probes=dict(self._liveness.states()),
            required=self._liveness.required,
            unseen=self._loader.unseen,
            tls_proxy=self._gateway is None or self._gateway.authority is not None,
            init=self._sandbox.init_pid,
            uid=self._sandbox.uid,
            home=self._spec.home,
            program=self._spec.target.program,
            resolvers=(self._network.resolver,) if self._network.resolver else (),
            addresses=self._network.addresses,
            tracer=self._loader.identity,
        )

    def _follow(self, caller: Caller, deadline: float) -> None:
        """Take from every source until the sandbox is empty, time is up or the caller is gone."""
        poll = select.poll()
        for fd in (self._sandbox.control, caller.fd, *self._streams.open):
            poll.register(fd, select.POLLIN)
        poll.register(self._stream.fd, 0)  # errors only
        while not self._empty:
            for fd, _ in poll.poll(_TURN * 1000):
                if fd == self._stream.fd:
                    raise CallerGone
                if fd in self._streams.ended:  # or it would wake us for ever
                    poll.unregister(fd)
            self._take()
            self._decode()
            self._hold.weigh(self._spool.spilled)
            self._stream.write()
            self._hear()
            caller.poll()
            if caller.gone:
                self._stop("interrupted", "the caller ended the audit")
                return
            if time.monotonic() - self._hold.seconds >= deadline:
                if self._ended == "timeout":
                    return  # init itself does not answer: no proof of liveness after the target
                self._hold.release()
                self._survivors = tuple(self._sandbox.survivors())
                self._ended, self._status = "timeout", 0
                self._sandbox.kill_target()  # init reaps, fires its canary and ends
                deadline += _GRACE

    def _stop(self, ended: Ended, reason: str) -> None:
        self._ended, self._reason, self._status = ended, reason, 0
        self._sandbox.kill()

    def _take(self) -> None:
        """Empty every source that could fill up."""
        for _ in range(_DRAINS):
            batch = self._loader.drain()
            self._keep(batch)  # an empty one still says until when all is known
            if batch.whole or not batch:
                break
        self._stream.add(self._libraries.take())
        self._streams.feed()
        self._stream.add(self._streams.read())
        self._stream.add(self._marks.read())
        if self._gateway:
            self._stream.add(self._gateway.read())

    def _keep(self, batch: Batch) -> None:
        if self._spool:  # it waits, and a program that is to be watched runs meanwhile
            bulk = batch.bulk if len(batch.bulk) <= _PEEKED else b""
            for code in code_in(batch.critical, bulk):
                self._stream.add(self._libraries.mapped(code, self._sandbox.init_pid))
        try:
            self._spool.put(batch)
        except OSError as error:
            self._lose("spool", f"the spool's disk refused captured events: {error.strerror}")

    def _lose(self, source: str, reason: str, count: int = 1) -> None:
        self._stream.put(Lost(ts=time.monotonic_ns(), source=source, reason=reason, count=count))

    def _decode(self) -> None:
        """Decode for a while, unless it rests; what is left waits in the spool."""
        began = time.monotonic()
        if began < self._rest_until and not self._hold.holding:
            return
        while self._stream.pending < _UNREAD_OUTPUT and time.monotonic() - began < _DECODE:
            batch = self._spool.get()
            if batch is None:
                break
            self._decode_one(batch)
        now = time.monotonic()
        self._rest_until = now + _REST * (now - began)

    def _decode_one(self, batch: Batch) -> None:
        self._stream.add(self._decoder.critical(batch.critical))
        self._stream.add(self._decoder.bulk(batch.bulk))
        self._stream.add(self._decoder.plain(batch.plain))
        for code in self._decoder.code():
            self._stream.add(self._libraries.mapped(code, self._sandbox.init_pid))
        if batch.whole:
            self._stream.release(batch.drained)

    def _hear(self) -> None:
        """Take what init reports."""
        for message in self._sandbox.read_control():
            match message:
                case ExecFailed() | SetupFailed():
                    self._ended, self._reason = "not_started", message.reason
                case TargetExited(status, signal) if self._ended == "exit":
                    self._ended = "signal" if signal else "exit"
                    self._status = signal or status
                case Empty():
                    self._empty = self._emptied = True
                case Closed():
                    if not self._emptied and self._ended in ("exit", "signal"):
                        self._ended, self._status = "interrupted", 0
                        self._reason = "the sandbox was killed"
                    self._empty = True

    def _read_the_rest(self) -> None:
        """After the last process: read until the counts say that nothing is missing."""
        until = None
        while True:
            self._take()
            while (batch := self._spool.get()) is not None:
                self._decode_one(batch)
                self._stream.wait(_UNREAD_OUTPUT)
            until = until or time.monotonic() + _SETTLE  # what was spooled had its own time
            if self._accounts.balanced() or time.monotonic() > until:
                break
            time.sleep(_TURN)
        self._stream.add(self._libraries.settle())
        self._stream.add(self._decoder.finish(time.monotonic_ns()))
        for name in self._liveness.detached():
            self._lose(name, "the probe was detached during the audit")
        if self._gateway:
            self._stream.add(self._gateway.settle())
            self._stream.add(flows.decode(self._loader.take_flows()))
        self._stream.release_all()

    def _end(self, run_ms: float) -> End:
        hit = self._cgroup.limits_hit()
        if self._disk_full:
            hit = (*hit, "disk")
        if "memory" in hit and self._ended in ("signal", "exit", "interrupted"):
            self._ended = "limit"
            self._reason = "the target used all the memory that its limit allows"
        return End(
            ts=time.monotonic_ns(),
            ended=self._ended,
            status=self._status,
            reason=self._reason,
            run_ms=run_ms,
            survivors=tuple(octets(name) for name in self._survivors),
            held_ms=self._hold.seconds * 1000,
            counters=self._accounts.counters(),
            output_bytes=dict(self._streams.totals),
            limits_hit=hit,
            silent=self._silent(),
        )

    def _silent(self) -> dict[str, str]:
        if self._ended == "not_started":
            return {}
        return self._liveness.silent(ended=self._ended != "interrupted")
