"""Hardening and rotation on real file systems, with writers at work and kills in between."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeAlias

import pytest

from pytest_ato.evidence.log import upkeep
from pytest_ato.evidence.log.files import segments
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.evidence.verification.log import LogResult, verify_log
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.model.errors import SigningError, UsageError, VerificationError

Disk: TypeAlias = Callable[[str], Path]


def verified(path: Path) -> LogResult:
    return verify_log(path, Keys())


def append(path: Path, signer: Signer, *values: object) -> None:
    with EvidenceLog(path, signer) as log:
        log.append([{"n": str(value)} for value in values])


@pytest.fixture
def disk(tmp_path: Path, lack: Callable[[str, str], NoReturn]) -> Iterator[Disk]:
    """Mount a new, small file system; unhardened and unmounted after the test."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(kind: str) -> Path:
        how = ["-t", kind, kind]
        if kind == "ext4":
            image = tmp_path / "image"
            with image.open("wb") as file:
                file.truncate(2 << 20)
            subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
            how = ["-o", "loop", str(image)]
        if subprocess.run(["mount", *how, place], check=False).returncode:
            lack("privileged", f"no {kind} can be mounted here")
        return place

    yield mount
    if place.is_mount():
        for log in place.glob("*evidence.log*"):
            subprocess.run(["chattr", "-a", log], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["umount", place], check=True)


# --- hardening


@pytest.mark.privileged
@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_a_hardened_log_can_only_grow(disk: Disk, signer: Signer, kind: str) -> None:
    log = disk(kind) / "evidence.log"
    append(log, signer, 1)
    try:
        upkeep.harden(log)
    except UsageError as error:  # a kernel before 6.6
        assert kind == "tmpfs"
        assert "has no append-only attribute" in str(error)  # noqa: PT017
        return
    upkeep.harden(log)  # twice is once
    whole = log.read_bytes()
    other = log.with_name("other")
    other.touch()
    for change in (
        lambda: log.write_bytes(b""),
        lambda: os.truncate(log, 0),
        lambda: log.open("r+b").close(),
        log.unlink,
        lambda: log.rename(log.with_name("gone")),
        lambda: other.replace(log),
    ):
        with pytest.raises(PermissionError):
            change()
    append(log, signer, 2)
    assert log.read_bytes().startswith(whole)
    assert verified(log).size == 2


@pytest.mark.privileged
def test_a_full_disk_under_a_hardened_log_is_repaired_by_the_next_record(
    disk: Disk, signer: Signer
) -> None:
    log = disk("ext4") / "evidence.log"
    append(log, signer, 1)
    upkeep.harden(log)
    filler = log.with_name("filler")
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):  # noqa: PT012
        while True:
            file.write(bytes(1024))
    done = 1
    with pytest.raises(SigningError, match="No space left"):  # noqa: PT012
        for number in range(100):
            append(log, signer, str(number) * 1000)
            done += 1
    acknowledged = log.read_bytes()
    filler.unlink()
    append(log, signer, "more")
    assert log.read_bytes().startswith(acknowledged)
    repairs = log.read_bytes().count(b'"type":"repair"')
    assert verified(log).size == done + 1 + repairs


@pytest.mark.privileged
def test_a_file_system_without_the_attribute_is_told(disk: Disk, signer: Signer) -> None:
    log = disk("ramfs") / "evidence.log"
    append(log, signer, 1)
    with pytest.raises(UsageError, match=r"has no append-only attribute .*; ext4, XFS, btrfs"):
        upkeep.harden(log)
    assert upkeep.rotate(log).name == "evidence.log.1"  # which needs no attributes
    assert verified(log).size == 1


_ATO = "import sys; from pytest_ato.cli import main; sys.exit(main())"


