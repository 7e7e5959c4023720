"""The report's directory: whole or not there, verifiable, and never in the way of others' files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.model.events import encode
from pytest_ato.model.record import Event
from pytest_ato.model.report import Report
from pytest_ato.reports import staging
from pytest_ato.reports.directory import ReportDirectory
from pytest_ato.reports.registry import RENDERERS
from pytest_ato.reports.write import write

FILES = ("events.jsonl", *(renderer.file_name for renderer in RENDERERS))
STEPS = ("directory.py", "staging.py", "write.py")
"""Files whose every call is a step at which the process may die."""


def put(place: Path, made: Report, line: bytes = b"{}") -> Path:
    with ReportDirectory(place, "app") as directory:
        directory.append(line)
        return directory.commit(made)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def fill(directory: ReportDirectory) -> None:
    for _ in range(1000):
        directory.append(b"x" * 4096)


def verified(directory: Path, files: Sequence[str] = FILES) -> dict[str, object]:
    """Check that everything is there and fits; return the report."""
    sidecars = [f"{name}.sha256" for name in files]
    assert names(directory) == sorted([*files, *sidecars])
    for sidecar in sidecars:
        digest, _, name = (directory / sidecar).read_text().rstrip("\n").partition("  ")
        assert hashlib.sha256((directory / name).read_bytes()).hexdigest() == digest
    data = json.loads((directory / "report.json").read_text())
    assert isinstance(data, dict)
    return data


def test_holds_the_log_and_each_rendering_with_a_sidecar(place, events, report) -> None:
    with ReportDirectory(place, "vendor-bin") as directory:
        for event in events:
            directory.append(encode(event))
        assert directory.commit(report(events)) == place / "vendor-bin"
    verified(place / "vendor-bin")
    sidecars = [f"{name}.sha256" for name in FILES]
    check = ["sha256sum", "--check", "--strict", *sidecars]
    subprocess.run(check, cwd=place / "vendor-bin", check=True)
    log = (place / "vendor-bin" / "events.jsonl").read_bytes().splitlines()
    assert log == [encode(event) for event in events]
    assert names(place) == ["vendor-bin"]


def test_only_its_owner_reads_the_raw_log(place, events, report) -> None:
    with ReportDirectory(place, "app") as directory:
        (raw,) = place.rglob("events.jsonl")
        assert stat.S_IMODE(raw.stat().st_mode) == 0o600  # while it grows, too
        final = directory.commit(report(events))
    assert stat.S_IMODE((final / "events.jsonl").stat().st_mode) == 0o600
    assert stat.S_IMODE((final / "report.json").stat().st_mode) & 0o600 == 0o600


def test_the_last_commit_replaces_the_one_before(place, events, report) -> None:
    put(place, report(events[:-2]))
    assert verified(place / "app")["verdict"] == "INCONCLUSIVE"
    put(place, report(events))
    assert verified(place / "app")["verdict"] == "APPROVE"
    assert names(place) == ["app"]


def test_what_is_not_committed_leaves_the_last_report(place, events, report) -> None:
    put(place, report(events))
    with ReportDirectory(place, "app") as directory:
        directory.append(b"{}")
    assert verified(place / "app")["verdict"] == "APPROVE"
    assert names(place) == ["app"]


def test_a_file_system_that_cannot_exchange_names_serves_as_well(
    place, events, report, monkeypatch
) -> None:
    monkeypatch.setattr(staging, "_exchange", lambda *_: False)
    put(place, report(events[:-2]))
    put(place, report(events))
    assert verified(place / "app")["verdict"] == "APPROVE"
    assert names(place) == ["app"]


def test_two_at_once_do_not_touch_each_other(place, events, report) -> None:
    with ReportDirectory(place, "one") as one, ReportDirectory(place, "two") as two:
        one.append(b"{}")
        two.append(b"{}")
        two.commit(report(events))
        one.commit(report(events[:-2]))
    assert verified(place / "one")["verdict"] == "INCONCLUSIVE"
    assert verified(place / "two")["verdict"] == "APPROVE"
    assert names(place) == ["one", "two"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_kill_at_any_step_leaves_the_old_report_or_the_new(
    place: Path,
    events: list[Event],
    report: Callable[..., Report],
    exchange: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not exchange:
        monkeypatch.setattr(staging, "_exchange", lambda *_: False)
    monkeypatch.setattr(
        "pytest_ato.reports.write.RENDERERS", RENDERERS[:2]
    )  # as good as all, in less steps
    old, new = report(events[:-2]), report(events)
    found = set()
    for step in range(10_000):
        put(place, old)
        child = os.fork()
        if child == 0:
            sys.setprofile(_killer(step))
            put(place, new)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if exchange:
            found.add(verified(place / "app", FILES[:3])["verdict"])
        ReportDirectory(place, "other").close()  # any next audit sweeps
        assert names(place) == ["app"]
        found.add(verified(place / "app", FILES[:3])["verdict"])
        if os.WIFEXITED(status):
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert step > 30
    assert found == {"INCONCLUSIVE", "APPROVE"}


def _killer(step: int) -> Callable[..., None]:
    """Kill this process at the given call that the code of reports makes."""
    left = step

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal left
        if event in ("call", "c_call") and Path(frame.f_code.co_filename).name in STEPS:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    return profile


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", ".ato-staging-x"])
def test_names_that_lead_elsewhere_are_refused(place, name) -> None:
    with pytest.raises(UsageError, match="cannot be named"):
        ReportDirectory(place, name)
    assert not place.exists()


@pytest.mark.parametrize("name", ["a\nb", "ü", "--x", " "])
def test_odd_names_are_names(place, events, report, name) -> None:
    with ReportDirectory(place, name) as directory:
        directory.commit(report(events))
    assert names(place) == [name]


def refused(place: Path, words: str) -> None:
    before = sorted(place.parent.rglob("*"))
    with pytest.raises(UsageError, match=words) as caught:
        ReportDirectory(place, "app")
    assert "\n" not in str(caught.value)
    assert "--ato-report-dir" in str(caught.value)
    assert sorted(place.parent.rglob("*")) == before


def test_files_of_others_are_never_replaced(place) -> None:
    (place / "app").mkdir(parents=True)
    (place / "app" / "thesis.tex").write_text("years of work")
    refused(place, r"holds thesis\.tex, which is no file of a report")
    assert (place / "app" / "thesis.tex").read_text() == "years of work"


def test_directories_of_others_are_never_replaced(place) -> None:
    (place / "app" / "report.json").mkdir(parents=True)
    refused(place, "no file of a report")


def test_files_that_come_during_the_audit_are_kept_as_well(place, events, report) -> None:
    with ReportDirectory(place, "app") as directory:
        (place / "app").mkdir()
        (place / "app" / "thesis.tex").write_text("years of work")
        with pytest.raises(UsageError, match=r"thesis\.tex"):
            directory.commit(report(events))
    assert names(place) == ["app"]
    assert names(place / "app") == ["thesis.tex"]


def test_an_empty_directory_and_one_of_another_version_are_replaced(place, events, report) -> None:
    for name in ("", "report.html", "results.sarif.sha256"):
        shutil.rmtree(place, ignore_errors=True)
        (place / "app").mkdir(parents=True)
        if name:
            (place / "app" / name).write_text("x")
        put(place, report(events))
        verified(place / "app")


def test_links_are_not_followed(place, tmp_path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.symlink_to(elsewhere)
    for through in (place, place / "below", place / ".." / "below"):
        refused(through, rf"leads through the link {place}: say {through.resolve()} if")
    place.unlink()
    place.mkdir()
    (place / "app").symlink_to(elsewhere)
    refused(place, "is a link")
    assert names(elsewhere) == []


@pytest.mark.privileged
def test_what_another_user_made_before_is_refused(place, monkeypatch) -> None:
    (place / "app").mkdir(parents=True)
    for theirs in (place / "app", place):
        os.chown(theirs, 4711, 4711)
        refused(place, rf"{theirs} belongs to another user \(uid 4711\)")
    monkeypatch.setenv("SUDO_UID", "4711")
    ReportDirectory(place, "app").close()


@pytest.mark.privileged
def test_a_file_system_that_is_read_only_is_told(tmp_path) -> None:
    disk = tmp_path / "disk"
    (disk / "ato-report").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk], check=True)
    try:
        refused(disk / "ato-report", "cannot write the report to .*: Read-only file system")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_in_the_way_is_told(place) -> None:
    place.write_text("")
    refused(place, "cannot write the report to .*/app: (File exists|Not a directory)")
    place.unlink()
    place.mkdir()
    (place / "app").write_text("")
    refused(place, "cannot write the report to .*/app: Not a directory")


def as_nobody(act: Callable[[], None]) -> str:
    """Run `act` as a user without rights to anything; return what its UsageError said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            act()
        except UsageError as error:
            said = str(error)
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.waitpid(child, 0)
    return os.read(reader, 4096).decode()


def test_a_place_that_is_not_writable_is_told_before_the_audit(tmp_path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    said = as_nobody(lambda: ReportDirectory(closed / "ato-report", "app").close())
    assert said.startswith("cannot write the report to ")
    assert ": Permission denied; give another place with --ato-report-dir" in said


@pytest.mark.privileged
def test_a_full_disk_is_told_and_leaves_the_last_report(tmp_path, events, report) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    try:
        put(disk / "r", report(events))
        full = pytest.raises(UsageError, match="No space left on device")
        with ReportDirectory(disk / "r", "app") as directory, full:
            fill(directory)
        with ReportDirectory(disk / "r", "app") as directory:
            (disk / "rest").write_bytes(bytes(shutil.disk_usage(disk).free))
            with full:
                directory.commit(report(events))
        verified(disk / "r" / "app")
        assert names(disk / "r") == ["app"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_renderings_alone_can_be_written_anywhere(tmp_path, events, report) -> None:
    write(report(events), tmp_path)
    write(report(events), tmp_path)
    renderings = [renderer.file_name for renderer in RENDERERS]
    assert names(tmp_path) == sorted([*renderings, *(f"{name}.sha256" for name in renderings)])
