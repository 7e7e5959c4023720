"""Keys made of paths: equal for two runs of one program, different for two behaviours."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors.paths import (
    home_relative,
    is_temporary,
    opens_for_writing,
    resolved,
    stable_path,
    text,
)
from pytest_ato.model.events import Open
from pytest_ato.model.octets import B64, octets


@pytest.mark.parametrize(
    ("path", "stable"),
    [
        ("/home/user/.bashrc", "~/.bashrc"),
        ("/root/.bashrc", "~/.bashrc"),
        ("/homework/x", "/homework/x"),
        ("/rootkit", "/rootkit"),
        ("/proc/4711/environ", "/proc/*/environ"),
        ("/proc/self/environ", "/proc/self/environ"),
        ("/tmp/tmpab3_x9zq/stage.bin", "/tmp/tmp*/stage.bin"),
        ("/tmp/tmp.QZx81KpwLe", "/tmp/tmp.*"),
        ("/tmp/cckTx0ab.s", "/tmp/cc*.s"),
        ("/tmp/_MEIa0Bx9q/libpython3.11.so.1.0", "/tmp/_MEI*/libpython3.*.so.*.*"),
        ("/tmp/go-build2839471/b001/exe/main", "/tmp/go-build*/b001/exe/main"),
        ("/tmp/pip-unpack-k3_x0pqz/a.whl", "/tmp/pip-unpack-*/a.whl"),
        ("/tmp/.x-9f8e7d6c5b", "/tmp/.x-*"),
        ("/tmp/.cache-window", "/tmp/.cache-*"),  # a word to the eye, mkstemp to the key
        ("/tmp/.cache-ttzhouxn", "/tmp/.cache-*"),
        ("/tmp/app.31337", "/tmp/app.*"),
        ("/tmp/conftest31337", "/tmp/conftest*"),
        ("/var/tmp/second_stage", "/var/tmp/second_stage"),
        ("/dev/shm/payload", "/dev/shm/payload"),
        ("/tmp/stage2", "/tmp/stage2"),
        ("/tmp/NetworkManager.sock", "/tmp/NetworkManager.sock"),
        ("/tmp/550e8400-e29b-41d4-a716-446655440000/x", "/tmp/*/x"),
        ("/tmp/../etc/cron.d/job", "/etc/cron.d/job"),
        ("//etc/./cron.d//job", "/etc/cron.d/job"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
        ("/opt/app/cache/0123456789abcdef/run", "/opt/app/cache/*/run"),
        ("/memfd:stage (deleted)", "/memfd:stage"),
        ("/tmp/.gone (deleted)", "/tmp/.gone"),
    ],
)
def test_stable_path(path: str, stable: str) -> None:
    assert stable_path(path) == stable


def test_the_given_home_wins() -> None:
    assert stable_path("/srv/people/ann/.profile", "/srv/people/ann") == "~/.profile"
    assert home_relative("/srv/people/annabel/x", "/srv/people/ann") == "/srv/people/annabel/x"


@pytest.mark.parametrize(
    ("prefix", "alphabet", "length", "least"),
    [
        ("tmp", string.ascii_lowercase + string.digits + "_", 8, 1.0),
        ("build-", string.ascii_lowercase + string.digits + "_", 8, 0.9),
        ("tmp.", string.ascii_letters + string.digits, 10, 1.0),
        ("sess_", string.ascii_letters + string.digits, 6, 0.9),
    ],
    ids=["tempfile", "tempfile with a prefix", "mktemp", "mkstemp with a prefix"],
)
def test_made_names_have_one_form(prefix: str, alphabet: str, length: int, least: float) -> None:
    chance = random.Random(7)
    forms = [
        stable_path(f"/tmp/{prefix}{''.join(chance.choices(alphabet, k=length))}/run")
        for _ in range(1000)
    ]
    assert forms.count(f"/tmp/{prefix}*/run") >= least * len(forms)


@given(st.binary(max_size=400))
def test_hostile_bytes_give_one_bounded_printable_line(path: bytes) -> None:
    stable = stable_path(octets(b"/tmp/" + path))
    assert len(stable) <= 200
    assert stable.isprintable()
    assert stable == stable_path(octets(b"/tmp/" + path))


@pytest.mark.parametrize("end", ["A", "0000"])
def test_a_name_of_any_length_is_read_once(end: str) -> None:
    """A search that tried each way to cut it into words would go on for ever."""
    assert stable_path("/tmp/" + "a" * 250 + end).startswith("/tmp/")


def test_text_keeps_bytes_that_are_not_utf8_visible() -> None:
    assert text(B64(b"/tmp/\xff")) == "/tmp/\\xff"


def test_places() -> None:
    assert is_temporary("/dev/shm/x")
    assert not is_temporary("/home/user/tmp/x")


@pytest.mark.parametrize(
    ("flags", "writes"), [(0, False), (0o100, False), (1, True), (2, True), (0o1000, True)]
)
def test_write_intent(flags: int, writes: bool) -> None:
    event = Open(ts=1, pid=1, call="openat", path="x", file="/y/x", flags=flags)
    assert opens_for_writing(event) is writes
    assert resolved(event) == "/y/x"
