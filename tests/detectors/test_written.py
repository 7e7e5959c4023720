"""Written files keep their writer over renames, links and new inodes, in bounded memory."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors import written
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.written import WrittenFiles
from pytest_ato.model.events import Exec, Link, Open, Rename, Unlink

WRITER = ProcessState(pid=7, ppid=1)


def opened(path: str, inode: int = 0) -> Open:
    flags = os.O_WRONLY | os.O_CREAT
    return Open(ts=1, pid=7, call="open", path=path, file=path, flags=flags, dev=1, inode=inode)


def executed(path: str, inode: int = 99, file: str = "/usr/bin/dash") -> Exec:
    return Exec(ts=2, pid=7, path=path, file=file, argv=(file, path), dev=1, inode=inode)


def write(files: WrittenFiles, path: str, inode: int = 0) -> written.WrittenFile:
    return files.written(opened(path, inode), WRITER, from_network=False, by_tool=True)


def renamed(old: str, new: str, result: int = 0) -> Rename:
    return Rename(ts=1, pid=7, call="rename", path=old, to=new, result=result)


def test_by_inode_and_by_path() -> None:
    files = WrittenFiles()
    file = write(files, "/a/b", inode=5)
    assert files.of(opened("/elsewhere", inode=5)) is file
    assert files.of(opened("/a/b")) is file
    assert files.of(opened("/a/b", inode=6)) is None
    assert files.script(executed("/a/b")) is file
    assert files.script(executed("//a/./b")) is file


def test_a_second_writer_adds_to_what_is_known() -> None:
    files = WrittenFiles()
    file = write(files, "/a/b", inode=5)
    other = ProcessState(pid=8, ppid=1)
    assert files.written(opened("/a/b", 5), other, from_network=True, by_tool=False) is file
    assert file.from_network
    assert not file.by_tool
    assert file.writer is WRITER


def test_renames_and_hard_links_keep_the_file() -> None:
    files = WrittenFiles()
    file = write(files, "/a/b")
    files.renamed(renamed("/a/b", "/a/c"))
    files.linked(Link(ts=1, pid=7, call="link", path="/a/c", to="/a/d"))
    assert file.paths == {"/a/c", "/a/d"}
    assert files.script(executed("/a/b")) is None
    assert files.script(executed("/a/d")) is file
    assert file.path == "/a/b"


def test_a_rename_onto_a_file_takes_its_name_away() -> None:
    files = WrittenFiles()
    old, new = write(files, "/a/b"), write(files, "/a/c")
    files.renamed(renamed("/a/c", "/a/b"))
    assert files.script(executed("/a/b")) is new
    assert old.paths == set()


@pytest.mark.parametrize("result", [-2, -13])
def test_calls_that_failed_change_nothing(result: int) -> None:
    files = WrittenFiles()
    file = write(files, "/a/b")
    files.renamed(renamed("/a/b", "/a/c", result))
    files.linked(Link(ts=1, pid=7, call="link", path="/a/b", to="/a/d", result=result))
    files.unlinked(Unlink(ts=1, pid=7, call="unlink", path="/a/b", result=result))
    assert file.paths == {"/a/b"}
    assert file.deleted == 0


def test_deleted_with_the_last_name() -> None:
    files = WrittenFiles()
    file = write(files, "/a/b")
    files.linked(Link(ts=1, pid=7, call="link", path="/a/b", to="/a/d"))
    files.unlinked(Unlink(ts=4, pid=7, call="unlink", path="/a/b"))
    assert file.deleted == 0
    files.unlinked(Unlink(ts=5, pid=7, call="unlink", path="/a/d"))
    assert file.deleted == 5


def test_a_symbolic_link_is_another_name_but_not_the_file() -> None:
    files = WrittenFiles()
    file = write(files, "/a/tool-1")
    files.linked(Link(ts=1, pid=7, call="symlink", path="tool-1", to="/a/tool", symbolic=True))
    assert files.script(executed("/a/tool")) is file
    files.unlinked(Unlink(ts=4, pid=7, call="unlink", path="/a/tool"))
    assert file.deleted == 0


def test_a_relative_path_is_no_script_when_a_program_runs() -> None:
    files = WrittenFiles()
    write(files, "/a/tool")
    program = Exec(ts=2, pid=7, path="./tool", file="/opt/tool", argv=("./tool",), inode=9)
    assert files.script(program) is None
    assert files.script(executed("other/tool")) is None


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(written, "MAX_FILES", 10)
    files = WrittenFiles()
    for number in range(50):
        write(files, f"/a/{number}", inode=number + 1)
    assert files.script(executed("/a/0")) is None
    assert files.of(opened("/x", inode=50)) is not None
    assert files.script(executed("/a/49")) is not None
