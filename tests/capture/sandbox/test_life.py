"""How a target starts, how it ends, and that nothing stays behind whatever happens."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pytest_ato.capture.rundir import RunDir
from pytest_ato.model.spec import PlantFile

pytestmark = pytest.mark.privileged


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(condition, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_run_in_order(run):
    outcome = run("read line; echo got $line; echo bad >&2; exit 3", stdin=b"hello\n")
    assert outcome.messages == ["TargetExited", "Empty", "Closed"]
    assert (outcome.status, outcome.signal, outcome.empty) == (3, 0, True)
    assert (outcome.stdout, outcome.stderr) == (b"got hello\n", b"bad\n")
    assert outcome.limits_hit == []


def test_death_by_a_signal(run):
    outcome = run("kill -SEGV $$")
    assert (outcome.status, outcome.signal) == (0, signal.SIGSEGV)


def test_streams_open_by_name(run):
    outcome = run("cat /dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr", stdin=b"in\n")
    assert (outcome.stdout, outcome.stderr) == (b"in\nout\n", b"err\n")


def test_a_closed_input_ends(run):
    assert run("wc -c", stdin=b"").stdout == b"0\n"


def test_arguments_arrive_byte_for_byte(run):
    arguments = (b"", b" ", b"a\nb", b"\xff\x1b[31m", "é\u202e".encode(), b"x" * 100_000)
    outcome = run("import sys, os; print([os.fsencode(a) for a in sys.argv[1:]])", *arguments,
                  python=True)  # fmt: skip
    assert outcome.stdout == f"{list(arguments)}\n".encode()


def test_two_megabytes_of_arguments_are_refused_clearly(run):
    outcome = run("echo ran", *[b"x" * 100_000] * 21)
    assert outcome.exec_errno == errno.E2BIG
    assert outcome.stdout == b""


def test_nearly_two_megabytes_of_arguments_work(run):
    outcome = run("echo $#", *[b"x" * 100_000] * 19)
    assert outcome.stdout == b"19\n"


@pytest.mark.parametrize(
    ("content", "mode", "number"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(57), 0o700, errno.ENOEXEC),
        (b"#!/nowhere/interpreter\n", 0o700, errno.ENOENT),
        (b"#!/bin/sh\n", 0o600, errno.EACCES),
        (b"", 0o700, errno.ENOEXEC),
    ],
)
def test_what_cannot_be_executed(start, spec, tmp_path, content, mode, number):
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(mode)
    audit = start(spec(program))
    audit.record()
    outcome = audit.record()
    assert outcome.exec_errno == number
    assert outcome.messages == ["ExecFailed", "TargetExited", "Empty", "Closed"]


def test_a_private_file_of_root_runs(start, spec, script):
    program = script("cat /opt/vendor/tool | wc -l")
    program.chmod(0o700)
    audit = start(spec(program))
    audit.record()
    assert audit.record().stdout == b"2\n"


def test_a_daemon_lives_on_and_is_reaped(run):
    outcome = run("(setsid sh -c 'sleep 0.4; echo late' & ) ; echo early")
    assert outcome.stdout == b"early\nlate\n"
    assert outcome.messages == ["TargetExited", "Empty", "Closed"]
    assert outcome.after_exit_ms > 200


def test_many_orphans_are_all_reaped(run):
    outcome = run("for i in $(seq 100); do (sleep 0.05 & ) ; done")
    assert outcome.empty


def test_time_is_up(start, spec, script):
    audit = start(spec(script("sleep 60 & cat /dev/zero >/dev/null"), timeout=0.5))
    first = audit.record()
    outcome = audit.record()
    assert outcome.timed_out
    assert sorted(outcome.survivors) == [b"cat", b"sleep", b"tool"]
    assert not outcome.empty
    assert outcome.messages == ["Closed"]
    assert not any(alive(pid) for pid in first.pids)


def test_nothing_is_left_after_the_end(start, spec, script, tmp_path):
    audit = start(spec(script("true")))
    first = audit.record()
    audit.record()
    audit.process.wait()
    assert not Path(first.cgroup).exists()
    assert not any(Path("/sys/fs/cgroup").glob(f"*/**/{Path(first.cgroup).name}"))
    assert list((tmp_path / "run").iterdir()) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_kill_9_of_the_capture_process_leaves_nothing_alive(start, spec, script, tmp_path):
    audit = start(spec(script("(setsid sleep 300 &); exec sleep 300")))
    first = audit.record()
    procs = Path(first.cgroup, "cgroup.procs")
    assert eventually(lambda: len(procs.read_text().split()) == 4)
    pids = [int(pid) for pid in procs.read_text().split()]
    audit.process.kill()
    audit.process.wait()
    assert eventually(lambda: not any(map(alive, pids)))
    assert Path(first.cgroup).exists()
    assert (tmp_path / "run" / "0" / "data").exists()
    with RunDir.claim(tmp_path / "run") as rundir:
        assert rundir.slot == 0
        assert not Path(first.cgroup).exists()
        assert not any(Path("/sys/fs/cgroup").glob(f"*/**/{Path(first.cgroup).name}"))
        assert list(rundir.path.iterdir()) == []


def test_kill_9_before_the_release_leaves_nothing_alive(start, spec, script):
    audit = start(spec(script("sleep 300")), hold=True)
    first = audit.record()
    assert all(map(alive, first.pids))
    audit.process.kill()
    assert eventually(lambda: not any(map(alive, first.pids)))


def test_kill_9_of_bubblewrap_leaves_nothing_alive(start, spec, script):
    audit = start(spec(script("(setsid sleep 300 &); exec sleep 300")))
    first = audit.record()
    outer = next(pid for pid in first.pids if pid != first.init_pid)
    assert eventually(lambda: len(Path(first.cgroup, "cgroup.procs").read_text().split()) == 4)
    os.kill(outer, signal.SIGKILL)
    outcome = audit.record()
    assert not outcome.empty
    assert outcome.messages == ["Closed"]


def test_bubblewrap_has_no_environment_and_an_empty_command_line(start, spec, script):
    audit = start(spec(script("sleep 2"), env={"TOKEN": "value-of-token"}))
    first = audit.record()
    outer = next(pid for pid in first.pids if pid != first.init_pid)
    environ = Path(f"/proc/{outer}/environ").read_bytes()
    assert environ == b"" or environ.startswith(b"PWD=")
    command = Path(f"/proc/{outer}/cmdline").read_bytes()
    assert b"/opt/vendor" not in command
    assert b"value-of-token" not in command


def test_nobody_else_holds_the_targets_streams(start, spec, script):
    audit = start(spec(script("sleep 2")))
    for pid in audit.record().pids:
        holder = Path(f"/proc/{pid}/fd")
        assert eventually(lambda holder=holder: len(pipes(holder)) <= 1)  # its own complaints


def pipes(holder: Path) -> list[str]:
    links = []
    for path in holder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links.append(str(path.readlink()))
    return [link for link in links if link.startswith("pipe:")]


def test_planted_files_are_the_users_and_known_by_inode(start, spec, script):
    plants = (
        PlantFile(path=".aws/credentials", content=b"key", mtime=1_700_000_000),
        PlantFile(path="notes.csv", content=b"a,b\n", mode=0o644),
    )
    text = (
        "stat -c '%n %a %U %d %i %Y' /root/.aws/credentials /home/user/notes.csv; "
        "stat -c '%a %U %Y' ~/.aws; cat ~/.aws/credentials; echo; ls -A"
    )
    audit = start(spec(script(text), plants=plants))
    planted = audit.record().planted
    aws, notes, folder, content, *rest = audit.record().stdout.decode().splitlines()
    assert [name for name, _, _ in planted] == [
        "/home/user/.aws/credentials",
        "/home/user/notes.csv",
    ]
    assert aws.split()[1:] == ["600", "user", *map(str, planted[0][1:]), "1700000000"]
    assert notes.split()[1:5] == ["644", "user", *map(str, planted[1][1:])]
    assert folder == "700 user 1700000000"
    assert content == "key"
    assert rest == []  # the working directory is empty


def test_a_changed_target_does_not_run(start, spec, script):
    program = script("echo ran")
    wanted = spec(program)
    program.write_text("#!/bin/sh\necho other\n")
    record = start(wanted).record()
    assert record.error.startswith("SandboxError: the target changed")


def test_a_missing_bubblewrap_is_named(start, spec, script, tmp_path):
    record = start(spec(script("true")), env={"PATH": str(tmp_path)}).record()
    assert record.error == (
        "CaptureUnavailable: bubblewrap is not installed: apt-get install bubblewrap"
    )


def test_what_bubblewrap_says_is_passed_on(start, spec, script, tmp_path):
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "bwrap").write_text("#!/bin/sh\necho 'bwrap: no \033[31mluck' >&2\nexit 1\n")
    (fake / "bwrap").chmod(0o755)
    record = start(spec(script("true")), env={"PATH": str(fake)}).record()
    assert record.error == "SandboxError: the sandbox could not be made: bwrap: no \\x1b[31mluck"


def test_ordinary_programs_find_what_they_need(run):
    outcome = run(
        "set -e; getent hosts workstation; getent services https; whoami; cd; git init -q repo;"
        "awk 'BEGIN{print 1}'; openssl version >/dev/null; date +%Z; python3 -c '"
        "import ssl,sqlite3,multiprocessing as m; m.Lock();"
        "print(len(ssl.create_default_context().get_ca_certs()) > 10)'; echo hi > /dev/shm/x;"
        "mktemp >/dev/null; df / >/dev/null; echo end"
    )
    assert outcome.stderr == b""
    assert outcome.stdout.decode().split()[-2:] == ["True", "end"]


def test_the_built_init_is_static():
    from pytest_ato.capture.sandbox.process import INIT

    described = subprocess.run(["file", "-b", INIT], capture_output=True, text=True, check=True)
    assert "statically linked" in described.stdout
