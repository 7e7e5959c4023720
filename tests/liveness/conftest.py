"""Real audits by a capture process in which something breaks, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.runtime.local import LocalRuntime
from pytest_ato.target import resolve

HERE = Path(__file__).parent


def _load(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_end_to_end = _load(HERE.parent / "end_to_end/conftest.py")
processes = _end_to_end.processes
nothing_left = _end_to_end.nothing_left
vendor = _end_to_end.vendor


class FaultyRuntime(LocalRuntime):
    """Starts the capture process of `faulty_capture.py`, whose settings are `settings`."""

    def __init__(self, folder: Path, grace: float, settings: dict[str, object]) -> None:
        super().__init__("core", grace)
        self.orders = folder / "orders"
        self.orders.touch()
        (folder / "disk").mkdir()
        self._words = tuple(f"{name}={value}" for name, value in settings.items())

    def command(self) -> tuple[str, ...]:
        script = str(HERE / "faulty_capture.py")
        return (sys.executable, "-I", script, str(self.orders), *self._words)

    @property
    def pid(self) -> int:
        """Of the capture process."""
        assert self._process is not None
        return self._process.pid


class Faulty:
    """An auditor, and what is to break in its audits."""

    def __init__(self, folder: Path, grace: float, settings: dict[str, object]) -> None:
        self.runtime = FaultyRuntime(folder, grace, settings)
        self.auditor = Auditor(report_dir=folder / "reports", runtime=self.runtime)

    def audit(self, target: Path, *faults: str, **options: object) -> Outcome:
        """Audit once; each of `faults` is a line as in `faulty_capture.py`."""
        self.runtime.orders.write_text("\n".join(faults))
        options = {"network": "none", "timeout": 20, **options}
        return self.auditor.audit(resolve(str(target)), Options(**options))


@pytest.fixture(scope="module")
def faulty(
    nothing_left: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Faulty]]:
    """Make auditors: ``faulty(grace=2, bulk=1 << 18)``; settings as in `faulty_capture.py`."""
    made = []

    def make(*, grace: float = 60, **settings: object) -> Faulty:
        made.append(Faulty(tmp_path_factory.mktemp("faulty"), grace, settings))
        return made[-1]

    yield make
    for each in made:
        each.auditor.close()


@pytest.fixture
def meanwhile(processes) -> Iterator[Callable[[str, Callable[[int], object]], None]]:
    """Act once the target runs: ``meanwhile("sleep\\x00100", act)`` calls ``act(pid)``."""
    threads = []

    def start(target: str, act: Callable[[int], object]) -> None:
        threads.append(threading.Thread(target=lambda: act(processes.find(target))))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


@pytest.fixture(scope="session")
def flood(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of `flood.c`."""
    program = tmp_path_factory.mktemp("flood") / "flood"
    command = ["cc", "-O2", "-Wall", "-Werror", "-pthread", "-o", program, HERE / "flood.c"]
    subprocess.run(command, check=True)
    return program
