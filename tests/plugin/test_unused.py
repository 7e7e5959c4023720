"""A session that does not use the plugin does not pay for it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

HEAVY = (
    "ahocorasick_rs brotli cryptography dns docker elftools filelock h11 jinja2 msgspec pkcs11 "
    "pyroute2 xdist zstandard"
).split()


def imported(*code: str) -> dict[str, int]:
    """Modules that a fresh interpreter imports for `code`, with microseconds of their own."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "; ".join(code)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("|") for line in result.stderr.splitlines() if line.count("|") == 2]
    return {
        name.strip(): int(own.split(":")[1])
        for own, _, name in rows
        if own.split(":")[1].strip().isdigit()
    }


def test_importing_the_plugin_loads_nothing_heavy():
    added = (
        imported("import pytest", "import pytest_ato.plugin").keys()
        - imported("import pytest").keys()
    )
    assert "pytest_ato.plugin" in added
    assert not {name for name in added if name.split(".")[0] in HEAVY}
    assert not {"asyncio", "ssl", "http", "email", "pytest_ato.audit"} & added


def test_importing_the_plugin_takes_a_small_part_of_importing_pytest():
    """A ratio, because machines differ: pytest itself takes more than 100 ms."""
    shares = []
    for _ in range(3):
        times = imported("import pytest", "import pytest_ato.plugin")
        ours = sum(time for name, time in times.items() if name.startswith("pytest_ato"))
        shares.append(ours / sum(times.values()))
    assert min(shares) < 0.10


def test_a_session_without_targets_loads_nothing_of_ours(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.startswith("pytest_ato.")}
            assert "pytest_ato.plugin" in ours
            assert not {name for name in ours if name.split(".")[1] not in
                        ("plugin", "settings", "model")}
            assert "pytest_ato.plugin.session" not in ours
            assert "msgspec" not in sys.modules
        """
    )
    installed = any(point.name == "ato" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "pytest_ato.plugin"]
    result = pytester.runpytest_subprocess(*plugin, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    assert "ato:" not in result.stdout.str()


def test_a_distributed_session_without_targets_makes_nothing(
    pytester: pytest.Pytester, tmp_path, monkeypatch
):
    pytest.importorskip("xdist")
    pytester.makepyfile("def test_it(): pass")
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure(config):
            if not hasattr(config, "workerinput"):
                assert "pytest_ato.plugin.distribution" in sys.modules
                assert "pytest_ato.plugin.session" not in sys.modules
                assert "msgspec" not in sys.modules
                print("checked")
        """
    )
    installed = any(point.name == "ato" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "pytest_ato.plugin"]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = pytester.runpytest_subprocess(*plugin, "-p", "no:cacheprovider", "-n1", "-s")
    assert "checked" in result.stdout.str()
    assert not list(tmp_path.glob("pytest-ato-*"))
