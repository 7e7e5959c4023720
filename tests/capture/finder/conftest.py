"""Lets the tests import `elves`, files that more than one of them is about."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
