"""BCC's Python module: where it is, which one it is, and how its functions are typed.

Owns the import, which is late and by path: distributions install the module for their own Python,
it is plain Python over ``libbcc.so.0``, so ours can use it as well. The package that PyPI calls
``bcc`` is about something else.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol, cast

from pytest_ato.model.errors import CaptureUnavailable

INSTALL: Final = "apt-get install python3-bpfcc"
PLACES: Final = (
    "/usr/lib/python3/dist-packages",
    *(f"/usr/lib/python3.{minor}/site-packages" for minor in range(15, 8, -1)),
)
"""Where distributions put modules of their own Python: Debian's way, and Fedora's."""
_MARK: Final = "libbcc.py"
"""A file that the module must have to be BCC's."""


class Table(Protocol):
    """A map."""

    def get_fd(self) -> int:
        """Its descriptor, which stays the module's."""


class Function(Protocol):
    """A program in the kernel."""

    fd: int


class Module(Protocol):
    """A compiled program (``bcc.BPF``)."""

    def load_func(self, func_name: bytes, prog_type: int) -> Function:
        """Load one function into the kernel."""

    def attach_tracepoint(self, *, tp: bytes, fn_name: bytes) -> None:
        """Attach a loaded function to ``category:event``."""

    def attach_raw_tracepoint(self, *, tp: bytes, fn_name: bytes) -> None:
        """Attach a loaded function to an event of any category."""

    def __getitem__(self, name: bytes) -> Table:
        """The map of that name."""

    def cleanup(self) -> None:
        """Detach and unload everything."""


class ModuleType(Protocol):
    """The class of `Module`."""

    TRACEPOINT: int
    RAW_TRACEPOINT: int

    def __call__(self, *, text: bytes, cflags: Sequence[str]) -> Module:
        """Compile; raises Exception."""


def find(places: Iterable[str] = (*PLACES, *sys.path)) -> Path:
    """Return the folder of BCC's module; raises CaptureUnavailable in one line with the cure."""
    wrong = None
    for place in places:
        folder = Path(place) / "bcc"
        if (folder / _MARK).is_file():
            return folder
        if (folder / "__init__.py").is_file():
            wrong = wrong or folder
    if wrong:
        raise CaptureUnavailable(
            f"BCC is not installed: {INSTALL} (the module in {wrong} only has the same name)"
        )
    raise CaptureUnavailable(f"BCC is not installed: {INSTALL}")


def load(folder: Path) -> ModuleType:
    """Import the module in `folder`; raises CaptureUnavailable in one line with the cure."""
    spec = importlib.util.spec_from_file_location(
        "bcc", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    before = sys.modules.get("bcc")
    if before is not None and before.__spec__ == spec:
        return cast(ModuleType, before.BPF)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bcc"] = module  # its parts import each other by this name
    try:
        with _untouched():
            spec.loader.exec_module(module)
        return cast(ModuleType, module.BPF)
    except (ImportError, OSError, AttributeError) as error:
        del sys.modules["bcc"]
        raise CaptureUnavailable(f"BCC in {folder} cannot be used ({error}): {INSTALL}") from None


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """Import without leaving compiled files beside the distribution's, nor words of a younger
    compiler about its text."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.dont_write_bytecode = before
