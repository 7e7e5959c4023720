"""`report.json`: the report as `model.report` declares it, for programs."""

from __future__ import annotations

from typing import Final

import msgspec

from pytest_ato.model.report import Report

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class JsonRenderer:
    """Indented UTF-8 JSON: fields in the order of their declaration, mappings sorted by key."""

    name = "json"
    file_name = "report.json"

    def render(self, report: Report) -> bytes:
        """Return the whole file."""
        return msgspec.json.format(_ENCODER.encode(report), indent=2) + b"\n"
