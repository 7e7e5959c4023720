"""Hooks that this plugin offers to other plugins and to `conftest.py` files.

Owns their signatures and their documentation, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ato.detectors.interface import Detector


@pytest.hookspec()
def pytest_ato_detectors() -> list[type[Detector]]:  # type: ignore[empty-body]
    """Return detector classes that every audit of this session runs besides the built-in ones.

    Called once a session, before the first audit. Each class is a
    `pytest_ato.detectors.interface.Detector` whose id and name nobody else has; a clash stops the
    session with a usage error. A package can bring a detector without pytest, too: by an entry
    point in the group ``pytest_ato.detectors``.
    """
