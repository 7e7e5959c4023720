"""Start-up places; every kind is shown with its near misses in the detector's own tests."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.startup import startup_kind, startup_kind_of_tree


@pytest.mark.parametrize("home", ["/home/user", "/root", "/srv/ann"])
def test_the_home_under_all_its_names(home: str) -> None:
    assert startup_kind(f"{home}/.bashrc", "/srv/ann") == "shell start-up file"


@pytest.mark.parametrize(
    "path", ["/home/user/.config/autostart", "/etc/cron.d", "/home/user/.config/systemd/user"]
)
def test_a_folder_is_a_place_only_as_a_whole(path: str) -> None:
    assert startup_kind(path) == ""
    assert startup_kind_of_tree(path) != ""


def test_a_newline_hides_nothing() -> None:
    assert startup_kind("/etc/cron.d/a\nb") == "cron job"


@pytest.mark.parametrize("path", ["", "/", "/etc", "/home/user", "/home/user/", ".bashrc"])
def test_no_place(path: str) -> None:
    assert startup_kind_of_tree(path) == ""
