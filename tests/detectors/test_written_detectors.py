"""What the documentation says of detectors of one's own is so: its examples run as printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_ato.cli import main

PAGE = (Path(__file__).parents[2] / "docs/writing-detectors.md").read_text()


def example(language: str) -> str:
    return re.search(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)[1]


def test_the_rule_of_the_page_passes_its_own_examples(tmp_path, capsys) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(example("yaml"))
    assert main(["detectors", "test", str(rules)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(("shells", "found"), [(10, []), (11, ["11 shells were started"])])
def test_the_class_of_the_page_fires_and_stays_silent(log, detect, shells, found) -> None:
    names: dict = {}
    exec(compile(example("python"), "writing-detectors.md", "exec"), names)
    for _ in range(shells):
        child = log.fork(log.root)
        log.exec(child, "/usr/bin/dash")
    assert [finding.title for finding in detect(names["ManyShells"], log)] == found
