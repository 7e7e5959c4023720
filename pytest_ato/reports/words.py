"""Values of a report in the words that people use, for every form of it.

Owns no escape: what comes out is as hostile as what went in.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from pytest_ato.model.observed import ReportDestination

_RINGS: Final = {
    "critical": "processes, network, what decides",
    "bulk": "opens of files",
    "plain": "what was said inside TLS",
}
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def size(number: int) -> str:
    """Write bytes: ``217 B``, ``2.4 KiB``, ``5 MiB``."""
    if number < 1024:
        return f"{number} B"
    power = min((number.bit_length() - 1) // 10, len(_UNITS))
    # What a log says may be larger than any float.
    whole, tenths = divmod(round(Fraction(10 * number, 1024**power)), 10)
    return f"{whole}{f'.{tenths}' if tenths else ''} {_UNITS[power - 1]}"


def counted(number: int, noun: str) -> str:
    """Write how many there are of something: ``1 file``, ``2,000 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def ring(name: str) -> str:
    """Write what the events of a class are about; a class that is not known by its name."""
    return _RINGS.get(name, name)


def moment(ms: float) -> str:
    """Write a time of the timeline: ``3.1 ms``, ``5.05 s``."""
    return f"{ms:.1f} ms" if ms < 1_000 else f"{ms / 1_000:.2f} s"


def endpoint(destination: ReportDestination) -> str:
    """Write whom it is, as a program names it: ``name:port``, ``[address]:port``, ``address``."""
    host = destination.name or destination.address
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{destination.port}" if destination.port else host


def whereabouts(destination: ReportDestination) -> str:
    """Write what registries say of it, or why that is not known."""
    parts = [destination.country]
    parts += [f"AS{destination.asn} {destination.as_name}"] if destination.asn else []
    known = ", ".join(part for part in (*parts, destination.ptr) if part)
    basis = f"({destination.basis})" if known and destination.basis else ""
    why = f"unknown: {destination.unknown}" if destination.unknown else ""
    return " ".join(part for part in (known, basis, why) if part)
