"""Imports each top-level module of the wheel or sdist in /opt/package, in this interpreter.

The folders are made site directories, so that a wheel's .pth files work as after an installation.
A module that fails does not keep the next from being imported; it is told in the exit status.
"""

import importlib
import site
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path("/opt/package")
WHEEL = any(PACKAGE.glob("*.dist-info/WHEEL"))
NOT_INSTALLED = {"setup", "conftest", "build", "dist", "src", "scripts", "tools"} | {
    *("test", "tests", "doc", "docs", "example", "examples", "benchmark", "benchmarks")
}
"""Beside an sdist's modules, by custom."""


def places() -> list[Path]:
    """Where modules lie that an installation would put beside each other."""
    if WHEEL:
        return [PACKAGE, *PACKAGE.glob("*.data/purelib"), *PACKAGE.glob("*.data/platlib")]
    (top,) = (path for path in PACKAGE.iterdir() if path.is_dir())
    return [path for path in (top / "src", top) if path.is_dir()]


def modules(folder: Path, prefix: str = "") -> Iterator[str]:
    """Names of the modules in a folder; of a namespace package, those in it."""
    for path in sorted(folder.iterdir()):
        name = path.name.partition(".")[0]
        if not name.isidentifier() or name == "__main__":
            continue
        if not WHEEL and name in NOT_INSTALLED:
            continue
        if path.is_dir() and path.name == name:
            if any(path.glob("__init__.*")):
                yield prefix + name
            elif WHEEL:
                yield from modules(path, f"{prefix}{name}.")
        elif path.suffix in (".py", ".so", ".pyc") and path.is_file():
            yield prefix + name


def imported(name: str) -> bool:
    """Whether the module could be imported."""
    try:
        importlib.import_module(name)
    except BaseException:  # also one that ends the interpreter
        traceback.print_exc()
        return False
    print("imported", name)
    return True


for place in places():
    site.addsitedir(str(place))
names = list(dict.fromkeys(name for place in places() for name in modules(place)))
if not names and not WHEEL:
    sys.exit("no module was found to be imported")
failed = [name for name in names if not imported(name)]
sys.exit(f"not imported: {', '.join(failed)}" if failed else 0)
