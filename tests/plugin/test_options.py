"""Options and their ini twins: grammar in the message, and no path after a space."""

from __future__ import annotations

from typing import get_args

import pytest

from pytest_ato.model.spec import Network
from pytest_ato.settings.table import NETWORKS, TABLE, Arity


def test_the_table_offers_every_network_of_the_model():
    assert set(NETWORKS) == set(get_args(Network))


def test_every_row_is_an_option_an_ini_value_and_has_help(run):
    text = " ".join(run("--help").stdout.str().split())
    for setting in TABLE:
        assert f"--ato-{setting.name}" in text
        assert f"{setting.dest} (" in text


@pytest.mark.parametrize(
    ("option", "grammar"),
    [
        ("--ato-env=NOVALUE", "expected NAME=VALUE"),
        ("--ato-limit=memory=lots", "such as memory=4G"),
        ("--ato-limit=disk=none", "memory and tasks may be none"),
        ("--ato-timeout=0", "a number above 0"),
        ("--ato-timeout=nan", "a number above 0"),
        ("--ato-network=lan", "expected none or sinkhole or open"),
        ("--ato-fail-on=always", "expected reject or review or conditions"),
        ("--ato-loader=ptrace", "expected auto or core or bcc"),
        ("--ato-runtime=nosuch", "expected auto or local or docker"),
        ("--ato-expect-exit=256", "from 0 to 255"),
        ("--ato-args='open", "quoted as for a shell"),
        ("--ato-include=:/x", "PATH[:DEST]"),
        ("--ato-allow=nosuchdetector", "no detector or category is named 'nosuchdetector'"),
    ],
)
@pytest.mark.parametrize("twin", [False, True], ids=["option", "ini"])
def test_a_wrong_value_is_a_usage_error_with_the_grammar(
    run, vendor, pytester, option, grammar, twin
):
    target = vendor("app")
    if twin:
        name, _, value = option.removeprefix("--").partition("=")
        pytester.makeini(f"[pytest]\n{name.replace('-', '_')} = {value}\n")
        result = run(f"--ato-target={target}")
    else:
        result = run(f"--ato-target={target}", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = result.stderr.str() + result.stdout.str()
    assert grammar in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("option", [f"--ato-{row.name}" for row in TABLE if row.names_file])
def test_a_path_after_a_space_is_refused(run, vendor, pytester, option):
    target = vendor("app")
    pytester.makeconftest("open('imported', 'w').close()")
    result = run(option, target)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"write {option}=PATH, with an equals sign" in result.stderr.str()
    assert not (pytester.path / "imported").exists()


def test_a_path_after_a_space_is_refused_in_the_environment_too(run, vendor, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--ato-target {vendor('app')}")
    assert "with an equals sign" in run().stderr.str()


def test_ini_twins_work_and_paths_start_from_the_ini_file(run, vendor, pytester, monkeypatch):
    vendor("app-odd", folder="sub/vendor")
    (pytester.path / "in.txt").write_text("input")
    pytester.makeini(
        """
        [pytest]
        ato_target = sub/vendor/app-odd
        ato_stdin = in.txt
        ato_args = --one "two words"
        ato_env =
            A=1
            B=2
        ato_expect_exit = 3
        ato_fail_on = conditions
        ato_report_dir = reports
        """
    )
    (pytester.path / "elsewhere").mkdir()
    monkeypatch.chdir(pytester.path / "elsewhere")
    pytester.path.joinpath("elsewhere", "test_own.py").write_text(
        "def test_own(findings, ato_subject):\n"
        "    options = ato_subject.options\n"
        "    assert not findings\n"
        "    assert options.args == ('--one', 'two words')\n"
        "    assert options.env == {'A': '1', 'B': '2'}\n"
        "    assert options.stdin == b'input'\n"
    )
    result = run()
    assert result.ret == 0, result.stdout.str()
    assert (pytester.path / "reports/app-odd/report.json").exists()


def test_an_option_wins_over_its_twin(run, vendor, pytester):
    pytester.makeini("[pytest]\nato_target = nowhere\nato_fail_on = conditions\n")
    result = run(f"--ato-target={vendor('app-odd')}", "--ato-fail-on=review")
    assert result.ret == 0


def test_report_dir_of_an_option_starts_from_the_invocation_directory(run, vendor, pytester):
    target = vendor("app")
    assert run(f"--ato-target={target}", "--ato-report-dir=out").ret == 0
    assert (pytester.path / "out/app/report.md").exists()


@pytest.mark.parametrize("options", [[], ["--collect-only"], ["-n2"]], ids=str)
def test_a_target_that_is_none_stops_the_session_before_it_collects(run, pytester, options):
    pytester.makepyfile("open('imported', 'w').close()")
    result = run("--ato-target=missing", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "missing does not exist" in result.stderr.str()
    assert not (pytester.path / "imported").exists()


def test_flags_are_flags():
    flags = {row.name for row in TABLE if row.arity is Arity.FLAG}
    assert flags == {
        *("service", "allow-inconclusive", "require-hsm", "update-baseline", "unmask"),
    }


def test_a_wrong_ini_value_stops_a_session_that_only_has_tests(run, pytester):
    pytester.makeini("[pytest]\nato_timeout = soon\n")
    pytester.makepyfile("def test_it(ato_trace): pass")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "ato_timeout: expected SECONDS" in result.stderr.str()
