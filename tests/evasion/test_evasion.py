"""Every known way round tracers, under a real audit: it is seen, and never ends in APPROVE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from observe import audit, build, observe
from suite import Way, ways

from pytest_ato.audit import Auditor
from pytest_ato.model.verdict import Verdict

pytestmark = pytest.mark.privileged


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auditor]:
    build()
    with Auditor(report_dir=tmp_path_factory.mktemp("evasion")) as auditor:
        yield auditor


@pytest.mark.parametrize("way", ways(), ids=lambda way: way.name)
def test_way(auditor: Auditor, way: Way, lack: Callable[[str, str], NoReturn]) -> None:
    outcome = audit(auditor, way)
    observation = observe(way, outcome)
    if observation.refused:
        lack("privileged", f"this kernel refuses it: {observation.blocked}")
    assert observation.result == way.expected, outcome.stderr
    assert observation.verdict is not Verdict.APPROVE
