"""Nothing of a vendor's is imported or obeyed: each hostile file would leave its name behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HOSTILE = (
    "conftest.py",
    "test_x.py",
    "sitecustomize.py",
    "usercustomize.py",
    "__init__.py",
    "json.py",
    "msgspec.py",
    "pytest_ato.py",
)


@pytest.fixture
def trap(pytester: pytest.Pytester, tmp_path_factory) -> Callable[..., Path]:
    """Make a vendor folder full of files that leave a mark when anything runs or obeys them."""
    marks = tmp_path_factory.mktemp("marks")

    def make(folder: str = "vendor", name: str = "app") -> Path:
        path = pytester.path / folder
        path.mkdir(parents=True)
        for file in HOSTILE:
            (path / file).write_text(f"open({str(marks / file)!r}, 'w').close()\n")
        (path / "evil.pth").write_text(
            f"import os; open({str(marks / 'evil.pth')!r}, 'w').close()\n"
        )
        (path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
        (path / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--co"\n')
        target = path / name
        if target.suffix == ".py":
            body = f"open({str(marks / name)!r}, 'w').close()\n"
            target.write_text("#!/usr/bin/python3\n" + body)
        else:
            target.write_text("#!/bin/sh\nexit 0\n")
        target.chmod(0o755)
        return marks

    return make


@pytest.mark.parametrize("options", [[], ["-n2"], ["."], ["--collect-only"]], ids=str)
def test_a_vendor_folder_below_the_working_directory(command, pytester, trap, options):
    marks = trap()
    pytester.makepyfile("def test_own(): pass")
    result = command("--ato-target=vendor/app", "-v", *options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert list(marks.iterdir()) == []
    assert "test_own" in result.stdout
    assert "test_x" not in result.stdout
    if "--collect-only" not in options:
        assert "PASSED" in result.stdout  # the vendor's --collect-only was not obeyed
    assert "vendor/pytest.ini" not in result.stdout


@pytest.mark.parametrize("name", ["app.py", "test_app.py", "app_test.py"])
def test_a_python_target_is_no_test_module(command, pytester, trap, name):
    marks = trap(name=name)
    result = command(f"--ato-target=vendor/{name}", "-o", "python_files=*.py")
    assert result.returncode == 0, result.stdout + result.stderr
    assert list(marks.iterdir()) == []


def test_a_python_target_in_the_working_directory_is_no_test_module(command, pytester, trap):
    marks = trap(name="test_app.py")
    target = pytester.path / "test_app.py"
    (pytester.path / "vendor/test_app.py").rename(target)
    pytester.makepyfile(test_own="def test_own(): pass")
    result = command("--ato-target=test_app.py", "--ignore=vendor", "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "test_own PASSED" in result.stdout
    assert list(marks.iterdir()) == []


def test_a_link_to_a_target_guards_both_folders(command, pytester, trap):
    marks = trap("deep/vendor")
    (pytester.path / "links").mkdir()
    (pytester.path / "links/app").symlink_to(pytester.path / "deep/vendor/app")
    (pytester.path / "links/test_x.py").symlink_to(pytester.path / "deep/vendor/test_x.py")
    result = command("--ato-target=links/app")
    assert result.returncode == 0, result.stdout + result.stderr
    assert list(marks.iterdir()) == []


def test_an_included_directory_is_not_walked(command, pytester, trap):
    marks = trap("data")
    (pytester.path / "vendor").mkdir()
    (pytester.path / "data/app").rename(pytester.path / "vendor/app")
    result = command("--ato-target=vendor/app", "--ato-include=data:/opt/data")
    assert result.returncode == 0, result.stdout + result.stderr
    assert list(marks.iterdir()) == []


def test_a_folder_whose_conftest_pytest_would_load_at_its_start_is_refused(command, trap):
    marks = trap("test-drop")
    result = command("--ato-target=test-drop/app")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the conftest.py of every folder named test*" in " ".join(result.stderr.split())
    assert list(marks.iterdir()) == []


def test_an_included_folder_whose_conftest_would_be_loaded_is_refused(command, trap, vendor):
    marks = trap("testdata")
    result = command(f"--ato-target={vendor('app', folder='bin')}", "--ato-include=testdata")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "rename the folder" in " ".join(result.stderr.split())
    assert list(marks.iterdir()) == []


def test_own_tests_beside_a_target_run_when_they_are_named(command, pytester, vendor):
    vendor("app", folder="tests")
    (pytester.path / "tests/conftest.py").write_text("def pytest_report_header(): return 'own'\n")
    (pytester.path / "tests/test_own.py").write_text("def test_own(): pass\n")
    result = command("--ato-target=tests/app", "-v", "tests")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "test_own PASSED" in result.stdout
    assert "app::verdict PASSED" in result.stdout


def test_own_tests_in_the_working_directory_beside_a_target_run(command, pytester, vendor):
    vendor("app", folder=".")
    pytester.makepyfile(test_own="def test_own(): pass")
    result = command("--ato-target=./app", "-v")
    assert "test_own PASSED" in result.stdout


def test_a_target_named_conftest_is_refused(command, trap, pytester):
    marks = trap()
    (pytester.path / "vendor/conftest.py").rename(pytester.path / "conftest.py")
    (pytester.path / "conftest.py").chmod(0o755)
    result = command("--ato-target=conftest.py")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is named conftest.py, which pytest imports" in result.stderr
    assert list(marks.iterdir()) == []


def test_pytest_started_inside_the_vendor_folder_is_the_users_own_choice(command, trap, pytester):
    """The exception of the rule: what lies in the invocation directory is the user's own."""
    trap()
    for file in HOSTILE:
        (pytester.path / "vendor" / file).unlink()
    (pytester.path / "vendor/test_own.py").write_text("def test_own(): pass\n")
    result = command("--ato-target=./app", "-v", "-c/dev/null", cwd=pytester.path / "vendor")
    assert "test_own PASSED" in result.stdout
