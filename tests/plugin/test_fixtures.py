"""The fixtures `ato_trace` and `findings`, and the markers."""

from __future__ import annotations


def test_a_trace_tells_what_was_seen(run, vendor, pytester):
    vendor("app-shell-odd")
    pytester.makepyfile(
        """
        from pathlib import Path

        def test_it(ato_trace):
            trace = ato_trace("vendor/app-shell-odd", args=["-x", b"\\xff"], env={"A": "b"},
                              stdin="in", timeout=30)
            assert trace.verdict == "REJECT"
            assert trace.returncode == 3
            assert trace.stdout == b"hello sinkhole\\n"
            assert trace.stderr == b""
            assert [f.detector for f in trace.findings.execution] == ["reverse_shell"]
            assert not trace.findings.persistence
            assert trace.waived == () and trace.notes == ()
            spec = trace.events[0].spec
            assert (spec.args[0], spec.env["A"], spec.stdin, spec.timeout) == ("-x", "b", b"in", 30)
            assert trace.report_dir.parent == Path("ato-report").absolute()
            assert trace.report_dir.name.startswith("app-shell-odd~")
            assert (trace.report_dir / "report.json").exists()

        def test_each_call_is_an_audit_of_its_own(ato_trace):
            first, second = (ato_trace(Path("vendor/app-shell-odd")) for _ in range(2))
            assert first.report.run_id != second.report.run_id
            assert first.report_dir != second.report_dir
        """
    )
    run().assert_outcomes(passed=2)


def test_a_failing_assertion_has_one_line_and_a_table(run, vendor, pytester):
    vendor("app-shell")
    pytester.makepyfile(
        """
        def test_it(ato_trace):
            trace = ato_trace("vendor/app-shell")
            assert not trace.findings.execution
        """
    )
    result = run()
    text = result.stdout.str()
    assert "assert not <Findings execution: 1 (1 critical): reverse_shell>" in text
    assert "ato findings" in text
    assert '@pytest.mark.ato_allow("reverse_shell")' in text
    assert "by app-shell -> sh (pid 101)" in text


