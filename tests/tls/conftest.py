"""Lets the tests import the matrix's own modules, which the page's generator shares."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
