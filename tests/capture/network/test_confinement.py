"""The sinkhole's command line, for every way in which the package may be installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.capture.network import confinement
from pytest_ato.model.errors import CaptureUnavailable


def after(options: list[str], flag: str) -> list[str]:
    return [options[i + 1] for i, option in enumerate(options) if option == flag]


def test_only_the_needed_packages_are_shown():
    command = confinement.sinkhole(61184)
    shown = after(command, "--ro-bind")
    for name in ("pytest_ato", "msgspec", "dns", "h11"):
        assert any(Path(path).name == name for path in shown)
    repository = str(Path(__file__).parents[3])
    assert repository not in shown
    assert command[-1] == "61184"


def test_parents_are_made_for_everybody_before_what_they_hold():
    options = confinement._root([Path("/root/a/b"), Path("/root/a/c")])
    assert options[-14:] == [
        *("--perms", "0755", "--dir", "/root"),
        *("--perms", "0755", "--dir", "/root/a"),
        *("--ro-bind", "/root/a/b", "/root/a/b"),
        *("--ro-bind", "/root/a/c", "/root/a/c"),
    ]


def test_what_lies_inside_something_shown_is_not_shown_again():
    options = confinement._root(
        [Path("/usr/local/lib/x"), Path("/opt/v"), Path("/opt/v/lib/y"), Path("/opt/v")]
    )
    assert after(options, "--ro-bind") == ["/opt/v"]


def test_a_missing_package_is_named():
    with pytest.raises(CaptureUnavailable, match="no_such_package is missing: reinstall"):
        confinement._location("no_such_package")
