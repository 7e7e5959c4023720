"""How the capture process is started: one file a way, and the choice between them."""

from __future__ import annotations

from typing import Final

from pytest_ato.model.errors import UsageError
from pytest_ato.runtime.interface import Runtime

RUNTIMES: Final = ("auto", "local", "docker")
LOADERS: Final = ("auto", "core", "bcc")


def choose(runtime: str, loader: str, image: str = "") -> Runtime:
    """Return the runtime of that name, not started yet; `image` is what a container is made of.

    Raises UsageError for an unknown name, CaptureUnavailable when ``auto`` finds none.
    """
    if runtime not in RUNTIMES:
        raise UsageError(f"no runtime is named {runtime!r}; known are: {', '.join(RUNTIMES)}")
    if loader not in LOADERS:
        raise UsageError(f"no loader is named {loader!r}; known are: {', '.join(LOADERS)}")
    from pytest_ato.runtime.automatic import decide

    name = decide().name if runtime == "auto" else runtime
    if name == "docker":
        from pytest_ato.runtime.docker.runtime import DockerRuntime

        return DockerRuntime(loader, image)
    from pytest_ato.runtime.local import LocalRuntime

    return LocalRuntime(loader)
