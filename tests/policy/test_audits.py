"""Policies and baselines under real audits: a suggestion approves, noise is no difference."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Inputs, Options, replay, update_baseline
from pytest_ato.detectors import registry
from pytest_ato.model.policy import Terms
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy import baseline, decode
from pytest_ato.policy.observe import observe
from pytest_ato.policy.suggest import suggest
from pytest_ato.target import resolve

pytestmark = pytest.mark.privileged

TESTS = Path(__file__).parents[1]
SCRIPTS = TESTS / "corpus/programs"
SAMPLES = TESTS / "samples"
REPEATS = 20


@pytest.fixture(scope="module")
def auditor(tmp_path_factory):
    """One capture process for all of this file."""
    with Auditor(report_dir=tmp_path_factory.mktemp("reports")) as made:
        yield made


def log_of(auditor, program, args=(), timeout=30.0, name=None):
    options = Options(args=tuple(args), timeout=timeout)
    outcome = auditor.audit(resolve(str(program), ()), options, directory=name)
    return outcome.directory / "events.jsonl"


def verdict(log, terms):
    return replay(log, inputs=Inputs.recorded(terms)).report


PROGRAMS = [
    (SCRIPTS / "python_script.py", ()),
    (SCRIPTS / "git_commit.sh", ()),
    (SCRIPTS / "sqlite_database.sh", ()),
    (SCRIPTS / "gcc_compile.sh", ()),
    (SCRIPTS / "tar_archive.sh", ()),
    (SAMPLES / "beacon.py", ("regular",)),
    (SAMPLES / "connect.py", ("203.0.113.9",)),
    ("/usr/bin/wget", ("-q", "-O", "-", "http://downloads.vendor.example/")),
]


@pytest.mark.parametrize(("program", "args"), PROGRAMS, ids=lambda value: Path(str(value)).stem)
def test_an_audit_under_its_suggestion_is_approved(auditor, program, args):
    name = f"suggest-{Path(str(program)).name}"
    text = suggest(observe(log_of(auditor, program, args, name=name), registry.load()))
    again = verdict(log_of(auditor, program, args, name=name), decode.loads(text))
    assert again.verdict is Verdict.APPROVE, (again.reason, again.conditions, text)


def test_a_service_under_its_suggestion_has_a_condition(auditor):
    first = log_of(auditor, SAMPLES / "beacon.py", ("regular",), timeout=2.0, name="service")
    text = suggest(observe(first, registry.load()))
    assert "  service: true  # the target was still running after 2.0 s" in text
    again = log_of(auditor, SAMPLES / "beacon.py", ("regular",), timeout=2.0, name="service")
    report = verdict(again, decode.loads(text))
    assert report.verdict is Verdict.CONDITIONS, (report.reason, text)
    assert len(report.conditions) == 1


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("declared: {domains: [www.vendor.example]}", []),
        (
            "declared: {domains: [vendor.example]}",
            ["undeclared:domains:www.vendor.example"],
        ),
        ("deny: {domains: [vendor.example]}", []),
        (
            "deny: {domains: ['*.vendor.example'], children: [python3]}",
            ["denied:domains:www.vendor.example"],
        ),
    ],
)
def test_a_program_is_judged_by_what_is_declared_and_denied(auditor, text, keys):
    log = log_of(auditor, SAMPLES / "connect.py", ("www.vendor.example",), name="judged")
    found = [one.key for one in verdict(log, decode.loads(text)).findings]
    assert [key for key in found if "domains" in key] == keys


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """Two builds of one program."""
    source = Path(__file__).parent / "programs/vendor.c"
    made = []
    for flags in ([], ["-DNEXT"]):
        program = tmp_path_factory.mktemp("build") / "vendor"
        subprocess.run(["gcc", "-O1", *flags, "-o", str(program), str(source)], check=True)
        made.append(program)
    return made


def test_noise_is_no_difference_and_a_new_name_is_one(auditor, builds, tmp_path):
    first, following = builds
    path = tmp_path / "baseline.json"
    outcome = auditor.audit(resolve(str(first), ()), Options())
    assert "updated" in update_baseline(path, outcome)
    known = baseline.load(path)[0].targets["vendor"]
    for _ in range(REPEATS):
        observed = observe(log_of(auditor, first))
        found = baseline.compare(known, baseline.recorded(observed))
        assert not found, found
    terms = baseline.under(Terms(), path, update=False)
    report = verdict(log_of(auditor, following), terms)
    (finding,) = [one for one in report.findings if one.detector == "vendor_drift"]
    assert finding.key == "vendor_drift:new:domains:telemetry.vendor.example"
    assert report.verdict is Verdict.REVIEW
    assert report.baseline is not None
    assert report.baseline.new == ("domains:telemetry.vendor.example",)
    assert report.baseline.gone == ()
