"""A machine that lacks something, or takes no report: one line that says what to do, exit code 2.

What is missing is hidden in a private mount namespace of the command alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pytest_ato.cli import USAGE

pytestmark = pytest.mark.privileged


def refused(process: subprocess.Popen[str]) -> str:
    """The one line with which the command refused; it printed nothing else and no traceback."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == USAGE, (out, err)
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("ato: ")
    return lines[0].removeprefix("ato: ")


@pytest.mark.parametrize(
    ("hidden", "network", "line"),
    [
        ("/usr/bin/bwrap", "sinkhole", "bubblewrap is not installed: apt-get install bubblewrap"),
        ("/usr/bin/bwrap", "none", "bubblewrap is not installed: apt-get install bubblewrap"),
        ("/usr/sbin/nft", "sinkhole", "nftables is not installed: apt-get install nftables"),
    ],
)
def test_a_missing_program_is_named(commands, tmp_path, hidden, network, line):
    (tmp_path / "nothing").touch(mode=0o000)
    hide = f"mount --bind '{tmp_path}/nothing' {hidden}"
    process = commands.ato("--network", network, "-o", "a/b", "/bin/true", shell=hide)
    assert refused(process) == line
    assert not (tmp_path / "a").exists()


def test_a_kernel_without_btf_is_named(commands, tmp_path):
    (tmp_path / "nothing").mkdir()
    hide = f"mount --bind '{tmp_path}/nothing' /sys/kernel/btf"
    line = refused(commands.ato("--loader=core", "/bin/true", shell=hide))
    assert line.startswith("the kernel has no BTF (/sys/kernel/btf/vmlinux is missing): use ")
    assert not (tmp_path / "ato-report").exists()


def test_pytest_says_it_for_each_item_and_fails(commands, tmp_path, vendor):
    (tmp_path / "nothing").touch(mode=0o000)
    hide = f"mount --bind '{tmp_path}/nothing' /usr/bin/bwrap"
    process = commands.pytest(f"--ato-target={vendor('exit 0')}", "-q", shell=hide)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "tool could not be audited: bubblewrap is not installed: apt-get install" in out
    assert "passed" not in out
    assert "Traceback" not in out
    assert not (tmp_path / "ato-report").exists()


AS_NOBODY = """
import os, sys
import docker
from pytest_ato import audit, cli, target
from pytest_ato.cli import run
from pytest_ato.detectors import registry
from pytest_ato.policy import verdict
from pytest_ato.runtime import automatic, local
from pytest_ato.runtime.docker import runtime
registry.load()
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture
def open_folder():
    """A directory that every user can enter and write."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def as_nobody(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Run `ato` as an unprivileged user, who need not be able to read its installation."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", AS_NOBODY, "run", *words],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_unprivileged_user_without_sudo_is_told_what_to_do(open_folder):
    line = refused(as_nobody(open_folder, "/bin/true"))
    assert line.startswith("capture needs root: run as root, allow sudo without a password")
    assert line.endswith("ato doctor")
    assert list(open_folder.iterdir()) == []


def test_a_report_directory_that_is_not_writable(open_folder):
    (open_folder / "reports").mkdir(mode=0o555)
    line = refused(as_nobody(open_folder, "-o", "reports", "/bin/true"))
    assert line.startswith(f"cannot write the report to {open_folder}/reports/true: Permission")
    assert line.endswith("give another place with --ato-report-dir")


def test_a_report_directory_on_a_read_only_disk(commands, tmp_path):
    (tmp_path / "disk").mkdir()
    mount = f"mount -t tmpfs -o ro none '{tmp_path}/disk'"
    line = refused(commands.ato("-o", "disk/reports", "/bin/true", shell=mount))
    assert ": Read-only file system; give another place with --ato-report-dir" in line


def a_file(place: Path) -> None:
    place.write_text("precious")


def a_link(place: Path) -> None:
    (place.parent / "elsewhere").mkdir()
    place.symlink_to(place.parent / "elsewhere")


def a_report_that_is_a_link(place: Path) -> None:
    place.mkdir()
    (place / "true").symlink_to("/etc")


def a_report_with_the_users_own_file(place: Path) -> None:
    (place / "true").mkdir(parents=True)
    (place / "true" / "precious.txt").write_text("precious")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (a_file, "File exists"),
        (a_link, "reports leads through the link"),
        (a_report_that_is_a_link, "true is a link, not a report"),
        (a_report_with_the_users_own_file, "holds precious.txt, which is no file of a report"),
    ],
)
def test_a_report_directory_that_is_something_else_is_left_alone(commands, tmp_path, make, words):
    make(tmp_path / "reports")
    before = snapshot(tmp_path)
    assert words in refused(commands.ato("-o", "reports", "/bin/true"))
    assert snapshot(tmp_path) == before


def snapshot(top: Path) -> dict[str, str]:
    return {
        str(path): path.read_text()
        if path.is_file()
        else path.is_symlink() and str(path.readlink())
        for path in top.rglob("*")
    }


@pytest.mark.parametrize("size", ["8k", "64k"])
def test_a_disk_that_fills_up_under_the_report(commands, vendor, tmp_path, size):
    """8k: no room for the first record; 64k: none for what the target does."""
    (tmp_path / "disk").mkdir()
    mount = f"mount -t tmpfs -o size={size} none '{tmp_path}/disk'"
    target = vendor("for i in $(seq 20); do ls -R /usr/share/zoneinfo >/dev/null; done")
    line = refused(commands.ato("-o", "disk", target, shell=mount))
    assert "cannot write the report to" in line
    assert ": No space left on device; give another place" in line


def test_an_audit_that_broke_on_a_full_disk_leaves_nothing_for_the_next(auditor, vendor, audit):
    """Its rest does not become the beginning of the next one."""
    from pytest_ato.audit import Options
    from pytest_ato.model.errors import UsageError
    from pytest_ato.reports.directory import ReportDirectory
    from pytest_ato.target import resolve

    append, seen = ReportDirectory.append, []

    def full(self: ReportDirectory, lines: bytes) -> None:
        before = len(seen)
        seen.extend(lines.split(b"\n"))
        if before < 40 <= len(seen):
            raise UsageError("the disk is full")
        append(self, lines)

    target = resolve(str(vendor("for i in 1 2 3 4 5 6 7 8 9; do : > first$i; done; sleep 1")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReportDirectory, "append", full)
        with pytest.raises(UsageError):
            auditor.audit(target, Options())
    outcome = audit(": > second")
    assert outcome.report.conclusive
    log = (outcome.directory / "events.jsonl").read_text()
    assert "second" in log
    assert "first" not in log
