"""Destinations as programs name them in calls beside those that the kernel took over.

Owns the pairing of the two within a thread, where the kernel's copy is made during the call and so
comes before the call's own record. A pair that names two destinations, and a kernel's copy that
no call goes with, are given back; what they mean is a detector's question.

A thread that is interrupted in a call comes back from it, so its record is never missing for that.
One `sendmmsg` tells at most `MESSAGES_TOLD` of its messages.
"""

from __future__ import annotations

import errno
import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pytest_ato.detectors.names import canonical
from pytest_ato.model.events import Connect, Send

MESSAGES_TOLD: Final = 16
SLACK: Final = 5_000_000
"""Nanoseconds by which records of one call may come in the wrong order."""
_BEFORE_THE_HOOK: Final = frozenset(
    -number
    for number in (
        *(errno.EFAULT, errno.EINVAL, errno.EAFNOSUPPORT, errno.EBADF, errno.ENOTSOCK),
        *(errno.EALREADY, errno.EISCONN, errno.EDESTADDRREQ, errno.EMSGSIZE, errno.ENOBUFS),
        *(errno.EOPNOTSUPP, errno.EPIPE, errno.EACCES, errno.EPERM, errno.EPROTOTYPE),
    )
)
"""Errors with which a call may end before the kernel looks at the destination, or long after."""
_INTERNET: Final = frozenset({"inet", "inet6"})
_HOOKED: Final = frozenset({"tcp", "udp", ""})
_MAX_THREADS: Final = 65536
_MAX_PENDING: Final = 2048

Named: TypeAlias = Connect | Send


@dataclass(slots=True)
class _Thread:
    pending: deque[Named] = field(default_factory=lambda: deque(maxlen=_MAX_PENDING))
    """The kernel's copies that no call goes with yet."""
    told: int = 0
    """Records of calls since the last of the kernel's copies."""
    early: Named | None = None
    """A call that came before its copy."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One call of which the two sources say different things, or that only the kernel knows."""

    kernel: Named
    call: Named | None


class Destinations:
    """The pairing for all threads of an audit."""

    def __init__(self) -> None:
        self._threads: OrderedDict[tuple[int, int], _Thread] = OrderedDict()

    def take(self, event: Named) -> list[Difference]:
        """Take one record, in the order of the log; return what became certain."""
        key = (event.pid, event.tid)
        thread = self._threads.get(key)
        if thread is None:
            thread = self._threads[key] = _Thread()
            if len(self._threads) > _MAX_THREADS:
                self._threads.popitem(last=False)
        if event.source == "kernel":
            return self._kernel(thread, event) if event.family in _INTERNET else []
        return self._call(thread, event)

    def rest(self) -> list[Difference]:
        """What no call went with until the end; for after the last event."""
        found: list[Difference] = []
        for thread in self._threads.values():
            found += _alone(thread, len(thread.pending))
        return found

    def _kernel(self, thread: _Thread, event: Named) -> list[Difference]:
        early, thread.early = thread.early, None
        if early is not None and event.ts - early.ts <= SLACK and _same(event, early):
            return []
        found = _alone(thread, len(thread.pending)) if thread.told else []
        thread.told = 0
        thread.pending.append(event)
        return found

    def _call(self, thread: _Thread, event: Named) -> list[Difference]:
        if event.family not in _INTERNET or event.protocol not in _HOOKED:
            return []
        thread.early = None
        for position, kernel in enumerate(thread.pending):
            if _same(kernel, event):
                found = _alone(thread, position)
                thread.pending.popleft()
                thread.told += 1
                return found
        if not thread.pending:
            thread.early = event
        if (event.result or 0) in _BEFORE_THE_HOOK or not thread.pending:
            return []
        kernel = thread.pending[-1]
        is_same_kind = isinstance(kernel, Connect) or isinstance(event, Send)
        if not is_same_kind or (kernel.cookie and event.cookie and kernel.cookie != event.cookie):
            return []
        thread.pending.pop()
        found = _alone(thread, len(thread.pending))
        thread.told += 1
        return [*found, Difference(kernel, event)]


def _alone(thread: _Thread, count: int) -> list[Difference]:
    """Take the first `count` of the kernel's copies off: no call goes with them."""
    copies = [thread.pending.popleft() for _ in range(count)]
    if thread.told >= MESSAGES_TOLD:  # the rest of one sendmmsg
        return []
    return [Difference(kernel, None) for kernel in copies]


def _same(kernel: Named, call: Named) -> bool:
    if kernel.cookie and call.cookie and kernel.cookie != call.cookie:
        return False
    return kernel.port == call.port and _host(kernel.address) == _host(call.address)


def _host(address: str) -> str:
    """The address for comparison: "any" as a destination is the own machine (ip(7))."""
    text = canonical(address) or address
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return text
    if not parsed.is_unspecified:
        return text
    return "127.0.0.1" if parsed.version == 4 else "::1"
