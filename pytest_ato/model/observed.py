"""What a report tells one by one: processes, destinations, planted values, moments, detectors.

Owns shapes only. Every string is masked and printable; times are milliseconds since the target
started. Ids (`P1`, ...) are unique in their report and come in the order of the log.
"""

from __future__ import annotations

import msgspec

from pytest_ato.model.findings import Category, Severity


class ReportProcess(msgspec.Struct, frozen=True, kw_only=True):
    """One program that one process ran: a process that runs a second program is a second one."""

    id: str
    parent: str
    """Id of what forked it, or ran before in the same process; empty for the first."""
    how: str
    """``fork`` (a process of its own) or ``exec`` (in place of its parent)."""
    path: str
    """As the kernel was given it; of a fork that ran no program, its parent's."""
    argv: tuple[str, ...]
    start_ms: float
    end_ms: float | None
    """None: it was still there when the log ends."""
    exit_status: int | None
    signal: int
    """What killed it; 0: nothing did."""


class ReportDestination(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody that the target talked to, or tried to."""

    name: str
    """The DNS name that the address was the answer to; empty: none was asked for."""
    address: str
    port: int
    """0: the protocol has none."""
    protocol: str
    process: str
    """Id of the first process that named it; empty: not known."""
    program: str
    """That process's path."""
    connections: int
    """TCP connections (tried ones as well); packets of what has none."""
    bytes_out: int
    bytes_in: int
    first_ms: float
    last_ms: float
    ptr: str = ""
    asn: int = 0
    as_name: str = ""
    country: str = ""
    """ISO 3166 alpha-2, as the registry has it; empty: unknown, which is never a pass."""
    basis: str = ""
    """Where these four come from."""
    unknown: str = ""
    """Why they, or some of them, are not known."""


class ReportHoneytoken(msgspec.Struct, frozen=True, kw_only=True):
    """One planted file or variable, and what became of it."""

    name: str
    family: str
    path: str
    """Below the home directory; empty for a variable."""
    variable: str
    """Which every process finds in its environment; empty for a file."""
    read_by: tuple[str, ...] = ()
    """Lineages in short, such as ``sh → cat``; reads of a variable leave no trace."""
    sent_to: tuple[str, ...] = ()
    """Destinations, and ``stdout`` or ``stderr``, at which its value was seen."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the timeline: the first time of something."""

    ms: float
    kind: str
    """start, program, file, name, connection, finding, lost, end."""
    text: str
    process: str = ""
    """Id of who did it; empty: not known, or nobody."""
    finding: str = ""
    """Id of the finding, of kind ``finding``."""
    severity: str = ""
    """Of that finding."""


class ReportRule(msgspec.Struct, frozen=True, kw_only=True):
    """One detector, whether or not it found anything."""

    id: str
    """Such as ``ATO-EXF-001``."""
    name: str
    category: Category
    severity: Severity
    """The usual one of its findings."""
    title: str
    technique: str
    version: str
    """Of the package that brought it; empty: not stated."""
    remedy: str
    """What to do about its findings."""
    not_run: str = ""
    """Why it did not watch this audit; empty: it did."""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One control of a standard, and what this run says about it."""

    framework: str
    version: str
    """Edition that `control` is numbered by."""
    control: str
    title: str
    former: str
    """Its number in the edition before, or in the older numbering; empty: the same, or none."""
    supports: str
    """What evidence this run gives that supports the control; empty: none, `why_not` says why."""
    why_not: str
    against: tuple[str, ...]
    """Ids of the findings that speak against it."""
