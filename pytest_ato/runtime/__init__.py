"""How the capture process is started: one file a way, and the choice between them."""

from __future__ import annotations

from pytest_ato.model.errors import UsageError
from pytest_ato.runtime.interface import Runtime

RUNTIMES = ("auto", "local")
LOADERS = ("auto", "core", "bcc")


def choose(runtime: str, loader: str) -> Runtime:
    """Return the runtime of that name, not started yet; raises UsageError for an unknown one."""
    if runtime not in RUNTIMES:
        raise UsageError(f"no runtime is named {runtime!r}; known are: {', '.join(RUNTIMES)}")
    if loader not in LOADERS:
        raise UsageError(f"no loader is named {loader!r}; known are: {', '.join(LOADERS)}")
    from pytest_ato.runtime.local import LocalRuntime

    return LocalRuntime(loader)
