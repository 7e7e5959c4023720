"""The audit's own records: what was ordered, how capture stood, how it ended."""

from __future__ import annotations

from typing import Literal

import msgspec

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event, Measured
from pytest_ato.model.spec import AuditSpec

FORMAT = 1
"""Version of the event log; a reader refuses a newer one."""
MOST_TOKENS = 256
"""Honeytokens that a reader takes; an audit plants some twenty."""


class Audit(Event, tag="audit", frozen=True, kw_only=True):
    """First record: everything about the run that cannot be derived from later ones."""

    spec: AuditSpec
    started: str
    """Wall clock at the start, ISO 8601 in UTC; waivers are judged at this time."""
    digest_key: bytes
    """Random bytes under which masked values are digested; only the raw log has them."""
    format: int = FORMAT
    tool_version: str = ""
    unmask: bool = False
    """The user wants secrets in clear: reports of this log show them, the evidence log does not."""


class Honeytoken(Event, tag="honeytoken", frozen=True, kw_only=True):
    """One carrier (a planted file or variable) and the values minted for this audit."""

    name: str
    """Stable name of the carrier, such as ``aws_credentials``; the same in every audit."""
    family: str
    """What credential it is: aws, ssh, postgres, netrc, docker, kube, browser, pii, github, ..."""
    markers: dict[str, str]
    """Marker name to minted value; names are stable over audits."""
    path: str = ""
    """Path relative to the home directory, or empty."""
    variable: str = ""
    """Environment variable, or empty."""


class Signing(Event, tag="signing", frozen=True, kw_only=True):
    """Who signs this audit, or why nobody does; of several the last counts."""

    signer: str = ""
    """Where the key lies, as `Signer.description` says it; empty: not signed."""
    key: str = ""
    """Name of the public key, ``SHA256:...``."""
    problem: str = ""
    """Why it is not signed, where it should have been."""


class Unavailable(Event, tag="unavailable", frozen=True, kw_only=True):
    """Capture's answer when this machine cannot audit at all; never part of an event log."""

    reason: str
    """One line that says what to do."""


class Start(Event, tag="start", frozen=True, kw_only=True):
    """The sandbox stands and capture is live; the target starts now."""

    kernel: str
    loader: str
    attach_ms: float
    probes: dict[str, Literal["live", "silent", "missing", "not captured"]]
    """State of each probe by name."""
    required: tuple[str, ...] = ()
    """Names of the probes without which no verdict can rest on the capture."""
    unseen: tuple[str, ...] = ()
    """What this loader cannot see at all, in words that follow "does not see"."""
    tls_proxy: bool = True
    """False: there is none in this audit's network, so that only probes see inside TLS."""
    init: int
    """Host pid of the sandbox's pid 1, whose first child is the target."""
    uid: int
    home: str
    program: str
    """Path of the target inside the sandbox."""
    resolvers: tuple[str, ...] = ()
    """Addresses at which the sandbox's own DNS resolver answers."""
    addresses: tuple[str, ...] = ()
    """The sandbox's own addresses, loopback left out."""
    tracer: str = ""
    """What was loaded into the kernel: the file's name and its SHA-256."""


class Planted(Event, tag="planted", frozen=True, kw_only=True):
    """A honeytoken file as it lies in the sandbox; `path` is one of its names there."""

    path: str
    dev: int
    inode: int


class Lost(Event, tag="lost", frozen=True, kw_only=True):
    """Something was not captured; `reason` is a sentence for the report."""

    source: str
    reason: str
    count: Measured = 1


class Timing(Event, tag="timing", frozen=True, kw_only=True):
    """Durations of the analysis in milliseconds: measured once, replayed as they were."""

    analysis_ms: float


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel side's counts; produced = consumed + lost + coalesced, for each class."""

    produced: Measured = 0
    consumed: Measured = 0
    lost: Measured = 0
    unread: Measured = 0
    truncated: Measured = 0
    coalesced: Measured = 0


class End(Event, tag="end", frozen=True, kw_only=True):
    """Last record of capture; without one the audit is INCONCLUSIVE."""

    ended: Literal["exit", "signal", "timeout", "limit", "not_started", "interrupted"]
    """How the target ended; `limit`: a limit of ours (memory) ended it; `not_started`: the
    sandbox or exec failed."""
    status: int = 0
    """Exit status, or signal number for `signal`."""
    reason: str = ""
    """A sentence for `not_started`, `limit` and `interrupted`."""
    run_ms: float = 0.0
    held_ms: float = 0.0
    """For how long, of these, the target was frozen until its events had been read."""
    survivors: tuple[Octets, ...] = ()
    """Command names of the processes that were alive when time was up."""
    counters: dict[str, Counters] = msgspec.field(default_factory=dict)
    """By class: critical, bulk."""
    output_bytes: dict[str, Measured] = msgspec.field(default_factory=dict)
    """All bytes that the target wrote, by stream name; `Output` events hold the first of them."""
    limits_hit: tuple[str, ...] = ()
    """Names of limits that the target ran into: tasks, memory, disk."""
    silent: dict[str, str] = msgspec.field(default_factory=dict)
    """Probes that did not see the sandbox's own test calls: name to when (``before the target``,
    ``after the target``)."""
