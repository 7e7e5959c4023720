"""Companions: shown where the user says, unless they would show the user's own world."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import Placed
from pytest_ato.settings.grammar import Include
from pytest_ato.target import includes


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """A folder that is not the working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "file").write_text("x")
    return folder


def refused(source: object, destination: str | None = None, guarded: tuple[Path, ...] = ()) -> str:
    with pytest.raises(UsageError) as caught:
        includes.place(Include(str(source), destination), guarded)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_at_the_same_path_or_at_dest(elsewhere):
    assert includes.place(Include(str(elsewhere)), ()) == Placed(str(elsewhere), str(elsewhere))
    assert includes.place(Include(str(elsewhere), "/opt/x/"), ()).dest == "/opt/x"
    (elsewhere.parent / "work/here").mkdir()
    assert includes.place(Include("here"), ()).dest == str(elsewhere.parent / "work/here")


def test_the_users_own_world_is_refused(elsewhere, monkeypatch, tmp_path):
    assert "it is " in refused(Path.cwd())
    assert "it contains " in refused(Path.cwd().parent)
    assert "it contains " in refused("/")
    monkeypatch.setenv("HOME", str(elsewhere / "home"))
    (elsewhere / "home").mkdir()
    assert "it contains " in refused(elsewhere)
    assert "it is " in refused(elsewhere / "home")
    monkeypatch.setenv("HOME", "/")
    assert "it contains " in refused(elsewhere, guarded=(elsewhere / "home",))
    (tmp_path / "link").symlink_to(Path.cwd())
    assert "it is " in refused(tmp_path / "link")


def test_a_repository_is_refused_at_the_top_and_below(elsewhere):
    (elsewhere / "sub/.git").mkdir(parents=True)
    assert "it holds a .git directory" in refused(elsewhere / "sub")
    placed = includes.place(Include(str(elsewhere)), ())
    with pytest.raises(UsageError, match=r"it holds a \.git directory"):
        list(includes.digests(placed))


@pytest.mark.parametrize("path", ["/proc", "/proc/self", "/sys/kernel", "/dev/null", "/dev"])
def test_windows_into_the_kernel_are_refused(elsewhere, path):
    refused(path)
    assert "cannot be shown to a target" in refused(elsewhere, path)


def test_dest_must_be_a_place(elsewhere):
    assert "cannot be shown" in refused(elsewhere, "/")
    assert "'..'" in refused(elsewhere, "/opt/../etc")


def test_what_is_not_there_or_no_file(elsewhere, tmp_path):
    assert "does not exist" in refused(tmp_path / "no")
    os.mkfifo(tmp_path / "pipe")
    assert "is a named pipe" in refused(tmp_path / "pipe")


def test_links_count_by_their_text_and_pipes_are_not_opened(elsewhere):
    os.mkfifo(elsewhere / "pipe")
    (elsewhere / "link").symlink_to("/root/.ssh/id_rsa")
    (elsewhere / "sub").mkdir()
    (elsewhere / "sub/b").write_text("b")
    (elsewhere / "tosub").symlink_to("sub")
    placed = Placed(str(elsewhere), "/opt/d")
    first = dict(includes.digests(placed))
    assert set(first) == {
        "/opt/d/file",
        "/opt/d/link",
        "/opt/d/pipe",
        "/opt/d/sub/b",
        "/opt/d/tosub",
    }
    (elsewhere / "link").unlink()
    (elsewhere / "link").symlink_to("/elsewhere")
    assert dict(includes.digests(placed))["/opt/d/link"] != first["/opt/d/link"]


def test_too_many_files_are_refused(elsewhere, monkeypatch):
    monkeypatch.setattr(includes, "_MAX_FILES", 3)
    for number in range(5):
        (elsewhere / str(number)).touch()
    with pytest.raises(UsageError, match="holds more than 3 files"):
        list(includes.digests(Placed(str(elsewhere), "/opt/d")))
