"""persistence: what is left for later, by any way of writing; reading and lookalikes are not."""

from __future__ import annotations

import errno
import os

import pytest

from pytest_ato.detectors.persistence import Persistence
from pytest_ato.detectors.startup import startup_kind
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND

PLACES = [
    ("/etc/crontab", "cron job"),
    ("/etc/cron.d/vendor", "cron job"),
    ("/etc/cron.daily/vendor", "cron job"),
    ("/var/spool/cron/crontabs/user", "cron job"),
    ("/etc/systemd/system/vendor.service", "systemd unit"),
    ("/home/user/.config/systemd/user/default.target.wants/v.service", "systemd unit"),
    ("/etc/init.d/vendor", "init script"),
    ("/etc/rc.local", "init script"),
    ("/home/user/.bashrc", "shell start-up file"),
    ("/root/.profile", "shell start-up file"),
    ("/home/user/.zshenv", "shell start-up file"),
    ("/etc/profile.d/vendor.sh", "shell start-up file"),
    ("/home/user/.config/fish/conf.d/v.fish", "shell start-up file"),
    ("/home/user/.local/lib/python3.11/site-packages/v.pth", "Python start-up file"),
    ("/usr/lib/python3/dist-packages/sitecustomize.py", "Python start-up file"),
    ("/home/user/.local/lib/python3.11/site-packages/usercustomize.py", "Python start-up file"),
    ("/home/user/project/.git/hooks/post-commit", "git hook"),
    ("/srv/project.git/hooks/update", "git hook"),
    ("/home/user/project/.git/modules/lib/hooks/pre-push", "git hook"),
    ("/home/user/.ssh/authorized_keys", "SSH login file"),
    ("/home/user/.ssh/rc", "SSH login file"),
    ("/home/user/.config/autostart/vendor.desktop", "desktop autostart entry"),
    ("/etc/xdg/autostart/vendor.desktop", "desktop autostart entry"),
]

NO_PLACES = [
    "/home/user/notes.bashrc",
    "/home/user/backup/profile",
    "/home/user/.bash_history",
    "/home/user/.config/vendor/settings",
    "/home/user/.ssh/known_hosts",
    "/home/user/.ssh/id_ed25519.pub",
    "/home/user/project/.git/hooks/post-commit.sample",
    "/home/user/project/.git/hooks/README",
    "/home/user/project/hooks/post-commit",
    "/home/user/lib/vendor.pth",
    "/home/user/.local/lib/python3.11/site-packages/vendor/__init__.py",
    "/home/user/crontab",
    "/etc/ld.so.preload",
    "/opt/vendor/etc/cron.d/vendor",
]


@pytest.mark.parametrize(("path", "kind"), PLACES)
def test_every_place(log, detect, path: str, kind: str) -> None:
    log.open(log.root, path, APPEND)
    (finding,) = detect(Persistence, log)
    assert finding.rule == "ATO-PER-027"
    assert finding.category is Category.PERSISTENCE
    assert finding.severity is Severity.HIGH
    assert finding.key.startswith(f"persistence:{kind.replace(' ', '_')}:")
    assert kind in finding.title
    assert finding.where == path
    assert [link.pid for link in finding.lineage] == [log.root]


@pytest.mark.parametrize(("path", "kind"), PLACES)
def test_reading_every_place(log, detect, path: str, kind: str) -> None:
    log.open(log.root, path, os.O_RDONLY)
    log.open(log.root, path, os.O_RDONLY, result=-errno.EACCES)
    assert detect(Persistence, log) == ()


@pytest.mark.parametrize("path", NO_PLACES)
def test_lookalikes(log, detect, path: str) -> None:
    log.write(log.root, path)
    rename(log, "/home/user/new", path)
    assert detect(Persistence, log) == ()


def rename(log, old: str, new: str, result: int = 0) -> None:
    log.add(
        ev.Rename,
        pid=log.root,
        call="renameat2",
        path=old,
        file=old,
        to=new,
        to_file=new,
        result=result,
    )


def link(log, old: str, new: str, symbolic: bool, result: int = 0) -> None:
    log.add(
        ev.Link,
        pid=log.root,
        call="symlinkat" if symbolic else "linkat",
        path=old,
        file=old,
        to=new,
        to_file=new,
        symbolic=symbolic,
        result=result,
    )


