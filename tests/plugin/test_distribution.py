"""Under pytest-xdist: one target's items on one worker, each audit once, audits side by side."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("xdist")


def journal(path: Path) -> list[tuple[str, float, float]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(name, float(started), float(ended)) for name, started, ended in rows]


def test_three_audits_overlap_and_one_targets_items_stay_together(command, pytester, vendor):
    targets = [f"--ato-target={vendor(f'slow-{name}')}" for name in ("one", "two", "three")]
    path = pytester.path / "journal"
    result = command(*targets, "-n3", "-v", ATO_TEST_JOURNAL=str(path))
    assert result.returncode == 0, result.stdout + result.stderr
    workers = {}
    for worker, name in re.findall(r"\[(gw\d)\].* (slow-\w+)::", result.stdout):
        workers.setdefault(name, set()).add(worker)
    assert len(workers) == 3
    assert all(len(used) == 1 for used in workers.values())
    rows = journal(path)
    assert len(rows) == 3
    assert max(started for _, started, _ in rows) < min(ended for _, _, ended in rows)


def test_each_audit_happens_once_however_tests_are_dealt(command, pytester, vendor):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(6))
        def test_it(findings, n):
            assert findings.reverse_shell
        """
    )
    path = pytester.path / "journal"
    result = command(
        f"--ato-target={vendor('slow-shell')}",
        "-n3",
        "--dist=worksteal",
        "-k",
        "test_it or dns",
        ATO_TEST_JOURNAL=str(path),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(journal(path)) == 1
    assert result.stdout.count("REJECT") == 1


def test_what_cannot_be_audited_fails_on_every_worker(command, pytester, vendor):
    pytester.makepyfile(
        "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_it(findings, n): pass\n"
    )
    result = command(f"--ato-target={vendor('app-unavailable')}", "-n2", "-rN", "-k", "test_it")
    assert result.returncode == 1
    assert result.stdout.count("could not be audited: this machine has no BTF") == 4


def test_the_accepting_line_is_the_command_that_was_given(command, vendor):
    target = vendor("bad-shell")
    result = command(f"--ato-target={target}", "-n2", "-k", "execution or verdict")
    assert result.returncode == 1
    assert f"--ato-target={target} -n2 -k 'execution or verdict' --ato-allow=reverse_shell" in (
        result.stdout
    )


def test_summary_and_junit_come_from_the_workers(command, pytester, vendor):
    command(f"--ato-target={vendor('bad-shell')}", "-n2", "--junitxml=out.xml")
    assert 'name="ato_verdict" value="REJECT"' in (pytester.path / "out.xml").read_text()


def test_nothing_is_left_in_the_temporary_directory(command, pytester, vendor, tmp_path):
    command(f"--ato-target={vendor('app')}", "-n2", TMPDIR=str(tmp_path))
    assert not list(tmp_path.glob("pytest-ato-*"))
