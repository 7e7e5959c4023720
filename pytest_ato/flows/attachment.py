"""Counting at an interface: XDP for what enters, its twin on tc for what leaves, while we live.

Owns the choice of ways: XDP in the driver where that can do it, else in the stack; the twin by a
link (tcx, Linux 6.6), else by a filter of clsact, which a guardian takes away. Loads nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
from dataclasses import dataclass
from typing import Final, Literal

from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.flows import clsact, links
from pytest_ato.flows.interfaces import Namespace
from pytest_ato.flows.program import Program
from pytest_ato.model.errors import CaptureUnavailable, UsageError

XDP_PROGRAM: Final = "netflow_filter"
TWIN: Final = "netflow_twin"
_MOST_PROGRAMS: Final = 64
"""At one hook (BPF_MPROG_MAX)."""

Mode = Literal["native", "generic"]
Way = Literal["tcx", "clsact"]


@dataclass(frozen=True)
class Modes:
    """How an interface is counted."""

    xdp: Mode
    egress: Way
    why_generic: str = ""
    """What the driver says to native XDP."""


class Attachment:
    """The programs at one interface; use it as a context manager, or close it.

    Raises UsageError when the interface is not there or has another XDP program, and
    CaptureUnavailable where the kernel refuses.
    """

    def __init__(
        self, program: Program, interface: str, namespace: Namespace, *, tcx: bool = True
    ) -> None:
        self.interface = interface
        self.index = namespace.index(interface)
        self._libbpf = program.libbpf
        self._fds: list[int] = []
        self._filter: clsact.Filter | None = None
        try:
            self.modes = namespace.inside(lambda: self._attach(program, tcx=tcx))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Detach both."""
        while self._fds:
            os.close(self._fds.pop())
        if self._filter:
            self._filter.close()
            self._filter = None

    def is_attached(self) -> bool:
        """Whether packets are still counted: the interface is there, and nobody detached us."""
        found = [links.describe(self._libbpf, fd) for fd in self._fds]
        return all(link and link.interface for link in found)

    def _attach(self, program: Program, *, tcx: bool) -> Modes:
        """In the interface's namespace."""
        xdp, why = self._attach_xdp(program.fd(XDP_PROGRAM))
        return Modes(xdp, self._attach_twin(program.fd(TWIN), tcx=tcx), why)

    def _attach_xdp(self, program: int) -> tuple[Mode, str]:
        try:
            self._link(program, links.XDP, links.NATIVE)
        except OSError as error:
            self._refuse_if_taken(error)
            why = error.strerror or str(error)
        else:
            return "native", ""
        try:
            self._link(program, links.XDP, links.GENERIC)
        except OSError as error:
            self._refuse_if_taken(error)
            raise self._unavailable("XDP", error) from None
        return "generic", why

    def _attach_twin(self, program: int, *, tcx: bool) -> Way:
        try:
            if tcx:
                self._link(program, links.TCX_EGRESS)
                return "tcx"
        except OSError as error:
            if error.errno != errno.EINVAL:  # what kernels say that do not know it
                raise self._unavailable("tcx", error) from None
        try:
            self._filter = clsact.Filter(self._libbpf, program, self.index)
        except OSError as error:
            raise self._unavailable("clsact", error) from None
        return "clsact"

    def _link(self, program: int, kind: int, flags: int = 0) -> None:
        self._fds.append(links.create(self._libbpf, program, self.index, kind, flags))

    def _refuse_if_taken(self, error: OSError) -> None:
        if error.errno in (errno.EBUSY, errno.EEXIST):
            raise UsageError(
                f"{self.interface} has an XDP program already: ato flows detach {self.interface} "
                f"takes ours away, ip link set {self.interface} xdp off another's"
            ) from None

    def _unavailable(self, what: str, error: OSError) -> CaptureUnavailable:
        words = self._libbpf.last_words()
        return CaptureUnavailable(
            f"{what} cannot be attached to {self.interface}: {error.strerror}"
            f"{f' ({words})' if words else ''}; run as root with CAP_NET_ADMIN and CAP_BPF"
        )


@dataclass(frozen=True)
class Attached:
    """An interface that somebody counts."""

    interface: str
    index: int
    modes: Modes
    links: tuple[int, ...]
    """Ids."""


def attached(libbpf: Libbpf, namespace: Namespace) -> list[Attached]:
    """Return the interfaces of a namespace that are counted, whoever attached."""
    known = [*links.of_program(libbpf, XDP_PROGRAM), *links.of_program(libbpf, TWIN)]

    def look() -> list[Attached]:
        found = (_look(libbpf, name, index, known) for index, name in socket.if_nameindex())
        return [one for one in found if one]

    return namespace.inside(look)


def detach(libbpf: Libbpf, namespace: Namespace, one: Attached) -> None:
    """Take the programs from an interface; whoever attached them is told by `is_attached`."""
    for number in one.links:
        links.detach(libbpf, number)
    if one.modes.egress == "clsact":
        namespace.inside(lambda: clsact.detach(libbpf, one.index))


def _look(libbpf: Libbpf, name: str, index: int, known: list[links.Link]) -> Attached | None:
    """Which links are at this interface, and not at one of the same index elsewhere."""
    here = [link for link in known if link.interface == index]
    query = _XdpQuery(size=ctypes.sizeof(_XdpQuery))
    libbpf.call("bpf_xdp_query", index, 0, ctypes.byref(query))
    xdp = [link.id for link in here if link.kind == links.XDP and link.program == query.program]
    if not xdp:
        return None
    at_tcx = _programs(libbpf, index)
    twins = [link.id for link in here if link.kind != links.XDP and link.program in at_tcx]
    modes = Modes("native" if query.native else "generic", "tcx" if twins else "clsact")
    return Attached(name, index, modes, (*xdp, *twins))


class _XdpQuery(ctypes.Structure):
    """struct bpf_xdp_query_opts."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("program", ctypes.c_uint32),
        ("native", ctypes.c_uint32),
        ("hardware", ctypes.c_uint32),
        ("generic", ctypes.c_uint32),
        ("mode", ctypes.c_uint8),
    )


def _programs(libbpf: Libbpf, index: int) -> set[int]:
    """The ids of the programs at tcx's egress."""
    numbers = (ctypes.c_uint32 * _MOST_PROGRAMS)()
    count = ctypes.c_uint32(_MOST_PROGRAMS)
    with contextlib.suppress(OSError):  # no tcx, no program
        libbpf.call(
            "bpf_prog_query", index, links.TCX_EGRESS, 0, None, numbers, ctypes.byref(count)
        )
        return set(numbers[: count.value])
    return set()
