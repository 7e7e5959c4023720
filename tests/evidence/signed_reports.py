"""Signed reports of audits in which the capture plays a part; all above it is real."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "plugin"))
from scripted_capture import ScriptedCapture

sys.path.pop(0)

from pytest_ato.audit import Auditor, Inputs, Options
from pytest_ato.detectors import registry
from pytest_ato.evidence.keys import PublicKey
from pytest_ato.evidence.seal import Sealer
from pytest_ato.evidence.signers import open_signer
from pytest_ato.settings.settings import RawValues, parse
from pytest_ato.target import resolve


@dataclass(frozen=True)
class Reports:
    """A report directory with two signed audits."""

    place: Path
    key: Path
    program: Path

    @property
    def one(self) -> Path:
        """Folder of the audit that the tests change."""
        return self.place / "vendor-shell"

    @property
    def other(self) -> Path:
        """Folder of another audit, in the same lasting log."""
        return self.place / "vendor-rawip"

    @property
    def log(self) -> Path:
        """The lasting log."""
        return self.place / "evidence.log"


def audit(place: Path, programs: Path, *names: str, authority: str = "") -> PublicKey:
    """Audit and sign programs of these names, timestamped by `authority`; returns the key."""
    signer = open_signer("file:")
    options = parse(RawValues({}, {}, place))
    inputs = Inputs.recorded(options.inputs(registry.definitions()).terms)
    sealer = Sealer(signer, place / "evidence.log", authority=authority)
    with Auditor(
        report_dir=place, runtime=ScriptedCapture(), sealer=sealer, inputs=inputs
    ) as auditor:
        for name in names:
            program = programs / name
            program.write_text(f"#!/bin/sh\n# {name}\nexit 0\n")
            program.chmod(0o755)
            assert not auditor.audit(resolve(str(program), ()), Options()).unsigned
    return signer.public
