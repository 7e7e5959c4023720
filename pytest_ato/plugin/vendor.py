"""Nothing of a vendor's is imported by pytest: which paths it must not read as tests.

pytest imports `conftest.py` and `test_*.py` of every folder that it walks, so the folder of a
target, and every included directory, is left out of collection. The invocation directory, the root
directory and folders that the user names as test paths are the user's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.plugin import options
from pytest_ato.target.files import printable

KEY: Final = pytest.StashKey["Boundary"]()
CONFTEST = "conftest.py"


class Boundary:
    """What pytest must leave alone, for one set of targets and included directories."""

    def __init__(
        self,
        targets: Iterable[Path],
        directories: Iterable[Path],
        own: Iterable[Path],
    ) -> None:
        self._own = {form for path in own for form in _forms(path)}
        self.files = {form for path in targets for form in _forms(path)}
        folders = {file.parent for file in self.files}
        trees = {form for path in directories if path.is_dir() for form in _forms(path)}
        self.folders = (folders | trees) - self._own
        """Folders that are not walked."""

    def excludes(self, path: Path) -> bool:
        """Whether pytest must not collect `path`: a target's file, or a folder of the vendor's."""
        return any(form in self.files or form in self.folders for form in _forms(path))

    def refuse_conftests(self, test_paths: Sequence[Path]) -> None:
        """Refuse what pytest imports at its start, where nothing can be left out any more.

        It loads the `conftest.py` of each test path and of its subfolders named ``test*``.
        """
        for file in sorted(self.files):
            if file.name == CONFTEST:
                raise pytest.UsageError(
                    f"target {printable(file)} is named {CONFTEST}, which pytest imports; rename it"
                )
        for folder in sorted(self.folders):
            named = any(path == folder or folder in path.parents for path in test_paths)
            scanned = folder.name.startswith("test") and folder.parent in test_paths
            if scanned and not named and (folder / CONFTEST).exists():
                raise pytest.UsageError(
                    f"pytest would import the vendor's {printable(folder / CONFTEST)}: it loads "
                    f"the {CONFTEST} of every folder named test*; rename the folder, or name it "
                    "as a test path if those tests are your own"
                )


def boundary_of(config: pytest.Config) -> Boundary:
    """The boundary around the targets of the command line."""
    if KEY not in config.stash:
        own = (config.invocation_params.dir, config.rootpath)
        targets = options.target_paths(config, config.option)
        config.stash[KEY] = Boundary(targets, options.include_paths(config, config.option), own)
    return config.stash[KEY]


def refuse_conftests(config: pytest.Config, known: argparse.Namespace) -> None:
    """Refuse what pytest imports at its start; `known` are the options parsed so far."""
    invocation = config.invocation_params.dir
    named: list[str] = [str(name) for name in known.file_or_dir] or config.getini("testpaths")
    paths = [invocation / name.split("::", 1)[0] for name in named] or [invocation]
    try:
        included = options.include_paths(config, known)
    except UsageError as error:
        raise pytest.UsageError(f"ato_include: {error}") from None
    own = (invocation, config.rootpath)
    boundary = Boundary(options.target_paths(config, known), included, own)
    boundary.refuse_conftests([form for path in paths for form in _forms(path)])


def _forms(path: Path) -> tuple[Path, ...]:
    """A path as written and with its links resolved: pytest may come by either."""
    try:
        return path, path.resolve()
    except (OSError, RuntimeError):
        return (path,)
