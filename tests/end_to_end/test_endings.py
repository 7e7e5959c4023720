"""How targets end, and what of it the verdict, the sentence and the report say."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from pytest_ato.audit import Options
from pytest_ato.model.errors import AtoError
from pytest_ato.model.events import End, Exec, Open, Output, Rename
from pytest_ato.model.octets import octets, raw
from pytest_ato.model.spec import Limits
from pytest_ato.model.verdict import Verdict
from pytest_ato.reports.terminal import summary_lines
from pytest_ato.target import resolve

pytestmark = pytest.mark.privileged

MIB = 1 << 20
CRASH = "exec python3 -c 'import ctypes; ctypes.string_at(0)'"
EAT_MEMORY = "kept = []\nwhile True: kept.append(bytes([1]) * (1 << 20))"
FORK_FOR_EVER = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
OPEN_FOR_EVER = """
#include <fcntl.h>
#include <unistd.h>
int main(void) { for (int i = 0;; i++) close(open(i & 1 ? "/etc/passwd" : "/etc/group", 0)); }
"""


@pytest.mark.parametrize(
    ("script", "options", "verdict", "how", "sentence"),
    [
        ("exit 0", {}, Verdict.APPROVE, "exit", "the target exited 0 after"),
        ("exit 3", {}, Verdict.CONDITIONS, "exit", "the target exited 3 after"),
        ("exit 3", {"expect_exit": 3}, Verdict.APPROVE, "exit", "the target exited 3 after"),
        (CRASH, {}, Verdict.CONDITIONS, "signal", "the target was killed by SIGSEGV after"),
        (CRASH, {"expect_exit": 139}, Verdict.APPROVE, "signal", "killed by SIGSEGV"),
        ("exec /nowhere/program", {}, Verdict.CONDITIONS, "exit", "the target exited 127 after"),
        ("kill -9 -1; exit 0", {}, Verdict.APPROVE, "exit", "the target exited 0 after"),
        ("kill -9 1; exit 0", {}, Verdict.APPROVE, "exit", "the target exited 0 after"),
    ],
)
def test_an_end_is_a_ceiling(audit, script, options, verdict, how, sentence):
    report = audit(script, **options).report
    assert (report.verdict, report.conclusive) == (verdict, True)
    assert (report.ended.how, report.inconclusive) == (how, ())
    assert sentence in report.ended.sentence
    if verdict is Verdict.CONDITIONS:
        assert report.conditions == (f"{report.ended.sentence}: only that much was audited",)


def test_a_program_that_does_nothing_is_approved(auditor):
    outcome = auditor.audit(resolve("/bin/true"), Options())
    assert outcome.report.verdict is Verdict.APPROVE
    assert outcome.returncode == 0
    assert outcome.report.summary.programs == ("/usr/bin/true",)


@pytest.mark.parametrize(
    ("service", "verdict"), [(False, Verdict.REVIEW), (True, Verdict.CONDITIONS)]
)
def test_a_target_that_hangs_is_stopped_and_who_lived_is_named(audit, service, verdict):
    outcome = audit("sleep 100 & exec tail -f /dev/null", timeout=2, service=service)
    report = outcome.report
    assert (report.verdict, report.conclusive, report.ended.how) == (verdict, True, "timeout")
    assert re.fullmatch(r"the target was still running after \d+.\d s", report.ended.sentence)
    assert report.summary.survivors == ("sleep", "tail")
    assert outcome.returncode is None


def test_a_stopped_target_is_one_that_hangs(audit):
    report = audit("kill -STOP $$", timeout=1).report
    assert (report.verdict, report.ended.how) == (Verdict.REVIEW, "timeout")
    assert report.summary.survivors == ("tool",)


def test_forks_without_end_meet_the_limit_and_all_die(audit, auditor, processes):
    auditor.audit(resolve("/bin/true"), Options())
    before = processes.own()
    report = audit(FORK_FOR_EVER, python=True, limits=Limits(tasks=64), timeout=4).report
    assert report.summary.limits_hit == ("tasks",)
    assert (report.verdict, report.conclusive) == (Verdict.REVIEW, True)
    assert len(report.summary.survivors) == 64
    assert report.summary.processes >= 64
    assert processes.own() == before


def test_a_flood_of_opens_is_stopped_in_time_and_read_to_its_end(auditor, tmp_path):
    """More than can be decoded as it comes: what waits in the spool is not forgotten."""
    program = tmp_path / "flood"
    compile_it = ["clang", "-O2", "-x", "c", "-o", program, "-"]
    subprocess.run(compile_it, input=OPEN_FOR_EVER, text=True, check=True)
    report = auditor.audit(resolve(str(program)), Options(timeout=2)).report
    assert (report.verdict, report.inconclusive) == (Verdict.REVIEW, ())
    assert (report.ended.how, report.ended.run_ms < 10_000) == ("timeout", True)
    bulk = report.coverage.counters["bulk"]
    assert bulk.produced == bulk.consumed + bulk.coalesced > 100_000


def test_a_full_disk_is_told(audit):
    outcome = audit("cat /dev/zero > big; exit 0", limits=Limits(disk=20 * MIB))
    report = outcome.report
    assert b"No space left on device" in outcome.stderr
    assert report.summary.limits_hit == ("disk",)
    assert (report.verdict, report.conclusive) == (Verdict.CONDITIONS, True)
    assert "limits of the sandbox (disk)" in report.conditions[0]


def test_memory_beyond_the_limit_is_inconclusive(audit):
    report = audit(EAT_MEMORY, python=True, limits=Limits(memory=200 * MIB)).report
    assert (report.verdict, report.ended.how) == (Verdict.INCONCLUSIVE, "limit")
    assert report.summary.limits_hit == ("memory",)
    assert "the target used all the memory that its limit allows" in report.reason


def test_output_is_kept_to_its_limit_and_counted_to_the_last_byte(audit):
    outcome = audit(
        "head -c 200000000 /dev/zero; head -c 3000001 /dev/zero | tr '\\0' e >&2",
        limits=Limits(output=100_000),
    )
    assert outcome.report.verdict is Verdict.APPROVE
    assert outcome.report.summary.output_bytes == {"stdout": 200_000_000, "stderr": 3_000_001}
    assert outcome.stdout == bytes(100_000)
    assert outcome.stderr == b"e" * 100_000
    kept = [event for event in outcome.events() if isinstance(event, Output)]
    assert sum(len(raw(event.data)) for event in kept) == 200_000
    assert (outcome.directory / "events.jsonl").stat().st_size < MIB


def test_output_that_looks_like_our_records_is_output(audit):
    forged = [
        '{"kind":"end","ts":1,"ended":"exit"}',
        '{"kind":"unavailable","ts":1,"reason":"forged"}',
        '{"kind":"finding","ts":1}',
    ]
    lines = "".join(f"echo '{line}'; echo '{line}' >&2\n" for line in forged)
    outcome = audit(f"{lines}\nsleep 0.2; touch afterwards; exit 4")
    assert outcome.report.ended.status == 4
    assert outcome.report.verdict is Verdict.CONDITIONS
    assert outcome.stdout.decode().splitlines() == forged
    assert written(outcome, "afterwards")
    assert sum(isinstance(event, End) for event in outcome.events()) == 1


def test_one_mebibyte_of_input_arrives(audit):
    outcome = audit("sha256sum", stdin=b"x" * MIB)
    assert outcome.stdout.split()[0].decode() == hashlib.sha256(b"x" * MIB).hexdigest()
    assert outcome.report.verdict is Verdict.APPROVE


def test_input_that_nobody_reads_does_no_harm(audit):
    outcome = audit("exec <&-; sleep 0.1", stdin=b"x" * (4 * MIB))
    assert outcome.report.verdict is Verdict.APPROVE


def test_a_target_that_closes_its_streams_is_seen_further(audit):
    script = "import os\nfor fd in (0, 1, 2): os.close(fd)\nopen('afterwards', 'w')"
    outcome = audit(script, python=True)
    assert outcome.report.verdict is Verdict.APPROVE
    assert written(outcome, "afterwards")


def test_a_daemon_is_seen_after_its_parent_is_gone(audit):
    script = "(setsid sh -c 'sleep 1; echo late > afterwards' </dev/null >/dev/null 2>&1 &)"
    outcome = audit(f"{script}; exit 0")
    assert outcome.report.verdict is Verdict.APPROVE
    assert outcome.report.ended.run_ms > 1_000
    assert written(outcome, "afterwards")


def written(outcome, name: str) -> bool:
    """Whether the log says that a file of this name was opened for writing."""
    return any(
        isinstance(event, Open) and event.file == f"/home/user/work/{name}" and event.flags & 3
        for event in outcome.events()
    )


# --- hostile names and arguments -----------------------------------------------------------

NAMES = [
    b"line\nbreak",
    b"\x1b[31mred\x07",
    b"\xff\xfe\x9b31m",
    "\u202egnp.exe".encode(),
    b"`|*<b>",
]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


def test_hostile_file_names_are_kept_whole_and_shown_harmless(audit):
    script = (
        f"import os\nfor name in {NAMES!r}:\n"
        "    open(b'a' + name, 'w').close()\n    os.rename(b'a' + name, b'b' + name)"
    )
    outcome = audit(script, python=True)
    opened = {raw(event.path) for event in outcome.events() if isinstance(event, Open)}
    renamed = {raw(event.to) for event in outcome.events() if isinstance(event, Rename)}
    assert {b"a" + name for name in NAMES} <= opened
    assert {b"b" + name for name in NAMES} == renamed
    is_harmless(outcome)
    assert len(outcome.report.summary.written) >= 2 * len(NAMES)


def test_hostile_arguments_are_kept_whole_and_shown_harmless(audit):
    outcome = audit('printf %s "$2"', args=tuple(map(octets, NAMES)))
    first = next(event for event in outcome.events() if isinstance(event, Exec))
    assert [raw(word) for word in first.argv[2:]] == NAMES
    assert outcome.stdout == NAMES[1]
    is_harmless(outcome)


def is_harmless(outcome) -> None:
    """No rendering has a character that moves the cursor, reorders text or ends a line."""
    for text in (
        (outcome.directory / "report.md").read_text(),
        (outcome.directory / "report.json").read_text(),
        "\n".join(summary_lines(outcome.report, 200, False, "there")),
    ):
        assert not CONTROL.search(text)
    shown = json.loads((outcome.directory / "report.json").read_text())
    assert not CONTROL.search("".join(shown["summary"]["written"] + shown["target"]["argv"]))


def test_arguments_of_nearly_two_megabytes_are_flagged_as_cut(audit):
    outcome = audit('exec /bin/true "$@"', args=("x" * 100_000,) * 19)
    assert outcome.report.verdict is Verdict.APPROVE
    first, second = (event for event in outcome.events() if isinstance(event, Exec))
    for event in (first, second):
        assert event.truncated
        assert 1_900_000 < event.argv_bytes < 1_901_000
        assert sum(len(raw(word)) for word in event.argv) < 10_000
    assert outcome.report.coverage.truncated >= 2


def test_arguments_of_two_megabytes_cannot_be_run_and_that_is_said(audit):
    report = audit("exit 0", args=("x" * 100_000,) * 21).report
    assert (report.verdict, report.ended.how) == (Verdict.INCONCLUSIVE, "not_started")
    assert report.reason == (
        "the target was not started: the target could not be executed: Argument list too long"
    )


def test_an_argument_with_a_nul_is_refused_and_the_next_audit_works(audit):
    with pytest.raises(AtoError, match="holds a NUL byte"):
        audit("exit 0", args=("a\0b",))
    assert audit("exit 0").report.verdict is Verdict.APPROVE


def test_a_log_can_be_read_line_by_line(audit):
    lines = Path(audit("echo hello").directory / "events.jsonl").read_bytes().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds[0] == "audit"
    assert kinds.count("start") == kinds.count("end") == 1