def test_allowed_findings_are_waived_for_this_test_alone(run, vendor, pytester):
    vendor("app-shell")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.ato_allow("reverse_shell", "c2")
        def test_allowed(ato_trace):
            trace = ato_trace("vendor/app-shell")
            assert not trace.findings
            assert [f.detector for f in trace.waived] == ["reverse_shell"]
            assert trace.verdict == "APPROVE WITH CONDITIONS"

        def test_not_allowed(ato_trace):
            assert ato_trace("vendor/app-shell").findings.reverse_shell

        @pytest.mark.ato_allow("reverse_shel")
        def test_misspelt(ato_trace):
            ato_trace("vendor/app-shell")
        """
    )
    result = run()
    result.assert_outcomes(passed=2, failed=1)
    assert "no detector or category is named 'reverse_shel'" in result.stdout.str()


def test_markers_set_network_and_time_limit(run, vendor, pytester):
    vendor("app")
    pytester.makepyfile(
        """
        import pytest
        from pytest_ato.model.errors import CaptureIncomplete

        pytestmark = pytest.mark.ato_timeout(7)

        @pytest.mark.ato_network("none")
        def test_marked(ato_trace):
            trace = ato_trace("vendor/app")
            spec = trace.events[0].spec
            assert (spec.network, spec.timeout) == ("none", 7)
            with pytest.raises(CaptureIncomplete, match="dns_tunnel needs network"):
                assert not trace.findings.dns

        @pytest.mark.ato_network("none")
        def test_the_call_wins(ato_trace):
            spec = ato_trace("vendor/app", network="sinkhole", timeout=9).events[0].spec
            assert (spec.network, spec.timeout) == ("sinkhole", 9)

        @pytest.mark.ato_network("bridge")
        def test_unknown_network(ato_trace):
            ato_trace("vendor/app")
        """
    )
    result = run()
    result.assert_outcomes(passed=2, failed=1)
    assert "got 'bridge'" in result.stdout.str()


def test_reading_an_incomplete_capture_fails_the_test(run, vendor, pytester):
    vendor("app-lost")
    pytester.makepyfile(
        """
        def test_it(ato_trace):
            assert not ato_trace("vendor/app-lost").findings.exfil
        """
    )
    result = run()
    result.assert_outcomes(failed=1)
    assert "CaptureIncomplete: findings.exfil is empty, but that proves nothing" in (
        result.stdout.str()
    )
    assert "plugin/findings.py" not in result.stdout.str()


def test_what_cannot_be_run_is_an_error_at_the_call(run, vendor, pytester):
    vendor("app-unavailable")
    pytester.makepyfile(
        """
        import pytest
        from pytest_ato.model.errors import CaptureUnavailable, UsageError

        def test_missing(ato_trace):
            ato_trace("vendor/no-such-program")

        def test_raises(ato_trace):
            with pytest.raises(CaptureUnavailable):
                ato_trace("vendor/app-unavailable")
            with pytest.raises(UsageError, match="list of arguments"):
                ato_trace("vendor/app-unavailable", args="-x -y")
            with pytest.raises(UsageError, match="131,071"):
                ato_trace("vendor/app-unavailable", args=["x" * (2 << 20)])
        """
    )
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "UsageError: target " in text
    assert "does not exist" in text
    assert "resolve.py" not in text


def test_findings_is_about_the_command_line_target(run, vendor, pytester, scripted, monkeypatch):
    monkeypatch.setenv(scripted.JOURNAL, str(pytester.path / "journal"))
    pytester.makepyfile(
        """
        def test_it(findings):
            assert findings.reverse_shell

        def test_again(findings):
            assert not findings.dns
        """
    )
    result = run(f"--ato-target={vendor('app-shell')}", "-k", "test_it or test_again")
    result.assert_outcomes(passed=2)
    assert len((pytester.path / "journal").read_text().splitlines()) == 1


def test_findings_is_parametrised_over_several_targets(run, vendor, pytester):
    pytester.makepyfile("def test_it(findings): assert not findings")
    result = run(
        f"--ato-target={vendor('app')}",
        f"--ato-target={vendor('bad-shell')}",
        "-v",
        "-k",
        "test_it",
    )
    result.assert_outcomes(passed=1, failed=1)
    assert any("test_it[app] PASSED" in line for line in result.outlines)
    assert any("test_it[bad-shell] FAILED" in line for line in result.outlines)


def test_findings_of_marked_targets(run, vendor, pytester):
    vendor("app-shell")
    vendor("app")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.ato_target("vendor/app-shell", args=["-x"])
        def test_one(findings):
            assert findings.reverse_shell

        @pytest.mark.ato_target("vendor/app-shell")
        @pytest.mark.ato_target("vendor/app")
        def test_two(findings):
            assert not findings.exfil

        @pytest.mark.ato_target("vendor/app", bogus=1)
        def test_wrong(findings):
            pass
        """
    )
    broken = run()
    broken.assert_outcomes(errors=1)
    assert "the marker ato_target takes target, args, env" in broken.stdout.str()
    result = run("-v", "--continue-on-collection-errors")
    assert "Traceback" not in result.stdout.str()
    source = pytester.path / "test_findings_of_marked_targets.py"
    source.write_text(source.read_text().replace("bogus=1", "timeout=5"))
    result = run("-v")
    result.assert_outcomes(passed=4)
    assert any("test_two[app-shell]" in line for line in result.outlines)


def test_findings_without_a_target_says_what_to_do(run, pytester):
    pytester.makepyfile("def test_it(findings): pass")
    result = run()
    result.assert_outcomes(errors=1)
    assert "give --ato-target=PATH, or mark the test" in result.stdout.str()


def test_an_own_fixture_named_findings_is_left_alone(run, vendor, pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def findings():
            return 42

        def test_it(findings):
            assert findings == 42
        """
    )
    result = run(f"--ato-target={vendor('app')}", f"--ato-target={vendor('b')}", "-k", "test_it")
    result.assert_outcomes(passed=1)


def test_a_detector_of_a_conftest_takes_part(run, vendor, pytester):
    pytester.makeconftest(
        """
        from pytest_ato.detectors.interface import Definition, Detector
        from pytest_ato.model.events import Output
        from pytest_ato.model.findings import Category, Evidence, Severity

        class Greeting(Detector):
            definition = Definition("ACME-POL-001", "greeting", Category.POLICY, Severity.LOW,
                                    "The target greets.", "T1000", (Output,))

            def process(self, event):
                yield self.finding(key="hello", title="it says hello",
                                   evidence=[Evidence(ts=event.ts, text="hello")])

        def pytest_ato_detectors():
            return [Greeting]
        """
    )
    pytester.makepyfile(
        "def test_it(ato_trace): assert ato_trace('vendor/app').findings.policy.greeting"
    )
    result = run(f"--ato-target={vendor('app')}", "-v", "--ato-fail-on=conditions")
    assert any("app::policy FAILED" in line for line in result.outlines)
    assert any("test_it PASSED" in line for line in result.outlines)
