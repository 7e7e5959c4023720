"""The log under what happens to logs: other writers, kills, full disks, torn lines, tampering."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rfc8785

from pytest_ato.evidence.log.chain import Broken, Chain
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.model.errors import SigningError


def payloads(path: Path) -> list[object]:
    """Payloads of a log that is whole; raises `Broken` for one that is not."""
    chain, found = Chain(), []
    for line in path.read_bytes().splitlines():
        entry = chain.feed(line)
        if entry is not None and line.startswith(b'{"digest"'):
            found.append(json.loads(line)["payload"])
    chain.finish()
    return found


@pytest.fixture
def log(tmp_path: Path, signer: Signer) -> Iterator[EvidenceLog]:
    with EvidenceLog(tmp_path / "evidence.log", signer) as made:
        yield made


def test_one_head_covers_what_one_call_appends(log: EvidenceLog) -> None:
    head = log.append([{"n": 1}, {"n": 2}])
    assert (head.size, log.append([{"n": 3}]).size) == (2, 3)
    assert payloads(log.path) == [{"n": 1}, {"n": 2}, {"n": 3}]
    kinds = [json.loads(line)["kind"] for line in log.path.read_bytes().splitlines()]
    assert kinds == ["record", "record", "head", "record", "head"]


def test_batch_1_signs_after_each_record(tmp_path: Path, signer: Signer) -> None:
    with EvidenceLog(tmp_path / "log", signer, batch=1) as log:
        log.append([{"n": number} for number in range(3)])
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "log").read_bytes().splitlines()]
    assert kinds == ["record", "head"] * 3
    assert len(payloads(tmp_path / "log")) == 3


def test_heads_are_signed_with_fresh_nonces_over_the_line_without_the_signature(
    log: EvidenceLog, signer: Signer
) -> None:
    log.append([{"n": 1}])
    log.append([{"n": 1}])
    lines = [line for line in log.path.read_bytes().splitlines() if b'"kind":"head"' in line]
    heads = [json.loads(line) for line in lines]
    assert heads[0]["nonce"] != heads[1]["nonce"]
    for head in heads:
        signature = base64.b64decode(head.pop("signature"))
        assert signer.public.made(signature, rfc8785.dumps(head), head["algorithm"])
        assert head["key"] == signer.public.id


def test_a_slice_is_a_log_by_itself(log: EvidenceLog, tmp_path: Path) -> None:
    for number in range(5):
        log.append([{"n": number}])
    appended = log.append_slice([{"n": 5}, {"n": 6}])
    (tmp_path / "slice").write_bytes(appended.slice)
    assert payloads(tmp_path / "slice") == [{"n": 5}, {"n": 6}]


_APPENDS = """
import sys
from pathlib import Path
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers import open_signer
with open_signer("file:") as signer, EvidenceLog(Path(sys.argv[1]), signer) as log:
    for number in range(15):
        log.append([{"by": sys.argv[2], "n": number}, {"by": sys.argv[2], "n": number}])
"""


def test_concurrent_writers_lose_nothing(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "evidence.log"
    writers = [
        subprocess.Popen([sys.executable, "-c", _APPENDS, str(path), str(name)])
        for name in range(3)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    found = payloads(path)
    assert len(found) == 90
    for name in ("0", "1", "2"):
        mine = [each["n"] for each in found if each["by"] == name]  # type: ignore[index]
        assert mine == sorted(mine)


@pytest.mark.parametrize("cut", [1, 2, 30, 90, 400, 700])
def test_a_torn_end_is_told_and_mended_without_losing_a_line(
    log: EvidenceLog, signer: Signer, cut: int
) -> None:
    acknowledged = log.append([{"n": 1}, {"n": 2}])
    whole = log.path.read_bytes()
    log.append([{"n": 3}])
    torn = log.path.read_bytes()[:-cut]
    log.path.write_bytes(torn)
    with EvidenceLog(log.path, signer) as again:
        again.append([{"n": 4}])
    after = log.path.read_bytes()
    assert after.startswith(torn)  # only ever appended to
    assert after.startswith(whole)
    assert acknowledged.size == 2
    found = payloads(log.path)
    told = [each for each in found if each.get("type") == "repair"]  # type: ignore[attr-defined]
    assert found[:2] == [{"n": 1}, {"n": 2}]
    assert found[-1] == {"n": 4}
    last = torn.rsplit(b"\n", 1)[-1]
    assert len(told) == (1 if last and not last.endswith(b"}") else 0)


def test_a_crash_in_the_middle_of_a_repair_is_mended_too(log: EvidenceLog, signer: Signer) -> None:
    log.append([{"n": 1}])
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + b'{"digest":"12\n{"dig')
    with EvidenceLog(log.path, signer) as again:
        again.append([{"n": 2}])
    told = [each for each in payloads(log.path) if "lines" in each]  # type: ignore[operator]
    assert [line["line"] for line in told[0]["lines"]] == [3, 4]  # type: ignore[index]


_KILLED = """
import os, sys
from pathlib import Path
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers import open_signer
with EvidenceLog(Path(sys.argv[1]), open_signer("file:")) as log:
    for number in range(100_000):
        log.append([{"n": number, "fill": "x" * 3000}])
        os.write(1, b"%d\\n" % number)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "evidence.log"
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(20)]
            writer.send_signal(signal.SIGKILL)
            told += writer.stdout.readlines()
        acknowledged = [int(line) for line in told if line.endswith(b"\n")]
        with EvidenceLog(path, signer) as again:
            again.append([{"n": -1}])
        found = [each["n"] for each in payloads(path) if "n" in each]  # type: ignore[index, operator]
        last_run = found[:-1][len(found) - 1 - found[:-1][::-1].index(0) - 1 :]
        assert last_run[: len(acknowledged)] == acknowledged


