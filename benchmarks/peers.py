"""Other tracers that tell of each open what capture tells, or come as near as they can.

Owns how they are started and what they say of it. Each takes a target and returns what that printed
and how many records were lost; None: the tracer does not say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from programs import HERE, WITH_TRACEFS, Place, run

BPFTRACE_OPENS = """
tracepoint:syscalls:sys_enter_openat /pid == cpid/ {
    @path[tid] = args->filename; @flags[tid] = args->flags;
}
tracepoint:syscalls:sys_exit_openat /@path[tid]/ {
    printf("%d %s %d %d\\n", pid, str(@path[tid]), @flags[tid], args->ret);
    delete(@path[tid]); delete(@flags[tid]);
}
"""
"""Path, flags and result of each open."""
_LOST = re.compile(r"^Lost (\d+) .*\n?", re.MULTILINE)


class Traced(NamedTuple):
    """A target that ran to its end under a tracer."""

    output: str
    lost: int | None = None


Peer: TypeAlias = Callable[..., Traced]


def strace(place: Place, name: str, *args: object) -> Traced:
    """With its seccomp filter, so that it stops the target at opens only."""
    options = ("-f", "--seccomp-bpf", "-e", "trace=open,openat", "-o", "/dev/null")
    return Traced(run(("strace", *options, *_target(place, name, args)), place))


def bpftrace(place: Place, name: str, *args: object) -> Traced:
    """With full buffering; on entry to the call and on exit from it, the path read once."""
    target = " ".join(_target(place, name, args))
    options = ("-B", "full", "-o", "/dev/null", "-c", target)
    return without_losses(run((*WITH_TRACEFS, "bpftrace", "-e", BPFTRACE_OPENS, *options), place))


def bcc(place: Place, name: str, *args: object) -> Traced:
    """A program through BCC's own ring reader, as its documentation shows it."""
    script = (sys.executable, str(HERE / "bcc_opens.py"))
    return without_losses(run((*WITH_TRACEFS, *script, *_target(place, name, args)), place))


def perf_record(place: Place, name: str, *args: object) -> Traced:
    """Into a file that nothing decodes; it has the address of a path, not the path."""
    events = ("-e", "syscalls:sys_enter_openat", "-e", "syscalls:sys_exit_openat")
    options = ("-q", "-m", "16M", *events, "-o", str(place.path / "perf.data"))
    target = _target(place, name, args)
    return Traced(run((*WITH_TRACEFS, "perf", "record", *options, "--", *target), place))


def perf_trace(place: Place, name: str, *args: object) -> Traced:
    """Prints each call with its result and the address of the path."""
    options = ("-e", "openat", "-o", "/dev/null")
    target = _target(place, name, args)
    return Traced(run((*WITH_TRACEFS, "perf", "trace", *options, "--", *target), place))


def working(
    peers: Mapping[str, Peer], place: Place, *trial: object
) -> tuple[dict[str, Peer], list[str]]:
    """Try each with the words of `trial`; return those that work here, and a sentence for each
    other."""
    works: dict[str, Peer] = {}
    notes = []
    for name, peer in peers.items():
        try:
            float(peer(place, *trial).output)
        except (OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[-200:]
            notes.append(f"{name} is left out, since it does not work here: {reason}")
        else:
            works[name] = peer
    return works, notes


def without_losses(output: str) -> Traced:
    """What bpftrace or BCC printed, and how many records it says that it lost."""
    lost = sum(map(int, _LOST.findall(output)))
    return Traced(_LOST.sub("", output).strip(), lost)


def _target(place: Place, name: str, args: tuple[object, ...]) -> tuple[str, ...]:
    return (place.target(name), *map(str, args))
