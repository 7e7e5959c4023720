"""pytest-xdist: which worker gets which items, and what workers are told.

Imported only where pytest-xdist is in use. Invents no scheduler: it groups the items of one target
by the means of `LoadScopeScheduling`; every other test stays a group of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from pytest_ato.plugin import sharing
from pytest_ato.plugin.session import ARGUMENTS_INPUT, SHARED_INPUT, session_of

if TYPE_CHECKING:
    from xdist.remote import Producer  # type: ignore[import-untyped]
    from xdist.scheduler.protocol import Scheduling  # type: ignore[import-untyped]
    from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

SHARED: Final = pytest.StashKey[str]()
"""Directory that the controller made for its workers."""


def configure(node: WorkerController) -> None:
    """Send a worker the shared directory, made for the first one, and the real command line."""
    config = node.config
    if SHARED not in config.stash:
        directory = sharing.make_directory()
        config.stash[SHARED] = str(directory)
        config.add_cleanup(lambda: sharing.remove(directory))
    node.workerinput[SHARED_INPUT] = config.stash[SHARED]
    node.workerinput[ARGUMENTS_INPUT] = [str(arg) for arg in config.invocation_params.args]


def scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Group the items of one target, unless the user chose how to distribute."""
    chosen = any(arg.split("=")[0] == "--dist" for arg in map(str, config.invocation_params.args))
    if chosen or config.getoption("dist") != "load":
        return None
    return TargetScheduling(config, log)


class TargetScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Load scheduling in which the items of one target go to one worker."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._targets = frozenset(session_of(config).subjects)

    def _split_scope(self, nodeid: str) -> str:
        target = nodeid.split("::", 1)[0]
        return target if target in self._targets else nodeid
