"""One result for many processes: the first produces, the others wait and take it."""

from __future__ import annotations

import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest

from pytest_ato.model.errors import CaptureUnavailable, UsageError
from pytest_ato.plugin.sharing import SharedResults


def ask(directory: Path, answers: multiprocessing.Queue) -> None:
    def produce() -> Path:
        time.sleep(0.3)
        return directory / "result"

    answers.put(SharedResults(directory).once("key", produce))


def test_only_one_of_four_processes_produces(tmp_path):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    workers = [context.Process(target=ask, args=(tmp_path, answers)) for _ in range(4)]
    for worker in workers:
        worker.start()
    got = [answers.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert {path for path, _ in got} == {tmp_path / "result"}
    assert sorted(first for _, first in got) == [False, False, False, True]


def test_an_error_is_the_same_for_all(tmp_path):
    def refuse() -> Path:
        raise CaptureUnavailable("no BTF here")

    for _ in range(2):
        with pytest.raises(CaptureUnavailable, match="no BTF here"):
            SharedResults(tmp_path).once("key", refuse)


def test_a_crash_of_the_first_leaves_it_to_the_next(tmp_path):
    def crash() -> Path:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        SharedResults(tmp_path).once("key", crash)
    assert SharedResults(tmp_path).once("key", lambda: tmp_path) == (tmp_path, True)


def test_the_directory_is_private(tmp_path, monkeypatch):
    SharedResults(tmp_path / "shared")
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o700
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(UsageError, match="belongs to somebody else"):
        SharedResults(tmp_path / "shared")
