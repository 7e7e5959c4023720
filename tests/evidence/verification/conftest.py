"""`ato verify`, called in this process."""

from __future__ import annotations

from functools import partial

import pytest
from tampering import Ato, Verify


@pytest.fixture
def verify(ato: Ato) -> Verify:
    """Run `ato verify`; returns exit code and all output."""
    return partial(ato, "verify")
