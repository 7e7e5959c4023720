"""From what a test asks for (a call of `ato_trace`, a marker) to a subject.

Owns the signature that both share, and how markers and the session's options fill its gaps.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from pytest_ato.audit import Options
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import octets
from pytest_ato.plugin.subjects import Subject
from pytest_ato.settings import grammar
from pytest_ato.settings.settings import encoded, read_stdin
from pytest_ato.settings.table import NETWORKS

if TYPE_CHECKING:
    from pytest_ato.model.spec import Network
    from pytest_ato.plugin.session import AtoSession


@dataclass(frozen=True)
class Request:
    """An audit that a test asks for; what is None comes from markers, then from the options."""

    target: str | os.PathLike[str]
    """Path of the program."""
    args: Sequence[str | bytes] = ()
    env: Mapping[str, str] | None = None
    """Variables beyond the few that the sandbox sets."""
    stdin: bytes | str | os.PathLike[str] = b""
    """Content of standard input; a `Path` is read."""
    timeout: float | None = None
    """Seconds."""
    network: str | None = None
    """``sinkhole``, ``open`` or ``none``."""
    include: Sequence[str | os.PathLike[str]] = ()
    """Companions, each ``PATH`` or ``PATH:DEST``."""
    limit: Sequence[str] = ()
    """As of `--ato-limit`: ``memory=1G``."""
    service: bool | None = None
    expect_exit: int | None = None
    phase: str = ""
    """Of a package: ``install``, ``import``, a maintainer script; empty: its program."""


def from_marker(mark: pytest.Mark) -> Request:
    """Read `ato_target(path, ...)`; raises `UsageError`."""
    try:
        return Request(*mark.args, **mark.kwargs)
    except TypeError:
        names = ", ".join(field.name for field in dataclasses.fields(Request))
        raise UsageError(f"the marker ato_target takes {names}; target is required") from None


def allowed(node: pytest.Item) -> tuple[str, ...]:
    """Names that the markers `ato_allow` of a test accept."""
    return tuple(str(name) for mark in node.iter_markers("ato_allow") for name in mark.args)


def subject(request: Request, node: pytest.Item, session: AtoSession, base: Path) -> Subject:
    """Make the subject of a request; relative paths start from `base`. Raises `UsageError`."""
    if isinstance(request.args, (str, bytes)):
        raise UsageError("args is a list of arguments, not one string")
    settings = session.settings
    args = [os.fsencode(arg) for arg in request.args]
    env = dict(request.env or {})
    for name, value in env.items():
        grammar.variable(f"{name}={value}")
    grammar.executable_arguments(args, encoded(env))
    expected = settings.expect_exit if request.expect_exit is None else request.expect_exit
    return Subject(
        base / grammar.path(os.fspath(request.target)),
        tuple(_include(item, base) for item in request.include),
        Options(
            args=tuple(octets(arg) for arg in args),
            env=env,
            stdin=_stdin(request.stdin, base),
            timeout=_timeout(request, node, session),
            network=_network(request, node, session),
            limits=grammar.limits(request.limit) if request.limit else settings.limits,
            service=settings.service if request.service is None else request.service,
            expect_exit=grammar.exit_status(str(expected)),
            allow=settings.allow,
            unmask=settings.unmask,
        ),
        request.phase,
    )


def with_markers(command_line: Subject, node: pytest.Item, session: AtoSession) -> Subject:
    """The command line's subject as the markers of a test want it."""
    request = Request(command_line.path)
    options = dataclasses.replace(
        command_line.options,
        timeout=_timeout(request, node, session),
        network=_network(request, node, session),
    )
    return dataclasses.replace(command_line, options=options)


def _timeout(request: Request, node: pytest.Item, session: AtoSession) -> float:
    if request.timeout is not None:
        return grammar.timeout(str(request.timeout))
    mark = node.get_closest_marker("ato_timeout")
    return grammar.timeout(str(_only(mark))) if mark else session.settings.timeout


def _network(request: Request, node: pytest.Item, session: AtoSession) -> Network:
    mark = node.get_closest_marker("ato_network")
    chosen = request.network
    if chosen is None:
        chosen = str(_only(mark)) if mark else session.settings.network
    return cast("Network", grammar.choice(*NETWORKS)(chosen))


def _only(mark: pytest.Mark) -> object:
    if len(mark.args) != 1 or mark.kwargs:
        raise UsageError(f"the marker {mark.name} takes one value")
    value: object = mark.args[0]
    return value


def _include(item: str | os.PathLike[str], base: Path) -> grammar.Include:
    if not isinstance(item, str):
        return grammar.Include(str(base / item))
    include = grammar.include(item)
    return dataclasses.replace(include, source=str(base / include.source))


def _stdin(content: bytes | str | os.PathLike[str], base: Path) -> bytes:
    if isinstance(content, bytes):
        return content
    return content.encode() if isinstance(content, str) else read_stdin(base / content)