@pytest.mark.privileged
def test_a_full_disk_is_an_error_and_costs_nothing_that_was_acknowledged(
    tmp_path: Path, signer: Signer
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        path = disk / "evidence.log"
        with EvidenceLog(path, signer) as log:
            done = 0
            with pytest.raises(SigningError, match="No space left"):  # noqa: PT012
                for number in range(100):
                    log.append([{"n": number, "fill": "x" * 3000}])
                    done += 1
            assert done > 5
            assert [each["n"] for each in payloads(path)] == list(range(done))  # type: ignore[index]
            subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
            log.append([{"n": "more"}])
            assert len(payloads(path)) == done + 1
    finally:
        subprocess.run(["umount", disk], check=True)


Change = Callable[[list[bytes]], list[bytes]]
_FLIP: dict[str, Change] = {
    "payload": lambda lines: [lines[0].replace(b'"n":1', b'"n":9'), *lines[1:]],
    "seq": lambda lines: [lines[0], lines[1].replace(b'"seq":1', b'"seq":2'), *lines[2:]],
    "root": lambda lines: _replace(lines, 2, rb'"root":".', b'"root":"0'),
    "removed": lambda lines: lines[1:],
    "removed in the middle": lambda lines: [lines[0], *lines[2:]],
    "head removed": lambda lines: [*lines[:2], *lines[3:]],
    "repeated": lambda lines: [lines[0], *lines],
    "head repeated": lambda lines: [*lines[:3], *lines[2:]],
    "swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "garbage in the middle": lambda lines: [lines[0], b"garbage", *lines[1:]],
    "foreign line": lambda lines: [lines[0], b'{"kind":"note"}', *lines[1:]],
}


def _replace(lines: list[bytes], index: int, pattern: bytes, by: bytes) -> list[bytes]:
    changed = re.sub(pattern, by, lines[index])
    if changed == lines[index]:
        changed = re.sub(pattern, by[:-1] + b"1", lines[index])
    return [*lines[:index], changed, *lines[index + 1 :]]


@pytest.mark.parametrize("name", _FLIP)
def test_a_changed_log_is_refused_with_the_line_and_left_alone(
    log: EvidenceLog, signer: Signer, name: str
) -> None:
    log.append([{"n": 1}, {"n": 2}])
    log.append([{"n": 3}])
    lines = _FLIP[name](log.path.read_bytes().splitlines())
    changed = b"\n".join([*lines, b""])
    log.path.write_bytes(changed)
    with (
        EvidenceLog(log.path, signer) as again,
        pytest.raises(SigningError, match=r"line \d+ .*nothing was added"),
    ):
        again.append([{"n": 4}])
    assert log.path.read_bytes() == changed
    with pytest.raises(Broken, match="line"):
        payloads(log.path)


def test_a_log_that_became_shorter_is_refused(log: EvidenceLog) -> None:
    log.append([{"n": 1}])
    first = log.path.read_bytes()
    log.append([{"n": 2}])
    log.path.write_bytes(first)
    with pytest.raises(SigningError, match="shorter"):
        log.append([{"n": 3}])


def test_a_signature_that_fails_leaves_the_log_alone(
    log: EvidenceLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([{"n": 1}])
    before = log.path.read_bytes()

    def gone(*_: object) -> bytes:
        raise SigningError("the token is gone")

    with monkeypatch.context() as patch:
        patch.setattr(log._signer, "sign", gone)
        with pytest.raises(SigningError, match="gone"):
            log.append([{"n": 2}])
    assert log.path.read_bytes() == before
    log.append([{"n": 2}])
    assert payloads(log.path) == [{"n": 1}, {"n": 2}]


def test_links_and_files_of_others_are_refused(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "open").write_bytes(b"")
    (tmp_path / "open").chmod(0o666)
    os.mkfifo(tmp_path / "fifo", 0o600)
    for name in ("link", "open", "fifo"):
        with EvidenceLog(tmp_path / name, signer) as log, pytest.raises(SigningError):
            log.append([{"n": 1}])