def command(*arguments: object, before: tuple[str, ...] = ()) -> tuple[int, str]:
    ran = subprocess.run(
        [*before, sys.executable, "-c", _ATO, "evidence", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.privileged
def test_the_command_says_what_it_did_or_who_may(disk: Disk, signer: Signer) -> None:
    log = disk("ext4") / "evidence.log"
    append(log, signer, 1)
    capability = ("setpriv", "--bounding-set=-linux_immutable", "--inh-caps=-linux_immutable")
    code, text = command("harden", "--log", log, before=capability)
    assert (code, "only root (CAP_LINUX_IMMUTABLE) can make" in text) == (2, True), text
    code, text = command("harden", "--log", log)
    assert (code, text) == (0, f"{log} can only be appended to, until root says chattr -a\n")
    code, text = command("harden", "--log", log.with_name("no.log"))
    assert (code, text) == (2, f"ato: there is no evidence log {log.with_name('no.log')}\n")


@pytest.mark.privileged
def test_a_hardened_log_is_rotated_by_root_and_hardened_after(disk: Disk, signer: Signer) -> None:
    log = disk("ext4") / "evidence.log"
    append(log, signer, 1, 2)
    upkeep.harden(log)
    before = log.read_bytes()
    old = upkeep.rotate(log)
    assert old.read_bytes() == before
    for each in (old, log):
        with pytest.raises(PermissionError):
            each.unlink()
    append(log, signer, 3)
    assert verified(log) == LogResult(0, 3, 2)


# --- rotation


def test_rotation_keeps_the_chain(tmp_path: Path, signer: Signer) -> None:
    log = tmp_path / "evidence[1].log"
    with EvidenceLog(log, signer) as writer:  # open all the time
        for number in range(1, 8):
            writer.append([{"n": number}])
            if number % 2 == 0:
                assert upkeep.rotate(log).name == f"evidence[1].log.{number}"
    assert [each.suffix for each in segments(log)] == [".2", ".4", ".6"]
    assert verified(log) == LogResult(0, 7, 7)
    segments(log)[0].unlink()
    assert verified(log).notes == ("it continues a log that is not here: records 0 to 1",)
    segments(log)[0].unlink()
    with pytest.raises(UsageError, match="has no record yet"):
        upkeep.rotate(upkeep.rotate(log).with_name("evidence[1].log"))


def test_segments_that_are_missing_or_exchanged_are_named(tmp_path: Path, signer: Signer) -> None:
    log = tmp_path / "evidence.log"
    for number in range(3):
        append(log, signer, number)
        upkeep.rotate(log)
    append(log, signer, "last")
    second = log.with_name("evidence.log.2")
    second.rename(tmp_path / "kept")
    with pytest.raises(VerificationError, match=r"evidence\.log\.3 does not continue the log"):
        verified(log)
    shutil.copy(log.with_name("evidence.log.1"), second)
    with pytest.raises(VerificationError, match=r"evidence\.log\.2 does not continue the log"):
        verified(log)
    (tmp_path / "kept").replace(second)
    assert verified(log).size == 4


_APPENDS = """
import sys
from pathlib import Path
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers import open_signer
with open_signer("file:") as signer, EvidenceLog(Path(sys.argv[1]), signer) as log:
    for number in range(40):
        log.append([{"n": number}])
"""


def test_writers_follow_a_rotation(tmp_path: Path, signer: Signer) -> None:
    log = tmp_path / "evidence.log"
    append(log, signer, "first")
    writers = [
        subprocess.Popen([sys.executable, "-c", _APPENDS, str(log)], env=dict(os.environ))
        for _ in range(2)
    ]
    rotations = 0
    while any(writer.poll() is None for writer in writers):
        try:
            upkeep.rotate(log)
            rotations += 1
        except UsageError as error:
            assert "has no record yet" in str(error)  # noqa: PT017
    assert [writer.wait() for writer in writers] == [0, 0]
    assert rotations
    assert verified(log).size == 81


_KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_ato.evidence.log import upkeep
real = getattr(os if sys.argv[2] == "link" else Path, sys.argv[2])
def last(*arguments):
    real(*arguments) if sys.argv[3] == "after" else None
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os if sys.argv[2] == "link" else Path, sys.argv[2], last)
upkeep.rotate(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("moment", ["link before", "link after", "rename after"])
def test_a_rotation_that_was_killed_leaves_a_whole_log(
    tmp_path: Path, signer: Signer, moment: str
) -> None:
    log = tmp_path / "evidence.log"
    append(log, signer, 1, 2)
    killed = subprocess.run([sys.executable, "-c", _KILLED, log, *moment.split()], check=False)
    assert killed.returncode == -9
    append(log, signer, 3)
    assert verified(log).size == 3
    upkeep.rotate(log)
    append(log, signer, 4)
    assert verified(log) == LogResult(0, 4, 3)
    last = "evidence.log.3"
    found = sorted(each.name for each in tmp_path.glob("*evidence.log*"))
    middle = ["evidence.log.2"] if moment == "rename after" else []
    assert found == ["evidence.log", *middle, last]


def test_a_log_that_is_not_whole_is_not_rotated(tmp_path: Path, signer: Signer) -> None:
    log = tmp_path / "evidence.log"
    with pytest.raises(UsageError, match="there is no evidence log"):
        upkeep.rotate(log)
    append(log, signer, 1)
    whole = log.read_bytes()
    for damaged, message in (
        (whole + b'{"digest":"12', "line 3 is torn"),
        (whole.replace(b'"n":"1"', b'"n":"2"'), "line 1 is record 0, and was changed"),
        (whole.splitlines(keepends=True)[0], "not covered by a signed head"),
    ):
        log.write_bytes(damaged)
        with pytest.raises(SigningError, match=message):
            upkeep.rotate(log)
        assert log.read_bytes() == damaged
    assert [each.name for each in tmp_path.glob("*log*")] == ["evidence.log"]
