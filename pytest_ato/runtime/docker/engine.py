"""Where the container engine is, and what keeps us from it, in words.

Owns the search in the order of the docker CLI: DOCKER_HOST, the context, the usual socket; then
Podman's. Imports the docker SDK, which nothing else does before an engine is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from pytest_ato.model.errors import CaptureUnavailable

Engine: TypeAlias = Any
"""``docker.APIClient``: the SDK has no types."""

_SOCKETS: Final = ("/var/run/docker.sock", "/run/podman/podman.sock")
_TIMEOUT: Final = 60.0
"""Seconds for one answer of the engine."""
_GREETING: Final = 10.0


def connect(timeout: float | None = _TIMEOUT) -> Engine:
    """Return a client of the first engine that there is, whose answers may take `timeout` seconds
    (None: for ever). Raises CaptureUnavailable with the cure."""
    place, options = _place(os.environ)
    return _client(place, options, timeout)


def _place(environment: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Address of the engine, and the options of the client for it."""
    if host := environment.get("DOCKER_HOST"):
        return host, _from_environment(environment)
    if context := _context(environment):
        return context
    for path in _sockets(environment):
        if Path(path).exists():
            return f"unix://{path}", {}
    raise CaptureUnavailable(
        "no container engine was found: start Docker or Podman here, or name one by DOCKER_HOST"
    )


def _sockets(environment: Mapping[str, str]) -> Iterator[str]:
    yield from _SOCKETS
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield f"{runtime}/podman/podman.sock"


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    from docker.utils import kwargs_from_env

    options: dict[str, Any] = kwargs_from_env(environment=dict(environment))
    options.pop("base_url", None)
    return options


def _context(environment: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    """The context that the user works in; None: the default one."""
    from docker.context import ContextAPI

    name = environment.get("DOCKER_CONTEXT") or None
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:  # whatever a broken ~/.docker comes to
        raise CaptureUnavailable(f"the docker context cannot be read: {error}") from error
    if context is None:
        raise CaptureUnavailable(f"there is no docker context {name!r}: see docker context ls")
    if context.Name == "default" or not context.Host:
        return None
    return str(context.Host), {"tls": context.TLSConfig} if context.TLSConfig else {}


def _client(place: str, options: Mapping[str, Any], timeout: float | None) -> Engine:
    from docker.api import APIClient

    _check_socket(place)
    try:
        engine = APIClient(
            base_url=place,
            version="auto",
            timeout=_GREETING,
            use_ssh_client=place.startswith("ssh://"),
            **options,
        )
    except Exception as error:  # the SDK's own, requests', ssl's, OSError, ValueError
        raise CaptureUnavailable(
            f"the container engine at {place} does not answer: {reason(error)}"
        ) from None
    engine.timeout = timeout
    return engine


def _check_socket(place: str) -> None:
    """Tell the usual two troubles apart, which the SDK calls the same."""
    path = place.removeprefix("unix://")
    if path == place:
        return
    if not Path(path).exists():
        raise CaptureUnavailable(f"no container engine listens at {path}: start it")
    if not os.access(path, os.R_OK | os.W_OK):
        raise CaptureUnavailable(
            f"no permission on {path}: add this user to its group (usermod -aG docker USER) and "
            "log in again"
        )


def reason(error: BaseException) -> str:
    """One line of what an engine or the SDK said."""
    said = getattr(error, "explanation", None) or _innermost(error)
    return " ".join(str(said).split())[:300]


def _innermost(error: BaseException) -> BaseException:
    seen = {id(error)}
    while (inner := error.__cause__ or error.__context__) and id(inner) not in seen:
        seen.add(id(inner))
        error = inner
    return error
