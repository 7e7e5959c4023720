"""`--ato-metrics`: each audit is counted once, and that counting failed changes no verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.metrics.audits import read

Run = Callable[..., pytest.RunResult]


def test_audits_are_counted_once(
    pytester: pytest.Pytester, run: Run, vendor: Callable[..., str]
) -> None:
    target = vendor("app")
    for _ in range(2):
        run(f"--ato-target={target}", "--ato-metrics=ato.prom")
    found = read(pytester.path / "ato.prom")
    assert sum(found.verdicts.values()) == 2
    assert found.last > 0


def test_the_path_of_an_ini_file_is_relative_to_it(
    pytester: pytest.Pytester, run: Run, vendor: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = vendor("app")
    pytester.makeini("[pytest]\nato_metrics = ato.prom\n")
    run(f"--ato-target={target}")
    assert (pytester.path / "ato.prom").is_file()


def test_no_place_to_count_is_a_warning(run: Run, vendor: Callable[..., str]) -> None:
    target = vendor("app")
    wanted = run(f"--ato-target={target}").ret
    result = run(f"--ato-target={target}", "--ato-metrics=/nowhere/ato.prom")
    assert result.ret == wanted
    result.stdout.fnmatch_lines(["*PytestWarning: ato: cannot write metrics to /nowhere/ato.prom*"])
    assert not Path("/nowhere").exists()
