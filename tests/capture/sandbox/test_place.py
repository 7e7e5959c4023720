from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from pytest_ato.capture.sandbox.errors import SandboxError
from pytest_ato.capture.sandbox.place import place, verify
from pytest_ato.capture.sandbox.rootfs import Bind
from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import Placed, Target


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    return root


def target(item: Placed, program: bytes) -> Target:
    digest = hashlib.sha256(program).hexdigest()
    return Target(
        name="program",
        path=item.source,
        sha256=digest,
        size=len(program),
        format="elf",
        placed=(item,),
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "program"
    source.write_bytes(b"program")
    source.chmod(0o6700)
    os.utime(source, (1_600_000_000, 1_600_000_000))
    return source


def test_a_copy_is_readable_by_all_and_nothing_else_of_the_sources_mode(root, source):
    assert place([Placed(str(source), "/opt/vendor/program")], root, [], {}) == []
    copy = root / "opt/vendor/program"
    assert copy.read_bytes() == b"program"
    assert copy.stat().st_mode & 0o7777 == 0o755
    assert copy.stat().st_mtime == 1_600_000_000
    assert copy.stat().st_ino != source.stat().st_ino
    source.chmod(0o600)
    place([Placed(str(source), "/opt/data")], root, [], {})
    assert (root / "opt/data").stat().st_mode & 0o7777 == 0o644
    assert (root / "opt").stat().st_mode & 0o7777 == 0o755


def test_a_file_at_the_top(root, source):
    place([Placed(str(source), "/program")], root, [], {})
    assert (root / "program").read_bytes() == b"program"


def test_a_tree_keeps_its_links_and_loses_what_is_no_file(root, tmp_path):
    tree = tmp_path / "tree"
    (tree / "lib/deep").mkdir(parents=True, mode=0o700)
    (tree / "lib/deep/file").write_text("x")
    (tree / "lib/link").symlink_to("/etc/passwd")
    (tree / "lib/folder").symlink_to("/etc")
    (tree / "lib/two\nlines\x1b").write_text("y")
    os.mkfifo(tree / "lib/pipe")
    place([Placed(str(tree), "/srv/tree")], root, [], {})
    lib = root / "srv/tree/lib"
    assert sorted(path.name for path in lib.iterdir()) == [
        "deep",
        "folder",
        "link",
        "two\nlines\x1b",
    ]
    assert (lib / "link").readlink() == Path("/etc/passwd")
    assert (lib / "folder").readlink() == Path("/etc")
    assert (lib / "deep/file").read_text() == "x"
    assert (lib / "deep").stat().st_mode & 0o7777 == 0o755


def test_what_lies_in_writable_space_is_bound_over_it(root, source, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    item = Placed(str(source), "/home/user/app/program")
    binds = place([item], root, [], {"/home/user": home, "/tmp": tmp_path})
    assert binds == [Bind(root / "home/user/app/program", "/home/user/app/program")]
    assert (home / "app/program").read_bytes() == b""
    assert binds[0].source.read_bytes() == b"program"


@pytest.mark.parametrize(
    "dest", ["relative", "/", "/opt/../etc/x", "/usr/bin/x", "/usr", "/proc/1/x", "/etc"]
)
def test_places_that_cannot_be(root, source, dest):
    shown = ["/usr", "/etc/ssl/certs"]
    with pytest.raises(UsageError):
        place([Placed(str(source), dest)], root, shown, {})


def test_a_link_of_the_root_is_not_followed(root, source):
    with pytest.raises(UsageError, match="something else is there"):
        place([Placed(str(source), "/bin/x")], root, ["/usr"], {})
    assert list((root / "usr/bin").iterdir()) == []


def test_a_link_of_the_vendor_is_not_followed_out(root, source, tmp_path):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    tree.mkdir()
    (tree / "door").symlink_to(outside)
    items = [Placed(str(tree), "/opt/tree"), Placed(str(source), "/opt/tree/door/x")]
    with pytest.raises(UsageError):
        place(items, root, [], {})
    assert list(outside.iterdir()) == []


def test_two_at_one_place(root, source):
    with pytest.raises(UsageError, match="something else is there"):
        place([Placed(str(source), "/opt/x")] * 2, root, [], {})


def test_a_source_that_became_a_link_or_a_pipe(root, source, tmp_path):
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(source)
    os.mkfifo(pipe)
    for odd in (link, pipe, tmp_path / "missing"):
        with pytest.raises(SandboxError, match="cannot place"):
            place([Placed(str(odd), "/opt/odd")], root, [], {})
    assert not (root / "opt/odd").exists()


def test_memory_that_runs_out_is_the_users_to_know(root, source, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "sendfile", full)
    with pytest.raises(UsageError, match="does not fit"):
        place([Placed(str(source), "/opt/x")], root, [], {})


def test_what_the_sandbox_shows_anyway_is_not_copied(root):
    item = Placed("/usr/bin/true", "/usr/bin/true")
    assert place([item], root, ["/usr"], {}) == []
    assert list((root / "usr/bin").iterdir()) == []
    verify(target(item, Path("/usr/bin/true").read_bytes()), root)


def test_the_same_place_of_the_sandboxs_own_is_refused(root, source):
    with pytest.raises(UsageError, match="the sandbox's own"):
        place([Placed("/dev/shm/x", "/dev/shm/x")], root, ["/usr"], {})


def test_verify_looks_at_the_copy(root, source):
    item = Placed(str(source), "/opt/program")
    place([item], root, [], {})
    source.write_bytes(b"other")
    verify(target(item, b"program"), root)
    with pytest.raises(SandboxError, match="run it again"):
        verify(target(item, b"other"), root)
