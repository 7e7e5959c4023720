"""What `ato doctor` says of audits in containers. Starts and builds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_ato.model.check import Check
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.octets import show
from pytest_ato.runtime.docker import image
from pytest_ato.runtime.docker.context import record
from pytest_ato.runtime.docker.engine import Engine, connect

ENGINE: Final = "engine"
"""The topic of the row that says whether there is one."""
_USE: Final = "only --ato-runtime=docker needs it"


def checks() -> Iterator[Check]:
    """Answer whether there is an engine, and whether it has the image."""
    try:
        engine = connect()
        version = engine.version()
    except CaptureUnavailable as error:
        found, _, cure = str(error).partition(": ")
        yield Check(topic=ENGINE, state="optional", found=f"{found}; {_USE}", cure=cure)
        return
    name = f"{version.get('Platform', {}).get('Name') or 'Docker'} {version.get('Version')}"
    yield Check(topic=ENGINE, state="ok", found=show(f"{name} at {_address(engine)}"))
    yield _image(engine)


def _image(engine: Engine) -> Check:
    found = image.look(engine, image.DEFAULT)
    if found is None:
        said = f"{image.DEFAULT} is not there yet; the first audit in a container builds it"
    elif found["Config"]["Labels"].get(image.RECORD) != record():
        said = f"{image.DEFAULT} is of other code; the next audit in a container builds it anew"
    else:
        return Check(topic="image", state="ok", found=f"{image.DEFAULT}, {found['Id'][7:19]}")
    return Check(topic="image", state="optional", found=said, cure="make image, in a checkout")


def _address(engine: Engine) -> str:
    """Where it is, as DOCKER_HOST says it; the SDK keeps another form for sockets."""
    socket = getattr(engine.get_adapter(engine.base_url), "socket_path", "")
    return f"unix://{socket}" if socket else str(engine.base_url)
