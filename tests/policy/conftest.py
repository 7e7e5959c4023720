"""Facts of an audit that was whole and ended well, and of variations of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pytest_ato.analysis import Analysis, Facts
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Finding, Severity
from pytest_ato.model.spec import AuditSpec, Placed, Target

_SPEC = AuditSpec(
    run_id="r",
    target=Target(
        name="app",
        path="/srv/app",
        sha256="00" * 32,
        size=1,
        format="elf",
        placed=(Placed("/srv/app", "/opt/app"),),
    ),
)
_START = ev.Start(
    ts=2,
    kernel="6.18",
    loader="core",
    attach_ms=1.0,
    probes={"open": "live", "exec": "live"},
    required=("open", "exec"),
    init=99,
    uid=64000,
    home="/home/user",
    program="/opt/app",
)
_END = ev.End(
    ts=9,
    ended="exit",
    run_ms=3.0,
    counters={
        "critical": ev.Counters(produced=2, consumed=2),
        "bulk": ev.Counters(produced=5, consumed=3, coalesced=2),
    },
)


@pytest.fixture
def facts() -> Callable[..., Facts]:
    """Makes facts; `spec`, `start` and `end` replace fields, None leaves the record out."""

    def make(
        *,
        spec: dict[str, object] | None = {},  # noqa: B006  (only read)
        start: dict[str, object] | None = {},  # noqa: B006
        end: dict[str, object] | None = {},  # noqa: B006
        executed: bool = True,
        lost: tuple[ev.Lost, ...] = (),
    ) -> Facts:
        analysis = Analysis()
        if spec is not None:
            audited = replace(_SPEC, **spec)
            analysis.feed(
                ev.Audit(ts=1, spec=audited, started="2025-01-01T00:00:00Z", digest_key=b"k")
            )
        if start is not None:
            analysis.feed(replace(_START, **start))
        if executed:
            analysis.feed(ev.Exec(ts=3, pid=100, path="/opt/app", file="/opt/app", argv=("app",)))
        for loss in lost:
            analysis.feed(loss)
        if end is not None:
            analysis.feed(replace(_END, **end))
        return analysis.facts()

    return make


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Makes a finding of a severity."""

    def make(severity: Severity, name: str = "beaconing", **more: object) -> Finding:
        fields: dict[str, object] = {
            "ts": 5,
            "detector": name,
            "rule": "ATO-C2C-001",
            "category": Category.C2,
            "title": f"{name} was seen",
            "key": f"{name}:x",
            **more,
        }
        return Finding(severity=severity, **fields)  # type: ignore[arg-type]

    return make
