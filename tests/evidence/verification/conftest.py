"""`ato verify`, called in this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest


@pytest.fixture
def verify(ato: Callable[..., tuple[int, str]]) -> Callable[..., tuple[int, str]]:
    """Run `ato verify`; returns exit code and all output."""
    return partial(ato, "verify")
