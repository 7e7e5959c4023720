"""`ato verify`, called in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run `ato verify`; returns exit code and all output."""
    from pytest_ato.cli import main

    def run(*arguments: object) -> tuple[int, str]:
        code = main(["verify", *map(str, arguments)])
        written = capsys.readouterr()
        return code, written.out + written.err

    return run
