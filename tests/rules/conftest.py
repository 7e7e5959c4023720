"""Rule files written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

RULE = """\
rules:
  - id: ACME-EXF-001
    name: acme_copy
    category: exfil
    severity: high
    title: A copying tool is started
    event: exec
    where:
      path: {glob: "*/rclone"}
    positive:
      - {path: /usr/bin/rclone, file: /usr/bin/rclone, argv: [rclone]}
    negative:
      - {path: /usr/bin/cp, file: /usr/bin/cp, argv: [cp]}
"""


@pytest.fixture
def rule() -> str:
    """A file with one good rule."""
    return RULE


@pytest.fixture
def write(tmp_path: Path):
    """Write a rule file; returns its path."""

    def written(content: str | bytes, name: str = "rules.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written
