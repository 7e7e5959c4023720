"""What lies outside stays out of reach, and what the target can list names nothing of it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from pathlib import Path

import pytest

from pytest_ato.model.spec import Limits, Placed

pytestmark = pytest.mark.privileged

SECRET = "AKIAQ3EGRZ6OUTSIDE7X"

SWEEP = f"grep -rsIl {SECRET} / --exclude-dir=proc --exclude-dir=usr --exclude=tool; "
CHECKOUT = Path(__file__).parents[3]
WORDS = ("ato", "pytest", "bwrap", "bubble", "sandbox", "/run/pytest", str(CHECKOUT))


@pytest.fixture
def planted_outside(tmp_path: Path):
    """Files with the secret in the places where real ones lie."""
    places = [
        Path.home() / ".aws-test" / "credentials",
        tmp_path / "workspace" / ".env",
        tmp_path / "vendor" / ".env",
        Path("/run") / f"secret-{os.getpid()}",
        Path("/tmp") / f"secret-{os.getpid()}",
        Path("/var/tmp") / f"secret-{os.getpid()}",
        Path("/dev/shm") / f"secret-{os.getpid()}",
        Path("/opt") / f"secret-{os.getpid()}",
        Path("/srv") / f"secret-{os.getpid()}",
    ]
    for place in places:
        place.parent.mkdir(exist_ok=True)
        place.write_text(SECRET)
        place.chmod(0o644)
    yield places
    for place in places:
        place.unlink()
    places[0].parent.rmdir()


def test_planted_secrets_are_not_found(run, planted_outside):
    outcome = run(SWEEP + "echo; for f; do cat $f; done", *map(os.fsencode, planted_outside))
    assert outcome.stdout == b"\n"
    assert outcome.stderr.count(b"No such file") == len(planted_outside)


def test_the_sweep_would_find_one(run, planted_outside, tmp_path):
    inside = (Placed(str(planted_outside[1]), "/opt/vendor/.env"),)
    assert run(SWEEP, include=inside).stdout == b"/opt/vendor/.env\n"


def test_links_of_the_vendor_do_not_lead_out(run, planted_outside, tmp_path):
    folder = tmp_path / "companions"
    (folder / "deep").mkdir(parents=True)
    for number, place in enumerate(planted_outside):
        (folder / f"absolute{number}").symlink_to(place)
        (folder / "deep" / f"relative{number}").symlink_to(os.path.relpath(place, folder / "deep"))
    (folder / "up").symlink_to("/")
    os.mkfifo(folder / "pipe")
    (folder / "plain").write_text("plain")
    include = (Placed(str(folder), "/opt/vendor/data"),)
    outcome = run(
        "cd /opt/vendor/data; cat absolute* deep/*; cat plain; test -e pipe || echo no pipe",
        include=include,
    )
    assert outcome.stdout == b"plainno pipe\n"


def test_the_launchers_environment_is_not_there(start, spec, script):
    text = f"env; grep -al {SECRET} /proc/[0-9]*/environ 2>/dev/null; true"
    audit = start(spec(script(text)), env={"AWS_SECRET_ACCESS_KEY": SECRET})
    host = Path(f"/proc/{audit.record().pids[0]}/environ").read_bytes()
    outcome = audit.record()
    assert SECRET not in outcome.stdout.decode()
    assert SECRET.encode() not in host


def test_the_environment_is_the_allow_list_and_the_spec(run):
    outcome = run("exec env", env={"GITHUB_TOKEN": "x=y", "HOME": "/elsewhere"})
    names = dict(line.split("=", 1) for line in outcome.stdout.decode().splitlines())
    assert names.pop("PWD") == "/home/user/work"
    names.pop("OLDPWD", None)
    names.pop("_", None)
    assert names == {
        "GITHUB_TOKEN": "x=y",
        "HOME": "/elsewhere",
        "LANG": "C.UTF-8",
        "LOGNAME": "user",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
        "SHELL": "/bin/bash",
        "TERM": "dumb",
        "USER": "user",
    }


def test_nothing_that_can_be_listed_names_the_host_or_us(run, tmp_path):
    big = tmp_path / "big"
    big.write_bytes(b"x" * (80 << 20))
    include = (
        Placed(str(big), "/opt/vendor/big"),
        Placed(str(big), "/home/user/given/big"),
        Placed(str(tmp_path / "vendor"), "/tmp/given"),
    )
    outcome = run(
        "cat /proc/self/mountinfo /proc/self/mounts /proc/self/cgroup /etc/host* /etc/passwd"
        " /etc/group /etc/resolv.conf /proc/sys/kernel/hostname; hostname; ls /dev /run /;"
        " ls -l /proc/$$/fd; tr '\\0' ' ' </proc/1/cmdline; ps -eo args",
        include=include,
        limits=Limits(disk=200 << 20),
    )
    text = outcome.stdout.decode()
    assert "/opt/vendor/tool" in text  # the listing of processes worked
    assert "/home/user/given/big" in text
    for word in (*WORDS, str(tmp_path), socket.gethostname() + "\n", sys.prefix):
        assert word not in text, word


def test_the_mounts_of_the_host_are_usr_and_etc_only(run):
    lines = run("cat /proc/self/mountinfo").stdout.decode().splitlines()
    fields = [line.split(" ") for line in lines]
    shown = {(line[3], line[4]) for line in fields}
    ours = {("/home", "/home/user"), ("/home", "/root"), ("/tmp", "/tmp"), ("/vartmp", "/var/tmp")}
    ours.add(("/shm", "/dev/shm"))
    assert ours <= shown
    for root, place in shown - ours:
        assert root == "/" or place.endswith(root), (root, place)
        assert root == "/" or place.startswith(("/usr", "/etc/", "/proc/", "/dev/", "/lib")), place
    read_only = {place for line in fields if "ro" in line[5].split(",") for place in [line[4]]}
    assert {
        "/",
        "/usr",
        "/proc/sys",
        "/proc/irq",
        "/etc/ssl/certs",
        "/etc/alternatives",
    } <= read_only
    assert "0::/\n" in run("cat /proc/self/cgroup").stdout.decode()


def test_the_host_is_not_seen_in_processes_users_or_network(run):
    outcome = run(
        "ls -d /proc/[0-9]* | wc -l; id -un; getent passwd | wc -l; cat /proc/net/dev | grep -c :;"
        "ipcs -a | grep -c 0x; cat /proc/net/unix | wc -l; getent hosts localhost"
    )
    processes, user, users, devices, ipc, unix, localhost, *_ = outcome.stdout.decode().split()
    assert int(processes) <= 5
    assert user == "user" != getpass.getuser()
    assert (users, devices, ipc, unix) == ("3", "1", "0", "1")  # lo; the head line of net/unix
    assert localhost == "::1"


def test_our_interpreter_is_not_offered(run):
    outcome = run(f"ls -d {CHECKOUT} {sys.prefix}; ls -A /opt /srv /mnt /media /home")
    assert outcome.stdout == b"/home:\nuser\n\n/media:\n\n/mnt:\n\n/opt:\nvendor\n\n/srv:\n"
