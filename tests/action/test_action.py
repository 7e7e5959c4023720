"""`action.yml`: its steps run as a runner runs them, on a bad and on a good program."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml

from pytest_ato.action import OPTIONS

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "examples/c/build"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples/workflows").glob("*.yml"))
_USES = re.compile(r"uses: (\S+)(.*)")

_spec = spec_from_file_location("composite", Path(__file__).parent / "composite.py")
_composite = module_from_spec(_spec)
sys.modules["composite"] = _composite
_spec.loader.exec_module(_composite)
Composite = _composite.Composite


@pytest.fixture
def use(tmp_path: Path) -> Callable[..., Composite]:
    """Use the action once: ``use(target="...", fail_on="reject")``."""

    def run(variables: dict[str, str] | None = None, **inputs: str) -> Composite:
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        return Composite(tmp_path, named, variables or {}).run()

    return run


@pytest.mark.privileged
def test_a_bad_program_fails_the_job_after_its_reports_are_uploaded(use, tmp_path):
    job = use(target=str(SAMPLES / "bad-sample"), upload_sarif="true")
    assert job.codes["Audit"] == 0, job.printed
    assert job.codes["Verdict"] == 1
    assert job.failed
    assert job.outputs["verdict"] == "REJECT"
    report = tmp_path / job.outputs["report-path"]
    assert json.loads(report.read_bytes())["verdict"] == "REJECT"
    assert job.outputs["report-sha256"] == hashlib.sha256(report.read_bytes()).hexdigest()
    assert json.loads((tmp_path / job.outputs["attestation-path"]).read_bytes())["signatures"]
    assert json.loads((tmp_path / job.outputs["sarif-path"]).read_bytes())["version"] == "2.1.0"
    sent = job.used["actions/upload-artifact"]["path"].splitlines()
    assert sent == ["ato-report/", "!ato-report/**/events.jsonl"]
    assert job.used["github/codeql-action/upload-sarif"]["sarif_file"] == job.outputs["sarif-path"]
    assert "REJECT" in (tmp_path / ".github-summary").read_text()
    assert "::error title=bad-sample" in job.printed


@pytest.mark.privileged
def test_a_good_program_passes_beside_tests_of_the_user(use, tmp_path):
    suite = tmp_path / "gate" / "test_gate.py"
    suite.parent.mkdir()
    suite.write_text("def test_it(findings):\n    assert not findings.exfil\n")
    (tmp_path / "test_other.py").write_text("raise SystemExit('not asked for')\n")
    job = use(
        target=str(SAMPLES / "good-sample"),
        tests="gate\n",
        pytest_args="-k 'test_it or verdict' -q",
        report_dir="out put",
        upload_events="true",
    )
    assert not job.failed, job.printed
    assert job.outputs["verdict"] == "APPROVE"
    assert "2 passed" in job.printed
    assert job.used["actions/upload-artifact"]["path"] == "out put/"
    assert "github/codeql-action/upload-sarif" not in job.used


@pytest.mark.privileged
def test_only_what_was_asked_for_is_collected_and_the_worst_verdict_counts(use, tmp_path):
    (tmp_path / "test_other.py").write_text("raise SystemExit('not asked for')\n")
    (tmp_path / "bad").write_text("#!/bin/sh\ncat ~/.aws/credentials ~/.ssh/id_*\n")
    (tmp_path / "bad").chmod(0o755)
    job = use(target="./bad\n/bin/true\n", network="none", timeout="20", fail_on="reject")
    assert job.outputs["report-path"] == "ato-report/bad/report.json", job.printed
    assert job.outputs["verdict"] in ("REVIEW", "REJECT")
    assert job.outputs["sarif-path"] == "ato-report"  # there are two
    assert sorted(path.parent.name for path in tmp_path.glob("ato-report/*/results.sarif")) == [
        "bad",
        "true",
    ]


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"target": " \n"}, "the input target is empty"),
        ({"target": "/bin/true", "pytest_args": "'"}, "cannot be split"),
        ({"target": "./$(touch pwned)`touch pwned`"}, "touch pwned"),
        ({"target": "/bin/true", "fail_on": "never; touch pwned"}, "touch pwned"),
        ({"target": "/bin/true", "network": "::error::x\ny"}, "network"),
    ],
    ids=["no target", "quotes", "a target for a shell", "an option for a shell", "a command"],
)
def test_what_cannot_be_audited_fails_and_says_why(use, tmp_path, inputs, why):
    job = use(**inputs)
    assert job.failed
    assert job.codes["Verdict"] != 0
    assert why in job.printed
    assert job.outputs["verdict"] == ""
    assert not list(tmp_path.rglob("pwned"))
    assert "\n::error::x" not in job.printed


def test_every_input_reaches_the_driver_or_a_step():
    action = yaml.safe_load((ROOT / "action.yml").read_bytes())
    text = yaml.safe_dump(action["runs"])
    for name in action["inputs"]:
        assert f"inputs.{name}" in text, name
    gate = next(step for step in action["runs"]["steps"] if step.get("id") == "gate")
    assert set(OPTIONS) <= set(gate["env"])
    for step in action["runs"]["steps"]:  # what a user wrote is never a part of a script
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", [ROOT / "action.yml", *WORKFLOWS, *EXAMPLES], ids=lambda p: p.name)
def test_what_is_used_is_pinned_and_the_file_is_one_of_githubs(path):
    for used, rest in _USES.findall(path.read_text()):
        own = used.startswith("./")
        assert own or re.fullmatch(r"\S+@[0-9a-f]{40}", used), used
        assert own or re.match(r" # v\d", rest), used
    schema = "vendor.github-actions" if path.name == "action.yml" else "vendor.github-workflows"
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, path]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    zizmor = [Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", path]
    done = subprocess.run(zizmor, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_have_no_rights_but_those_of_their_jobs():
    for path in (*WORKFLOWS, *EXAMPLES):
        assert yaml.safe_load(path.read_bytes())["permissions"] == {}, path
