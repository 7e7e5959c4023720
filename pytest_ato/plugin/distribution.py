"""What the controller of pytest-xdist tells its workers.

Runs in every session that has workers, used or not, so it imports nothing of ours and makes
nothing: the shared directory is only named, and made by the first worker that audits.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

SHARED_INPUT: Final = "ato_shared"
"""Key of the directory that all workers of a session know."""
ARGUMENTS_INPUT: Final = "ato_arguments"
"""Key of the command line that the user wrote."""
_CLEANED: Final = pytest.StashKey[bool]()


def configure(node: WorkerController) -> None:
    """Name the shared directory to a worker, and pass on the real command line."""
    config: pytest.Config = node.config
    directory = Path(tempfile.gettempdir(), f"pytest-ato-{node.workerinput['testrunuid']}")
    if _CLEANED not in config.stash:
        config.stash[_CLEANED] = True
        config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))
    node.workerinput[SHARED_INPUT] = str(directory)
    node.workerinput[ARGUMENTS_INPUT] = [str(arg) for arg in config.invocation_params.args]