def test_one_key_for_all_ways_and_names_of_the_home(log, detect) -> None:
    log.write(log.root, ".profile")
    log.open(log.root, "/root/.profile", os.O_RDWR)
    rename(log, "/home/user/.profile.new", "/home/user/.profile")
    link(log, "/home/user/start", "/home/user/.profile", symbolic=True)
    link(log, "/proc/self/fd/3", "/home/user/.profile", symbolic=False)
    (finding,) = detect(Persistence, log)
    assert finding.key == "persistence:shell_start-up_file:~/.profile"
    assert finding.count == 5


@pytest.mark.parametrize("error", ["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR"])
def test_an_attempt_that_was_refused_is_medium(log, detect, error: str) -> None:
    log.open(log.root, "/etc/cron.d/vendor", APPEND, result=-getattr(errno, error), file=None)
    (finding,) = detect(Persistence, log)
    assert finding.severity is Severity.MEDIUM
    assert finding.title.endswith(f"refused ({error})")


def test_success_after_a_refusal_counts(log, detect) -> None:
    log.open(log.root, "/home/user/.bashrc", APPEND, result=-errno.EACCES)
    log.open(log.root, "/home/user/.bashrc", APPEND)
    (finding,) = detect(Persistence, log)
    assert finding.severity is Severity.HIGH
    assert "refused" not in finding.title


@pytest.mark.parametrize("error", ["EEXIST", "EINTR", "EMFILE", "EFAULT"])
def test_calls_that_failed_for_another_reason(log, detect, error: str) -> None:
    log.open(log.root, "/home/user/.bashrc", APPEND, result=-getattr(errno, error))
    link(log, "/home/user/start", "/home/user/.bashrc", True, result=-getattr(errno, error))
    assert detect(Persistence, log) == ()


@pytest.mark.parametrize(
    "path", ["/etc/cron.d/../../home/user/.bashrc", "//home/user/./.bashrc", "/root//.bashrc"]
)
def test_detours_in_a_path_that_was_refused(log, detect, path: str) -> None:
    log.open(log.root, path, APPEND, file=None, result=-errno.EACCES)
    (finding,) = detect(Persistence, log)
    assert finding.key == "persistence:shell_start-up_file:~/.bashrc"


def test_a_folder_put_in_place_as_a_whole(log, detect) -> None:
    link(log, "/home/user/mine", "/home/user/.config/autostart", symbolic=True)
    (finding,) = detect(Persistence, log)
    assert finding.where == "/home/user/.config/autostart"


def test_a_start_up_file_moved_away(log, detect) -> None:
    rename(log, "/home/user/.bashrc", "/home/user/old")
    link(log, "/home/user/.bashrc", "/home/user/copy", symbolic=False)
    assert detect(Persistence, log) == ()


@pytest.mark.parametrize("first", [True, False])
def test_pip_in_a_virtual_environment_of_the_targets_own(log, detect, first: bool) -> None:
    if first:
        log.write(log.root, "/home/user/environment/pyvenv.cfg")
    log.write(
        log.root,
        "/home/user/environment/lib/python3.11/site-packages/distutils-precedence.pth",
    )
    if not first:
        log.write(log.root, "/home/user/environment/pyvenv.cfg")
    assert detect(Persistence, log) == ()


@pytest.mark.parametrize("folder", ["/home/user/.local", "/home/user", "/home/user/other"])
def test_a_pyvenv_cfg_elsewhere_hides_nothing(log, detect, folder: str) -> None:
    log.write(log.root, f"{folder}/pyvenv.cfg")
    log.write(log.root, "/home/user/.local/lib/python3.11/site-packages/vendor.pth")
    assert len(detect(Persistence, log)) == 1


def test_another_home() -> None:
    assert startup_kind("/srv/ann/.bashrc", "/srv/ann") == "shell start-up file"
    assert startup_kind("/srv/ann/.bashrc") == ""


def test_hostile_names_stay_printable(log, detect) -> None:
    log.write(log.root, "/etc/cron.d/\x1b[2J\n" + "x" * 3000)
    (finding,) = detect(Persistence, log)
    assert finding.title.isprintable()
    assert len(finding.key) < 300
