"""The grammar of option values: text in, typed value out, or a `UsageError` that states it.

Pure functions; no file is opened here. Paths stay as written, who reads them decides what they are
relative to.
"""

from __future__ import annotations

import ipaddress
import math
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ato.model.errors import UsageError

if TYPE_CHECKING:
    from pytest_ato.model.spec import Limits

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d{1,15})([KMGT]?)", re.ASCII)
_LIMITS = ("memory", "tasks", "disk", "output")
_UNLIMITABLE = frozenset({"memory", "tasks"})
_LONGEST_TIMEOUT = 7 * 24 * 3600.0
_ONE_ARGUMENT = 128 * 1024
"""MAX_ARG_STRLEN of Linux: one argument or variable with its NUL byte (execve(2))."""
_ALL_ARGUMENTS = 2 * 1024 * 1024
"""A quarter of the usual 8 MiB stack: all arguments and variables together (execve(2))."""


@dataclass(frozen=True)
class Include:
    """A companion of the target: a path of the host, and where the target sees it if elsewhere."""

    source: str
    destination: str | None = None


def text(value: str) -> str:
    """Take any text."""
    return value


def path(value: str) -> str:
    """Take a path: not empty, no NUL byte."""
    if not value or "\0" in value:
        raise UsageError("expected PATH, got an empty one" if not value else "a NUL byte in a path")
    return value


def resolver(value: str) -> tuple[str, int]:
    """Take the address of a DNS server, with a port after a colon (IPv6 then in brackets)."""
    host, port = value, "53"
    if found := re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?|([^:]+):(\d{1,5})", value):
        host, port = found[1] or found[3], found[2] or found[4] or "53"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not 0 < int(port) < 1 << 16:
        raise UsageError(f"expected ADDRESS[:PORT] of a DNS server, such as 9.9.9.9, got {value!r}")
    return str(address), int(port)


def arguments(value: str) -> tuple[str, ...]:
    """Split a command line as a shell would: quotes and backslashes count, nothing expands."""
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise UsageError(
            f"expected arguments quoted as for a shell, such as '-v \"two words\"': {error}"
        ) from None


def variable(value: str) -> tuple[str, str]:
    """Parse NAME=VALUE."""
    name, equals, content = value.partition("=")
    if not equals or not name or "\0" in value:
        raise UsageError(f"expected NAME=VALUE, got {value!r}")
    if not value.isascii() and any("\udc80" <= char <= "\udcff" for char in value):
        raise UsageError(f"variable {name!r} is not valid UTF-8")
    return name, content


def include(value: str) -> Include:
    """Parse PATH[:DEST]; DEST is absolute, so a colon counts only before a slash."""
    source, colon, destination = value.rpartition(":/")
    if not colon:
        return Include(path(value))
    if not source:
        raise UsageError(f"expected PATH[:DEST] with an absolute DEST, got {value!r}")
    return Include(path(source), path("/" + destination))


def timeout(value: str) -> float:
    """Parse a duration in seconds, above 0 and up to a week."""
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_TIMEOUT:  # also false for NaN
        raise UsageError(
            f"expected SECONDS, a number above 0 and up to {_LONGEST_TIMEOUT:.0f}, got {value!r}"
        )
    return seconds


def exit_status(value: str) -> int:
    """Parse an exit status, 0 to 255."""
    if not re.fullmatch(r"\d{1,3}", value, re.ASCII) or int(value) > 255:
        raise UsageError(f"expected an exit status from 0 to 255, got {value!r}")
    return int(value)


def limit(value: str) -> tuple[str, int | None]:
    """Parse NAME=VALUE: sizes in bytes with K, M, G or T (powers of 1024); None for ``none``."""
    name, _, amount = value.partition("=")
    match = _SIZE.fullmatch(amount)
    if name in _UNLIMITABLE and amount == "none":
        return name, None
    if name in _LIMITS and match and int(match[1]) > 0 and not (name == "tasks" and match[2]):
        return name, int(match[1]) * _UNITS[match[2]]
    raise UsageError(
        f"expected NAME=VALUE, such as memory=4G, tasks=512, disk=1G or output=1M "
        f"(memory and tasks may be none), got {value!r}"
    )


def limits(values: Iterable[str]) -> Limits:
    """Parse several limits over the defaults; of one name the last counts."""
    from pytest_ato.model.spec import Limits

    given = dict(limit(value) for value in values)
    default = Limits()
    return Limits(
        memory=given.get("memory", default.memory),
        tasks=given.get("tasks", default.tasks),
        disk=given.get("disk") or default.disk,
        output=given.get("output") or default.output,
    )


def choice(*allowed: str) -> Callable[[str], str]:
    """Make the parser of a word out of `allowed`."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise UsageError(f"expected {' or '.join(allowed)}, got {value!r}")
        return value

    return parse


def executable_arguments(args: Iterable[bytes], env: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse arguments and variables that no execve(2) of Linux would take."""
    total = 0
    for word in (*args, *(name + b"=" + value for name, value in env)):
        if b"\0" in word:
            raise UsageError("an argument or variable of the target has a NUL byte in it")
        if len(word) >= _ONE_ARGUMENT:
            raise UsageError(
                f"one argument or variable of the target has {len(word):,} bytes, the kernel takes "
                f"at most {_ONE_ARGUMENT - 1:,}; give long input through a file"
            )
        total += len(word) + 1
    if total > _ALL_ARGUMENTS:
        raise UsageError(
            f"the target's arguments and variables have {total:,} bytes together, the kernel takes "
            f"about {_ALL_ARGUMENTS:,}; give long input through a file"
        )


def signer(value: str) -> str:
    """Check the URI of a key, or ``none``; no key is touched."""
    from pytest_ato.evidence import signers

    if value != signers.NONE:
        signers.open_signer(value)
    return value


def batch(value: str) -> int:
    """Parse a number of records, 0 to a million."""
    if not re.fullmatch(r"\d{1,7}", value, re.ASCII) or int(value) > 1_000_000:
        raise UsageError(f"expected a number of records from 0 to 1000000, got {value!r}")
    return int(value)


def authority(value: str) -> str:
    """Check the URL of a timestamp authority."""
    from pytest_ato.evidence.timestamp import check_url

    check_url(value)
    return value
