"""What a loader does, whichever library it goes through."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal

from pytest_ato.capture.abi import Scope
from pytest_ato.capture.loader.maps import Batch, Maps
from pytest_ato.capture.probes import Probe
from pytest_ato.model.events import Counters
from pytest_ato.model.record import Event

ProbeState = Literal["live", "silent", "missing", "not captured"]


@dataclass(frozen=True)
class Place:
    """Where in a file a function is watched."""

    offset: int
    function: str
    cookie: int
    """What the program is told: see `bpf/include/abi.h`."""
    leaves: bool = False
    """It is where the function returns."""
    returns: bool = False
    """It is the first instruction of a function whose return is watched at its caller."""


class Loader(ABC):
    """The kernel side of one session. Not thread-safe; `close` may be called twice."""

    name: ClassVar[str]
    declared: ClassVar[tuple[Probe, ...]]
    """Its probes."""
    tells: ClassVar[tuple[type[Event], ...]]
    """Events that come from them."""
    loaded: Path
    """What is loaded into the kernel: an object, or the text that it is compiled from."""

    @cached_property
    def identity(self) -> str:
        """Name and SHA-256 of what is loaded."""
        return f"{self.loaded.name} sha256:{sha256(self.loaded.read_bytes()).hexdigest()}"

    unseen: ClassVar[tuple[str, ...]] = ()
    """What it cannot see at all, in words that follow "does not see"."""
    _maps: Maps
    """Made by `load`."""

    @abstractmethod
    def load(self) -> None:
        """Load and attach what serves the whole session.

        Raises CaptureUnavailable, in one line with the cure, when a required probe cannot be.
        """

    @abstractmethod
    def attach_cgroup(self, fd: int) -> None:
        """Attach the per-audit probes to the cgroup directory behind `fd`."""

    @abstractmethod
    def detach_cgroup(self) -> None:
        """Undo `attach_cgroup`."""

    @abstractmethod
    def attach_wire(self, interface: int) -> None:
        """Count what enters the interface of that index, in the calling thread's namespace."""

    @abstractmethod
    def take_flows(self) -> list[tuple[bytes, bytes]]:
        """Detach from the wire; return what it saw, as a `flow_key` and a `flow_value` per CPU."""

    def watch(self, path: str, places: Sequence[Place]) -> int:  # noqa: ARG002
        """Watch functions of a file; returns a handle for `unwatch`, 0 where this loader cannot.

        Raises OSError where the kernel refuses. `path` may be one of /proc.
        """
        return 0

    def unwatch(self, handles: Iterable[int]) -> None:  # noqa: B027
        """Give up what `watch` returned handles for."""

    def set_scope(self, scope: Scope) -> None:
        """Say which audit is live."""
        self._maps.set_scope(scope)

    def drain(self) -> Batch:
        """Take what the rings hold, without waiting."""
        return self._maps.drain()

    def counters(self) -> Mapping[str, Counters]:
        """Sums over all CPUs since loading, by class; `consumed` is the reader's and 0 here."""
        return self._maps.counters()

    @abstractmethod
    def probes(self) -> Mapping[str, ProbeState]:
        """State of each probe by name."""

    @abstractmethod
    def close(self) -> None:
        """Detach and unload everything."""
