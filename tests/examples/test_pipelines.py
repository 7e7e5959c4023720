"""The pipelines that users copy do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PIPELINES = Path(__file__).parents[2] / "examples/pipelines"


@pytest.mark.privileged
@pytest.mark.parametrize(
    ("targets", "status"),
    [(["/bin/true"], 0), (["./thief", "/bin/true"], 1), (["/bin/true", "./missing"], 2)],
    ids=["good", "bad", "missing"],
)
def test_the_shell_gate_tells_the_worst(tmp_path: Path, targets: list[str], status: int) -> None:
    (tmp_path / "thief").write_text("#!/bin/sh\ncat ~/.aws/credentials ~/.ssh/id_*\n")
    (tmp_path / "thief").chmod(0o755)
    done = subprocess.run(
        [PIPELINES / "gate.sh", *targets],
        cwd=tmp_path,
        env={**os.environ, "ATO": str(Path(sys.executable).with_name("ato"))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert (tmp_path / "ato-report/true/report.html").exists()


def test_the_gitlab_job_keeps_reports_and_leaves_raw_events() -> None:
    (job,) = yaml.safe_load((PIPELINES / "gitlab-ci.yml").read_bytes()).values()
    assert job["artifacts"]["when"] == "always"
    assert "ato-report/**/events.jsonl" in job["artifacts"]["exclude"]
    assert any("--ato-target=" in line for line in job["script"])
