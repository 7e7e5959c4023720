from __future__ import annotations

import pytest

from pytest_ato.capture.sandbox import writable
from pytest_ato.model.spec import PlantFile

pytestmark = pytest.mark.privileged


@pytest.fixture
def home(tmp_path):
    return writable.build(tmp_path, uid=71_000, home="/home/user")["/home/user"]


def test_spaces(tmp_path):
    spaces = writable.build(tmp_path, uid=71_000, home="/home/user")
    assert spaces["/root"] == spaces["/home/user"]
    assert set(spaces) == {"/home/user", "/root", "/tmp", "/var/tmp", "/dev/shm"}
    assert spaces["/tmp"].stat().st_mode & 0o7777 == 0o1777
    assert spaces["/home/user"].stat().st_uid == 71_000


def test_a_plant_below_new_directories(home):
    file = PlantFile(path=".config/a/b", content=b"x", mode=0o640, mtime=1_500_000_000)
    planted = writable.plant(file, home, uid=71_000, home="/home/user")
    status = (home / ".config/a/b").stat()
    assert planted == writable.PlantedFile(
        "/home/user/.config/a/b", status.st_dev, status.st_ino, str(home / ".config/a/b")
    )
    assert (status.st_uid, status.st_mode & 0o7777, status.st_mtime) == (71_000, 0o640, 1.5e9)
    assert (home / ".config").stat().st_mode & 0o7777 == 0o700
    assert (home / ".config").stat().st_uid == 71_000
    assert (home / ".config").stat().st_mtime == 1.5e9


def test_a_second_plant_beside_the_first(home):
    for name in ("x", "y"):
        file = PlantFile(path=f".d/{name}", content=b"", mtime=1_500_000_000)
        writable.plant(file, home, uid=71_000, home="/home/user")
    assert {path.name for path in (home / ".d").iterdir()} == {"x", "y"}


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", ""])
def test_a_plant_stays_in_the_home(home, path):
    with pytest.raises(ValueError, match="no path below"):
        writable.plant(PlantFile(path=path, content=b""), home, uid=0, home="/home/user")
