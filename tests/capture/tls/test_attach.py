"""What is said of a file whose functions were found: watched, or why not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pytest_ato.capture.finder.search import look
from pytest_ato.capture.finder.wire import Found, Site
from pytest_ato.capture.loader.core import CoreLoader
from pytest_ato.capture.loader.interface import Place
from pytest_ato.capture.tls.attach import Attached, attach
from pytest_ato.model.events import Watched


class Answers(CoreLoader):
    """A loader that answers as it is told, without a kernel."""

    def __init__(self, answer: int | OSError) -> None:
        super().__init__()
        self.answer = answer
        self.places: list[Place] = []

    def watch(self, path: str, places: Sequence[Place]) -> int:  # noqa: ARG002
        self.places += places
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
def program() -> Iterator[int]:
    descriptor = os.open("/bin/true", os.O_RDONLY | os.O_CLOEXEC)
    yield descriptor
    os.close(descriptor)


def code_offset(descriptor: int) -> int:
    """Some place in the program's code: where it begins to run."""
    header = os.pread(descriptor, 64, 0)
    return int.from_bytes(header[24:32], "little")


def attached(loader: CoreLoader, descriptor: int, *sites: Site) -> Attached:
    event = Watched(ts=1, path="/bin/true", dev=1, inode=2)
    return attach(loader, descriptor, Found(number=1, sites=sites), event)


def test_what_is_watched_is_said_with_how(program: int) -> None:
    place = code_offset(program)
    loader = Answers(7)
    result = attached(loader, program, Site(offset=place, symbol="SSL_write", emulated=True))
    assert (result.handle, result.event.library) == (7, "openssl")
    assert (result.event.functions, result.event.problem) == ({"SSL_write": "emulated"}, "")
    assert [one.offset for one in loader.places] == [place]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(0, "this kernel has no program for it"), (OSError(28, "No space left"), "No space left")],
)
def test_a_refusal_is_said_and_nothing_is_called_watched(
    program: int, answer: int | OSError, why: str
) -> None:
    result = attached(
        Answers(answer), program, Site(offset=code_offset(program), symbol="SSL_write")
    )
    assert result.handle == 0
    assert result.event.functions == {"SSL_write": "refused"}
    assert result.event.problem == f"the kernel refused to watch it: {why}"


@pytest.mark.parametrize(
    "site",
    [
        pytest.param(Site(offset=0, symbol="SSL_write"), id="the header"),
        pytest.param(Site(offset=1 << 40, symbol="SSL_write"), id="behind the end"),
        pytest.param(Site(offset=-1, symbol="SSL_write"), id="before the beginning"),
    ],
)
def test_what_the_finder_says_is_not_believed_outside_the_code(program: int, site: Site) -> None:
    loader = Answers(7)
    good = Site(offset=code_offset(program), symbol="SSL_read")
    result = attached(loader, program, good, site)
    assert [one.function for one in loader.places] == ["SSL_read"]
    assert result.event.problem == "some of what was found in it lies outside its code"


def test_an_unknown_name_and_an_impossible_stack_are_left_out(program: int) -> None:
    loader = Answers(7)
    place = code_offset(program)
    wrong = (
        Site(offset=place, symbol="system"),
        Site(offset=place, symbol="SSL_write", shift=1 << 20),
    )
    attached(loader, program, Site(offset=place, symbol="SSL_read"), *wrong)
    assert [one.function for one in loader.places] == ["SSL_read"]


def test_a_file_that_the_finder_could_not_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "libssl.so.3"
    path.write_bytes(b"\x7fELF\x02\x01\x01".ljust(64, b"\xff"))
    with path.open("rb") as file:
        found = look(3, file)
        result = attach(
            Answers(7), file.fileno(), found, Watched(ts=1, path=str(path), dev=1, inode=2)
        )
    assert result.handle == 0
    assert result.event.problem.startswith("it is no ELF file that can be read")
