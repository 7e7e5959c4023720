"""The manifest is about every detector, and about programs and results that are there."""

from __future__ import annotations

import json
import re

import pytest
from sample_runs import HERE, NEAR, RESULTS, SAMPLES, runs

from pytest_ato.detectors import registry

DEFINITIONS = {detector.definition.name for detector in registry.builtin()}
RUNS = {run.name: run for run in runs()}


def test_each_run_is_there_once() -> None:
    assert len(RUNS) == len(runs())


@pytest.mark.parametrize("detector", sorted(DEFINITIONS))
def test_each_detector_has_a_program_that_it_finds_and_one_that_comes_near(detector: str) -> None:
    assert [run.name for run in RUNS.values() if detector in run.finds]
    assert detector not in RUNS[NEAR[detector]].does


def test_it_names_detectors_and_programs_that_exist() -> None:
    named = {name for run in RUNS.values() for name in run.does.union(run.finds)}
    assert named | NEAR.keys() == DEFINITIONS
    sources = {path.stem for path in HERE.glob("*.[cps]*") if not path.stem.startswith("test_")}
    helpers = {"conftest", "intruder", "sample_runs", "restless"}
    assert {re.sub(r"build/|\.\w+$", "", program) for program in SAMPLES} == sources - helpers


def test_the_recorded_run_found_what_each_deserves() -> None:
    recorded = json.loads(RESULTS.read_text())
    found = {name: finds for name, finds in recorded.items() if not name.startswith("corpus: ")}
    assert found == {name: run.finds for name, run in RUNS.items()}, (
        "run: ATO_RECORD=1 pytest tests/samples tests/corpus"
    )
