"""Markers for tests that need this machine's privileges, and their rule: where CI says that they
must run (`ATO_REQUIRE=privileged,...`), a missing privilege is a failure, never a skip."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: examples are bounded in number, not in time.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

pytest_plugins = ["pytester"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("privileged") is not None and os.geteuid() != 0:
        _lack("privileged", "this needs root, eBPF and bubblewrap")


@pytest.fixture(scope="session")
def lack() -> Callable[[str, str], NoReturn]:
    """Give a test up for what is lacking: ``lack("privileged", "BCC is not installed")``."""
    return _lack


def _lack(marker: str, reason: str) -> NoReturn:
    """Skip, or fail where tests with that marker must run."""
    if marker in os.environ.get("ATO_REQUIRE", "").split(","):
        pytest.fail(f"{marker} tests are required here (ATO_REQUIRE): {reason}")
    pytest.skip(reason)
