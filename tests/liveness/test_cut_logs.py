"""A log of a real audit that was cut off, wherever that was, approves of nothing."""

from __future__ import annotations

import pytest

from pytest_ato.audit import replay
from pytest_ato.model.errors import UsageError
from pytest_ato.model.verdict import Verdict

pytestmark = pytest.mark.privileged

END = b'{"kind":"end",'


@pytest.fixture(scope="module")
def log(faulty, vendor) -> bytes:
    outcome = faulty().audit(vendor("cat /etc/passwd > /tmp/copy"))
    assert outcome.report.verdict is Verdict.APPROVE
    return (outcome.directory / "events.jsonl").read_bytes()


def verdict(path, content: bytes) -> Verdict | None:
    """Of a replay; None: it was refused."""
    path.write_bytes(content)
    try:
        return replay(path).report.verdict
    except UsageError:
        return None


def captured(log: bytes) -> list[bytes]:
    """The lines up to the `end` record; behind it is only what a replay makes anew."""
    lines = log.splitlines(keepends=True)
    return lines[: next(at for at, line in enumerate(lines) if line.startswith(END)) + 1]


def test_the_whole_log_is_approved(log, tmp_path):
    assert verdict(tmp_path / "log", log) is Verdict.APPROVE


def test_a_log_cut_between_records(log, tmp_path):
    lines = captured(log)
    for count in range(1, len(lines)):
        assert verdict(tmp_path / "log", b"".join(lines[:count])) is Verdict.INCONCLUSIVE


def test_a_log_cut_inside_a_record(log, tmp_path):
    lines = captured(log)
    for count in range(0, len(lines), 5):
        whole, cut = b"".join(lines[:count]), lines[count][:-20]
        assert verdict(tmp_path / "log", whole + cut) in (Verdict.INCONCLUSIVE, None)


@pytest.mark.parametrize("kind", ["audit", "start", "end"])
def test_a_log_without_a_record_that_frames_it(log, tmp_path, kind):
    lines = log.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(b'{"kind":"%s",' % kind.encode())]
    assert len(kept) == len(lines) - 1
    assert verdict(tmp_path / "log", b"".join(kept)) in (Verdict.INCONCLUSIVE, None)
