"""Which controls of which standards a run gives evidence for, and what speaks against them.

Owns the rules by which `data/crosswalk.json` is applied to a report. It says what evidence
supports, never that a control is met: that is for whoever assesses the whole system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from pytest_ato.detectors.interface import Definition
from pytest_ato.model.findings import Finding
from pytest_ato.model.observed import Control
from pytest_ato.model.report import UNSIGNED, Report

Need = Literal[
    "whole", "digest", "signed", "policy", "baseline", "honeytokens", "network", "sandboxed"
]

_MISSING: Final[Mapping[Need, str]] = {
    "whole": "the capture was not whole",
    "digest": "the target's digest is not known",
    "signed": "this run is not signed",
    "policy": "the run had no policy",
    "baseline": "the run was compared with no baseline",
    "honeytokens": "nothing was planted",
    "network": "the target had no network",
    "sandboxed": "the sandbox did not start",
}


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One control as the file has it."""

    control: str
    title: str
    former: str
    supports: str = ""
    needs: tuple[Need, ...] = ()
    never: str = ""
    """Why no run ever gives evidence for it."""
    against: tuple[str, ...] = ()
    """Categories and rules whose findings speak against it."""


class Standard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One standard in one edition."""

    framework: str
    version: str
    former: str
    """Edition that `Row.former` is numbered by; empty: there is no other numbering."""
    unnumbered: str
    """What it means that a row has no former number."""
    source: str
    note: str
    controls: tuple[Row, ...]


class Attack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of the techniques that detectors watch for."""

    framework: str
    version: str
    source: str
    techniques: dict[str, str]


class Crosswalk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    retrieved: str
    note: str
    frameworks: tuple[Standard, ...]
    attack: Attack


@cache
def crosswalk() -> Crosswalk:
    """Read the file, once."""
    data = (files("pytest_ato.reports") / "data" / "crosswalk.json").read_bytes()
    return msgspec.json.decode(data, type=Crosswalk)


def controls(report: Report, watching: Iterable[Definition]) -> tuple[Control, ...]:
    """Apply the file to `report`; `watching` are the detectors that ran."""
    data = crosswalk()
    given = _given(report)
    found = [
        _control(report, standard, row, given)
        for standard in data.frameworks
        for row in standard.controls
    ]
    return (*found, *_techniques(report, data.attack, watching))


def _given(report: Report) -> Mapping[Need, bool]:
    signer = report.provenance.signer
    return {
        "whole": report.conclusive,
        "digest": bool(report.target.sha256),
        "signed": bool(signer) and not signer.startswith(UNSIGNED),
        "policy": report.policy is not None,
        "baseline": report.baseline is not None,
        "honeytokens": bool(report.honeytokens),
        "network": report.provenance.network not in ("", "none"),
        "sandboxed": bool(report.provenance.kernel),
    }


def _control(report: Report, standard: Standard, row: Row, given: Mapping[Need, bool]) -> Control:
    missing = next((need for need in row.needs if not given[need]), None)
    why_not = row.never or ("" if missing is None else _MISSING[missing])
    return Control(
        framework=standard.framework,
        version=standard.version,
        control=row.control,
        title=row.title,
        former=row.former,
        supports="" if why_not else row.supports,
        why_not=why_not,
        against=_ids(f for f in report.findings if {f.category, f.rule} & set(row.against)),
    )


def _techniques(
    report: Report, attack: Attack, watching: Iterable[Definition]
) -> Iterable[Control]:
    watchers: dict[str, list[str]] = {}
    for definition in watching:
        watchers.setdefault(definition.technique, []).append(definition.name)
    for technique, names in sorted(watchers.items()):
        if not technique:
            continue
        yield Control(
            framework=attack.framework,
            version=attack.version,
            control=technique,
            title=attack.techniques.get(technique, ""),
            former="",
            supports=f"watched for by {', '.join(sorted(names))}" if report.conclusive else "",
            why_not="" if report.conclusive else _MISSING["whole"],
            against=_ids(f for f in report.findings if f.technique == technique),
        )


def _ids(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(finding.id for finding in findings)
