"""What of an engine's lines is told as a step: lines of Docker 20.10 and of Podman 4.3."""

from __future__ import annotations

import pytest

from pytest_ato.runtime.docker.steps import steps


def said(*texts: str) -> list[dict[str, str]]:
    return [{"stream": text} for text in texts]


def test_the_instructions_of_a_build_are_its_steps_and_what_they_print_is_not() -> None:
    lines = said("Step 1/2 : FROM debian", "\n", " ---> 0123\n", "Step 9: not one", "noise\n")
    assert list(steps(lines)) == ["Step 1/2 : FROM debian"]
    assert list(steps(said("[1/2] STEP 2/2: RUN true\n"))) == ["[1/2] STEP 2/2: RUN true"]


def test_a_step_is_one_printable_line_of_bounded_length() -> None:
    (told,) = steps(said("Step 1/1 : RUN \x1b[2J" + "x" * 500 + "\nmore"))
    assert told.isprintable()
    assert len(told) == 100


def test_a_pull_is_told_by_its_layers() -> None:
    lines = [
        {"status": "Pulling from library/debian", "id": "bookworm-slim"},
        {"status": "Pulling fs layer", "id": "a"},
        {"status": "Pulling fs layer", "id": "b"},
        {"status": "Downloading", "id": "a", "progress": "[=>  ] 1MB/2MB"},
        {"status": "Pull complete", "id": "a"},
        {"status": "Pull complete", "id": "b"},
        {"status": "Status: Downloaded newer image"},
    ]
    assert list(steps(lines)) == ["1 of 2 layers", "2 of 2 layers"]


def test_an_error_is_raised_with_what_was_said_before_it() -> None:
    lines = [*said("Step 1/1 : RUN false", "E: no such package\n"), {"error": "returned 1\n"}]
    with pytest.raises(RuntimeError, match="E: no such package: returned 1"):
        list(steps(lines))
