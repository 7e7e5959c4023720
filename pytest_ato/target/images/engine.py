"""An image by its name: written by the engine that has it, as `docker save` does. Pulls nothing."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from pytest_ato.model.errors import CaptureUnavailable, UsageError
from pytest_ato.model.octets import show
from pytest_ato.target.packages import unpack

SCHEME: Final = "image:"


def named(path: str) -> str:
    """Return NAME of ``image:NAME``; empty for a file.

    A target is a path to all who handle it, so a folder may have come before the scheme.
    """
    parts = path.split("/")
    for at, part in enumerate(parts):
        if part.startswith(SCHEME) and not Path(path).exists():
            return "/".join(parts[at:]).removeprefix(SCHEME)
    return ""


def save(name: str, folder: Path) -> Path:
    """Have the engine write the image `name` into `folder`; return the file.

    Raises `UsageError`, also for an image that is not there: it is for the user to pull.
    """
    from docker.errors import DockerException, ImageNotFound

    from pytest_ato.runtime.docker.engine import connect, reason

    shown = f"target {SCHEME}{show(name, 200)}"
    path = folder / "image.tar"
    try:
        engine = connect()
        found = engine.inspect_image(name)
        if found["Size"] > unpack.BYTES:
            raise UsageError(f"{shown} is an image of more than {unpack.BYTES >> 30} GiB")
        with path.open("wb") as file:
            for chunk in engine.get_image(found["Id"]):  # by its name, all its tags would come
                file.write(chunk)
    except CaptureUnavailable as error:
        raise UsageError(f"{shown} cannot be read: {error}") from None
    except ImageNotFound:
        command = f"docker pull {show(shlex.quote(name), 200)}"
        raise UsageError(f"{shown} is not in the engine here; get it first: {command}") from None
    except (DockerException, OSError, ValueError) as error:
        raise UsageError(f"{shown} cannot be saved: {reason(error)}") from None
    return path
