"""The audit image: found, else pulled or built, once, with progress; never silently.

Owns the decision which of the three, and what a failure of each means to the user.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_ato import __version__
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.octets import show
from pytest_ato.runtime.docker import context
from pytest_ato.runtime.docker.engine import Engine, reason
from pytest_ato.runtime.docker.steps import steps

DEFAULT: Final = f"pytest-ato:{__version__}"
"""The name of the image that is built from this installation."""
BASE: Final = "debian:bookworm-slim"
WHEELHOUSE: Final = "ATO_WHEELHOUSE"
"""Names a folder with the wheels of all that the image needs, for a build without PyPI."""
RECORD: Final = "org.pytest-ato.record"
_VERSION: Final = "org.opencontainers.image.version"
_SERVED: Final = "linux/amd64"

Progress = Callable[[str], None]


def ensure(engine: Engine, name: str, progress: Progress) -> str:
    """Return the id of the image `name`, got if it is not there; raises CaptureUnavailable.

    The default image is built, unless it is of this very installation; any other is pulled.
    """
    found = look(engine, name)
    if name == DEFAULT:
        if found is None or found["Config"]["Labels"].get(RECORD) != context.record():
            build(engine, name, progress)
            found = look(engine, name)
    elif found is None:
        pull(engine, name, progress)
        found = look(engine, name)
    if found is None:
        raise CaptureUnavailable(f"the image {name} vanished from the container engine: try again")
    _check(name, found)
    return str(found["Id"])


def build(
    engine: Engine,
    name: str,
    progress: Progress,
    *,
    arguments: Mapping[str, str] | None = None,
    wheelhouse: Path | None = None,
) -> None:
    """Build the image of this installation; raises CaptureUnavailable with the last words."""
    progress(f"building the audit image {name}, once")
    began = time.monotonic()
    given = wheelhouse or (Path(os.environ[WHEELHOUSE]) if os.environ.get(WHEELHOUSE) else None)
    values = {"VERSION": __version__, "RECORD": context.record(), **(arguments or {})}
    if given:
        values["NO_INDEX"] = "1"
    try:
        with context.context(given) as file:
            answer = engine.build(
                fileobj=file,
                custom_context=True,
                tag=name,
                rm=True,
                forcerm=True,
                decode=True,
                network_mode="host",
                buildargs=values,
            )
            for step in steps(answer):
                progress(step)
            progress(f"built the audit image {name} in {time.monotonic() - began:.0f} s")
    except Exception as error:  # the SDK's, requests', OSError
        raise CaptureUnavailable(
            f"the audit image {name} is not there and could not be built: {reason(error)}; "
            "name another by --ato-image"
        ) from None


def look(engine: Engine, name: str) -> dict[str, Any] | None:
    """What the engine knows of an image; None: it has none of that name."""
    from docker.errors import ImageNotFound

    try:
        found: dict[str, Any] = engine.inspect_image(name)
    except ImageNotFound:
        return None
    except Exception as error:
        raise CaptureUnavailable(f"the container engine does not answer: {reason(error)}") from None
    found["Config"]["Labels"] = found["Config"].get("Labels") or {}
    return found


def pull(engine: Engine, name: str, progress: Progress) -> None:
    """Get an image from its registry; raises CaptureUnavailable."""
    progress(f"pulling the audit image {name}, once")
    repository, tag = _parts(name)
    try:
        for step in steps(engine.pull(repository, tag=tag, stream=True, decode=True)):
            progress(step)
    except Exception as error:
        raise CaptureUnavailable(
            f"the audit image {name} is not there and could not be pulled: {reason(error)}; "
            "check --ato-image"
        ) from None


def _parts(name: str) -> tuple[str, str]:
    """Repository, and tag or digest: without one, an engine pulls all that there are."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, digest
    last = name.rpartition("/")[2]
    if ":" in last:
        repository, _, tag = name.rpartition(":")
        return repository, tag
    return name, "latest"


def _check(name: str, found: Mapping[str, Any]) -> None:
    """Refuse an image that cannot do this version's work."""
    version = found["Config"]["Labels"].get(_VERSION)
    if version != __version__:
        raise CaptureUnavailable(
            f"the image {name} has pytest-ato {show(str(version or 'nowhere'))}, this is "
            f"{__version__}: name an image of the same version by --ato-image"
        )
    platform = f"{found.get('Os')}/{found.get('Architecture')}"
    if platform != _SERVED:
        raise CaptureUnavailable(f"the image {name} is for {show(platform)}: {_SERVED} is needed")
