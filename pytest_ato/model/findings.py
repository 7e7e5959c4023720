"""What detectors report, and the scales they report on."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Event, Measured


class Category(StrEnum):
    """What a finding is about; the value is the name in reports and on `Findings`."""

    EXFIL = "exfil"
    CREDENTIAL_ACCESS = "credential_access"
    C2 = "c2"
    DNS = "dns"
    PII = "pii"
    EXECUTION = "execution"
    PERSISTENCE = "persistence"
    PRIVILEGE = "privilege"
    EVASION = "evasion"
    INTEGRITY = "integrity"
    DRIFT = "drift"
    POLICY = "policy"


class Severity(StrEnum):
    """How bad, if true. `info` is told but has no weight in the verdict."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (info) to 4 (critical)."""
        return _RANK[self]


_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """One link of a lineage, from the target's root to the actor."""

    pid: int
    path: Octets
    argv: tuple[Octets, ...] = ()


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One observation that a finding rests on."""

    ts: Measured
    text: Octets
    """One sentence or fragment; may hold hostile bytes and marker values: renderers mask."""
    pid: int = 0


class Finding(Event, tag="finding", frozen=True, kw_only=True):
    """What a detector reports. `ts` is the time of its first evidence.

    `key` is the same for the same behaviour in every run of the same target: no pid, port of the
    client, temporary name, sinkhole address or marker value goes into it.
    """

    detector: str
    """Name of the detector, such as ``honeytoken_exfil``."""
    rule: str
    """Its id, such as ``ATO-EXF-001``."""
    category: Category
    severity: Severity
    title: str
    """One line: what, by whom, where to. Safe to print; masked."""
    key: str
    count: Measured = 1
    where: Octets = ""
    """The path or destination that the finding is about."""
    lineage: tuple[Process, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    technique: str = ""
    """MITRE ATT&CK technique id."""
    id: str = ""
    """Unique in its report; set by the pipeline."""
    waived_by: str = ""
    """Why it does not count (the accepting marker, option or waiver); empty for a live one."""
