"""The fixtures `ato_trace` and `findings`. Imports nothing of ours until a test uses one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ato.plugin.findings import Findings
    from pytest_ato.plugin.subjects import Subject
    from pytest_ato.plugin.trace import Trace


class Tracer:
    """What the fixture `ato_trace` gives: call it to audit a program."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._calls = 0

    def __call__(  # this is the signature that tests see; `Request` explains each parameter
        self,
        target: str | os.PathLike[str],
        args: Sequence[str | bytes] = (),
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes | str | os.PathLike[str] = b"",
        timeout: float | None = None,
        network: str | None = None,
        include: Sequence[str | os.PathLike[str]] = (),
        limit: Sequence[str] = (),
        service: bool | None = None,
        expect_exit: int | None = None,
        phase: str = "",
    ) -> Trace:
        """Run `target` in the sandbox, capture what it does, and return what was seen.

        Relative paths start from the current directory. What is not given comes from the markers
        of the test, then from the `--ato-*` options. Each call is an audit of its own. Raises
        `pytest_ato.model.errors.UsageError` for what cannot be run, and `CaptureUnavailable` where
        this machine cannot capture.
        """
        __tracebackhide__ = True
        from pytest_ato.model.errors import AtoError
        from pytest_ato.plugin import audits, requests

        request = requests.Request(
            target, args, env, stdin, timeout, network, include, limit, service, expect_exit, phase
        )
        self._calls += 1
        try:
            return audits.trace(self._item, request, Path.cwd(), self._calls)
        except AtoError as error:
            raise error.with_traceback(None) from None


@pytest.fixture
def ato_trace(request: pytest.FixtureRequest) -> Callable[..., Trace]:
    """Audit a program: ``trace = ato_trace("./vendor-bin", args=[...], timeout=30)``."""
    return Tracer(_item(request))


@pytest.fixture
def ato_subject(request: pytest.FixtureRequest) -> Subject:
    """What `findings` is about; one test for each target where there are several."""
    from pytest_ato.plugin import audits

    param: Subject | None = getattr(request, "param", None)
    found = [param] if param is not None else audits.subjects_of(_item(request))
    if not found:
        pytest.fail(
            "the fixture findings has no target: give --ato-target=PATH, or mark the test with "
            '@pytest.mark.ato_target("PATH")',
            pytrace=False,
        )
    return found[0]


# Not named `findings` itself: the package's attribute of that name is the module.
@pytest.fixture(name="findings")
def ato_findings(request: pytest.FixtureRequest, ato_subject: Subject) -> Findings:
    """Findings of the target of `--ato-target`, or of the marker `ato_target`."""
    from pytest_ato.plugin import audits

    return audits.findings(_item(request), ato_subject)


def _item(request: pytest.FixtureRequest) -> pytest.Item:
    item: pytest.Item = request.node
    return item
