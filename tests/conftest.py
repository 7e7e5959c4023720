"""Markers for tests that need this machine's privileges, and their rule: where CI says that they
must run (`ATO_REQUIRE=privileged,...`), a missing privilege is a failure, never a skip."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: examples are bounded in number, not in time.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

pytest_plugins = ["pytester"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("privileged") is None or os.geteuid() == 0:
        return
    if "privileged" in os.environ.get("ATO_REQUIRE", "").split(","):
        pytest.fail("privileged tests are required here (ATO_REQUIRE), but this is not root")
    pytest.skip("needs root, eBPF and bubblewrap")
