"""What one audit leaves is not there for the next, and nothing of the host is within reach."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pytest_ato.model.verdict import Verdict

pytestmark = pytest.mark.privileged

SECRET = "correct-horse-battery-staple"
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/home/user", "/home/user/work", "/home/user/.cache")


@pytest.fixture(scope="module", autouse=True)
def secret_environment():
    """Set before the module's auditor starts its capture process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CI_DEPLOY_TOKEN", SECRET)
        patch.setenv("LD_PRELOAD_TEST", SECRET)
        yield


def test_audits_after_each_other_do_not_share_files(audit):
    leave = "\n".join(f"mkdir -p {place}; echo left > {place}/left-behind" for place in PLACES)
    first = audit(f"set -e\n{leave}\necho changed > ~/.netrc; rm ~/.pgpass")
    assert (first.returncode, first.report.conclusive) == (0, True), first.stderr
    look = (
        "find / -name 'left-behind*' 2>/dev/null; ls -A /tmp /dev/shm .; cat ~/.netrc; ls ~/.pgpass"
    )
    second = audit(look)
    assert b"left" not in second.stdout
    assert b"changed" not in second.stdout
    assert second.stdout.rstrip().endswith(b"/home/user/.pgpass")


def test_each_audit_has_markers_of_its_own(audit):
    seen = [audit("env; cat ~/.netrc ~/.pgpass ~/.aws/credentials").stdout for _ in range(2)]
    words = [{word for word in out.replace(b"=", b" ").split() if len(word) >= 16} for out in seen]
    ours = [{word for word in each if not word.startswith(b"/")} for each in words]
    assert len(ours[0]) > 8
    assert not {word for word in ours[0] & ours[1] if any(48 <= byte < 58 for byte in word)}


def test_the_environment_of_whoever_audits_is_out_of_reach(audit):
    assert os.environ["CI_DEPLOY_TOKEN"] == SECRET
    outcome = audit(
        "env; cat /proc/*/environ /proc/*/cmdline /proc/*/task/*/environ | tr '\\0' '\\n'"
    )
    assert b"LOGNAME=user" in outcome.stdout
    assert SECRET.encode() not in outcome.stdout + outcome.stderr
    for path in outcome.directory.iterdir():
        assert SECRET not in path.read_text()


CONNECT = """
import socket, sys
for kind, *where in {targets!r}:
    try:
        with socket.socket(kind) as client:
            client.settimeout(2)
            client.connect(tuple(where) if len(where) > 1 else where[0])
            client.sendall(b"hello from inside")
            print("reached", *where)
    except OSError as error:
        print("refused", *where, error.errno)
"""


def test_sockets_of_the_host_are_out_of_reach(audit, tmp_path):
    abstract = b"\0pytest-test-" + os.urandom(8).hex().encode()
    in_tmp = str(tmp_path / "bus")
    with (
        socket.socket(socket.AF_UNIX) as hidden,
        socket.socket(socket.AF_UNIX) as named,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        hidden.bind(abstract)
        named.bind(in_tmp)
        for listener in (hidden, named, server):
            listener.listen()
            listener.settimeout(0.2)
        unix = int(socket.AF_UNIX)
        paths = ("/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket")
        targets = [(unix, where) for where in (abstract, in_tmp, *paths)]
        targets.append((int(socket.AF_INET), *server.getsockname()))
        outcome = audit(CONNECT.format(targets=targets), python=True)
        lines = outcome.stdout.decode().splitlines()
        assert len(lines) == len(targets), outcome.stderr
        assert all(line.startswith("refused") for line in lines), lines
        for listener in (hidden, named, server):
            with pytest.raises(TimeoutError):
                listener.accept()
    assert outcome.report.conclusive


def test_an_approved_program_stays_approved_in_any_order(audit):
    audit("cat ~/.aws/credentials | base64")
    assert audit("exit 0").report.verdict is Verdict.APPROVE


def test_nothing_of_the_host_shows_in_the_process_list(audit):
    outcome = audit("cat /proc/[0-9]*/comm; cat /proc/self/mountinfo /proc/self/cgroup; hostname")
    names = outcome.stdout.decode()
    for word in ("ato", "pytest", "bwrap", str(Path.cwd()), socket.gethostname()):
        assert word not in names.replace("/opt/", "")
