"""An audit that has ended, counted where the user wants it."""

from __future__ import annotations

import time

from pytest_ato.metrics import sinks
from pytest_ato.metrics.audits import Audits
from pytest_ato.model.report import Report


def audit(place: str, report: Report) -> None:
    """Add one audit to a file or gateway; raises `AtoError`."""
    counted = Audits()
    counted.add(report, time.time())
    sinks.add(place, counted)
