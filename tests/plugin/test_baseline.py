"""`--ato-baseline` and `--ato-update-baseline`: as snapshots are tested."""

from __future__ import annotations

import json

import pytest


def test_the_summary_ends_with_the_command_that_accepts(run, vendor, pytester):
    app = vendor("app")
    assert run(f"--ato-target={app}", "--ato-baseline=b.json", "--ato-update-baseline").ret == 0
    kept = json.loads((pytester.path / "b.json").read_text())
    kept["targets"]["app-rawip"] = kept["targets"]["app"]
    (pytester.path / "b.json").write_text(json.dumps(kept))
    target = f"--ato-target={vendor('app-rawip')}"
    result = run(target, "--ato-baseline=b.json", "--ato-allow=c2", "-v")
    assert result.ret == 1
    assert "app-rawip::drift FAILED" in result.stdout.str()
    line = next(line for line in result.outlines if line.startswith("accept what differs"))
    assert line.endswith("--ato-baseline=b.json --ato-allow=c2 -v --ato-update-baseline")
    assert run(target, "--ato-baseline=b.json", "--ato-allow=c2", "--ato-update-baseline").ret == 0
    result = run(target, "--ato-baseline=b.json", "--ato-allow=c2", "-v")
    assert result.ret == 0
    assert "app-rawip::drift PASSED" in result.stdout.str()
    assert set(json.loads((pytester.path / "b.json").read_text())["targets"]) == {
        "app",
        "app-rawip",
    }


def test_an_update_is_told(run, vendor, pytester):
    options = (f"--ato-target={vendor('app')}", "--ato-baseline=b.json", "--ato-update-baseline")
    assert "baseline of app" in run(*options).stdout.str()
    assert "baseline of app is up to date" in run(*options).stdout.str()


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (None, ("--ato-baseline=b.json",), "does not exist; make it"),
        (None, ("--ato-update-baseline",), "give the option baseline"),
        ("[]", ("--ato-baseline=b.json",), "is no baseline"),
        ("[]", ("--ato-baseline=b.json", "--ato-update-baseline"), "is no baseline"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(run, vendor, pytester, content, options, words):
    if content is not None:
        (pytester.path / "b.json").write_text(content)
    result = run(f"--ato-target={vendor('app')}", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str() + result.stdout.str()
    assert not (pytester.path / "ato-report").exists()


def test_without_a_baseline_drift_is_no_item_and_no_pass(run, vendor, pytester):
    target = vendor("app")
    pytester.makepyfile(
        f"""
        import pytest
        from pytest_ato.model.errors import CaptureIncomplete

        def test_it(ato_trace):
            with pytest.raises(CaptureIncomplete, match="baseline"):
                assert not ato_trace("{target}").findings.drift
        """
    )
    result = run(f"--ato-target={target}", "-v")
    assert result.ret == 0
    assert "app::drift" not in result.stdout.str()
