"""The shape of `report.json`: a contract that tools outside depend on; fields are only added."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from pytest_ato.model.events import Counters
from pytest_ato.model.findings import Finding
from pytest_ato.model.observed import (
    Control,
    Moment,
    ReportDestination,
    ReportHoneytoken,
    ReportProcess,
    ReportRule,
)
from pytest_ato.model.policy import Waiver
from pytest_ato.model.spec import PackagedFile
from pytest_ato.model.verdict import Verdict

UNSIGNED: Final = "NOT SIGNED"
"""Begins `Provenance.signer` where a signature was wanted and is not there."""


class WaiverUse(msgspec.Struct, frozen=True, kw_only=True):
    """One waiver of the policy, and what became of it in this audit."""

    waiver: Waiver
    state: Literal["used", "unused", "expired"]
    """expired: before the day on which the audit began; it accepted nothing."""
    findings: tuple[str, ...] = ()
    """Keys of the findings that it is about."""


class ReportPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that this audit was judged under."""

    name: str
    """Of the file."""
    sha256: str
    declared: dict[str, tuple[str, ...]]
    """By kind (domains, cidrs, ports, files, children): what the vendor declared. A kind that is
    absent was not stated, so nothing is said about it; an empty one was declared as none."""
    service: bool = False
    waivers: tuple[WaiverUse, ...] = ()


class ReportBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline that this audit was compared with, and what differs; ``kind:value`` each."""

    name: str
    """Of the file."""
    sha256: str
    new: tuple[str, ...]
    gone: tuple[str, ...]


class ReportImage(msgspec.Struct, frozen=True, kw_only=True):
    """Of a container image: what it is, who runs in it, and what is started."""

    name: str
    digest: str
    user: str
    entry_point: tuple[str, ...]


class ReportTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What was audited; `argv` is masked and printable. Empty where the log does not say it."""

    name: str
    path: str
    sha256: str
    size: int
    argv: tuple[str, ...]
    package: str = ""
    """``directory``, ``tar``, ``zip``, ``deb``, ``rpm``, ``wheel``, ``sdist``, ``npm`` or
    ``image``; empty for one file."""
    phase: str = ""
    """What of the package was run: ``install``, ``import``, a maintainer script; empty: its
    program."""
    files: tuple[PackagedFile, ...] = ()
    files_total: int = 0
    left_out: tuple[str, ...] = ()
    """What is not as it was packed, in words."""
    image: ReportImage | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How the run ended, as data and as a sentence."""

    how: str
    status: int
    run_ms: float
    sentence: str


class ReportFinding(Finding, frozen=True, kw_only=True, omit_defaults=False, tag=False):
    """A finding as reports show it: masked, printable, and with every field written out."""

    remedy: str = ""
    """What to do about it."""


class TlsConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One TLS connection in the ledger; sizes in bytes."""

    destination: str
    name: str
    """What the client asked for by SNI; empty when it did not."""
    address: str
    port: int
    process: str
    pid: int
    handshake: str
    """intercepted, refused or failed, as the proxy told; ``not seen``: none was on the way."""
    via: tuple[str, ...]
    """Which sources saw plaintext: openssl, gnutls, nss, go, proxy."""
    wire_out: int
    wire_in: int
    """On the wire, handshake and framing included."""
    seen_by: dict[str, int]
    """Bytes of plaintext of both directions that each source saw."""
    seen_out: int
    seen_in: int
    """Of plaintext, one copy of what several sources saw."""
    opaque_out: int
    opaque_in: int
    """Of plaintext that nobody saw, as far as counts and the wire's records tell."""
    opaque_share: float
    """0 to 1, of the plaintext of both directions."""


class TlsCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of TLS: sums over all connections, and the first hundred of them."""

    connections: int
    wire: int
    carried: int
    """Bytes of plaintext, seen and opaque together."""
    seen: int
    opaque: int
    opaque_share: float
    by: dict[str, int]
    """Connections that a source saw into."""
    entries: tuple[TlsConnection, ...]
    """Those with most opaque bytes first."""


class TlsLibrary(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose TLS functions were watched, or should have been."""

    path: str
    library: str
    """openssl, gnutls, nss or go; empty: not known."""
    functions: dict[str, str]
    """Name to how its entry is watched: emulated, stepped (slower), refused (not at all)."""
    late: bool
    """It was found when it was mapped: no probe saw what it did before."""
    problem: str
    """Why it could not be watched, or not all of it; a sentence."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, in clear or inside TLS: masked; header values and bodies are left out."""

    ts: int
    method: str
    url: str
    host: str
    destination: str
    process: str
    channel: str
    """tcp or tls."""
    version: str
    headers: tuple[str, ...]
    """Their names."""
    body_bytes: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What the capture could and could not see."""

    lost_events: int
    unread: int
    truncated: int
    coalesced: int
    counters: dict[str, Counters]
    probes: dict[str, str]
    tls: TlsCoverage | str = "not captured"
    """Text where nothing of TLS was captured."""
    libraries: tuple[TlsLibrary, ...] = ()
    """Files that were watched for TLS, those first of which something was not seen; at most 100."""
    flows: str = "not captured"
    not_run: dict[str, str] = msgspec.field(default_factory=dict)
    """Detector to why it did not run."""
    unavailable: dict[str, str] = msgspec.field(default_factory=dict)
    """Category to why none of its detectors ran: its emptiness proves nothing."""
    notes: tuple[str, ...] = ()
    """Sentences: what was lost or not seen, for a person."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the target did, counted.

    Lists are sorted and hold the first hundred of their kind; the counts beside them are exact up
    to 100,000 (beyond, `Coverage.notes` says so).
    """

    events: int
    processes: int
    programs: tuple[str, ...]
    programs_total: int
    files_read: int
    files_written: int
    written: tuple[str, ...]
    names: tuple[str, ...]
    """DNS names that were asked for."""
    names_total: int
    addresses: tuple[str, ...]
    """``name:port`` or ``address:port``, as the program named them; ``address protocol`` where
    there are no ports. The sandbox's own resolver and loopback are left out."""
    addresses_total: int
    bytes_out: int
    bytes_in: int
    output_bytes: dict[str, int]
    survivors: tuple[str, ...]
    limits_hit: tuple[str, ...]


class ReportInput(msgspec.Struct, frozen=True, kw_only=True):
    """One input of the audit, by its digest."""

    kind: str
    """target, files (all that was shown to the target, itself included), stdin, policy, baseline,
    list (of bad places), rules (of detectors), table (of networks)."""
    name: str
    sha256: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """By what this report was made."""

    tool_version: str
    loader: str
    runtime: str
    network: str
    kernel: str
    manifest_sha256: str
    """Over `inputs`: lines of ``sha256  kind name``, in their order; empty: there are none."""
    started: str
    detectors: tuple[str, ...]
    """``ATO-EXF-001 honeytoken_exfil``, sorted."""
    inputs: tuple[ReportInput, ...] = ()
    lists: tuple[str, ...] = ()
    """Lists of known bad names and networks: name, date, size, digest."""
    finished: str = ""
    """Wall clock at the end of the capture, as `started`; empty: it has none."""
    privilege: str = ""
    """By what right capture saw the machine; empty: not told."""
    captured_by: str = ""
    """Version of this tool that captured, where `tool_version` analysed."""
    signer: str = ""
    """Name of the key that signs this audit, and where it lies; or `UNSIGNED`, and why. Empty: none
    was wanted."""
    tracer: str = ""
    """What was loaded into the kernel, by digest; empty: not told."""
    policy_sha256: str = ""
    """Of the policy file; empty: there was none."""
    baseline_sha256: str = ""
    """Of the baseline file; empty: there was none."""


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds; `analysis_ms` is from the last event to the start of rendering."""

    attach_ms: float
    run_ms: float
    analysis_ms: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One audit as everything but the raw log tells it: masked, ordered, reproducible."""

    verdict: Verdict
    conclusive: bool
    reason: str
    """One sentence why the verdict is what it is."""
    inconclusive: tuple[str, ...]
    """Why the capture was not whole; empty when it was."""
    conditions: tuple[str, ...]
    """What an approval depends on, one sentence each."""
    ended: Ended
    run_id: str
    target: ReportTarget
    findings: tuple[ReportFinding, ...]
    """Those that count, worst first."""
    waived: tuple[ReportFinding, ...]
    """Those that were accepted; `waived_by` says why."""
    notes: tuple[ReportFinding, ...]
    """Those of severity info: told, without weight."""
    summary: Summary
    coverage: Coverage
    provenance: Provenance
    timing: Timings
    processes: tuple[ReportProcess, ...] = ()
    """The tree of programs, the first 500, in the order of the log."""
    destinations: tuple[ReportDestination, ...] = ()
    """Whom it talked to, the first 500 in order of time."""
    honeytokens: tuple[ReportHoneytoken, ...] = ()
    timeline: tuple[Moment, ...] = ()
    """At most 200 entries, in order of time; findings go first where there are more."""
    rules: tuple[ReportRule, ...] = ()
    """The detectors, by id: those that watched, and those that had no work here."""
    controls: tuple[Control, ...] = ()
    """Which controls of which standards this run gives evidence for, and what speaks against."""
    policy: ReportPolicy | None = None
    """None: no policy was given."""
    baseline: ReportBaseline | None = None
    """None: it was compared with none."""
    requests: tuple[Request, ...] = ()
    """The first hundred HTTP requests, in order."""
    requests_total: int = 0
