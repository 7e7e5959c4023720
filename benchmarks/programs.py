"""The programs that are measured: targets in C, and the tool itself.

Owns how each is started; what is asked of it, and what is made of the answer, is a figure's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# Only pytest and this plugin: others that happen to be installed would be in every figure. Nothing
# of the caller's settings for Python: without bytecode files all imports are several times slower.
ALONE = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
ALONE["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
ATO = str(Path(sys.executable).with_name("ato"))
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
WITH_PLUGIN = (*PYTEST, "-p", "ato")

NO_TESTS = (5,)
"""pytest's exit status when it collected nothing."""
INCONCLUSIVE = 3
WITH_TRACEFS = (
    *("unshare", "--mount", "sh", "-c"),
    'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"',
    "sh",
)
"""Tracers need it, and it is not mounted everywhere."""


SLEEP = ("/bin/sleep", "600.25")
"""A target that waits; the argument tells it from any other sleep."""
_START = 20.0
"""Seconds that a tracer may take to start it."""


@dataclass(frozen=True)
class Place:
    """A scratch directory, with the compiled targets and an empty directory to start in."""

    path: Path

    def build(self) -> None:
        """Compile the targets."""
        self.empty.mkdir()
        for source in sorted((HERE / "targets").glob("*.c")):
            output = self.path / source.stem
            subprocess.run(
                ["cc", "-O2", "-Wall", "-Werror", "-pthread", "-o", output, source], check=True
            )

    @property
    def empty(self) -> Path:
        """Nothing is in it."""
        return self.path / "empty"

    def target(self, name: str) -> str:
        """Path of a compiled target."""
        return str(self.path / name)


def run(command: tuple[str, ...], place: Place, *, status: tuple[int, ...] = (0,)) -> str:
    """Run to its end and return what it printed; raise for an exit status not in `status`."""
    result = subprocess.run(
        command, cwd=place.empty, env=ALONE, capture_output=True, text=True, check=False
    )
    if result.returncode not in status:
        said = result.stderr or result.stdout
        raise RuntimeError(f"{command} ended with {result.returncode}: {said}")
    return result.stdout


@dataclass(frozen=True)
class Audited:
    """Where one audit left its files."""

    directory: Path

    def bulk(self) -> dict[str, int]:
        """Counts of the ring that opens go through."""
        report = json.loads(self.file("report.json").read_bytes())
        counts: dict[str, int] = report["coverage"]["counters"]["bulk"]
        if not report["conclusive"] and not counts["lost"]:
            raise RuntimeError(f"the capture was not whole: {report['inconclusive']}")
        return counts

    def events(self, kind: str) -> Iterator[dict[str, object]]:
        """Records of one kind."""
        start = f'{{"kind":"{kind}",'.encode()
        with self.file("events.jsonl").open("rb") as lines:
            yield from (json.loads(line) for line in lines if line.startswith(start))

    def stdout(self) -> str:
        """What the target printed."""
        return "".join(str(event["data"]) for event in self.events("output"))

    def file(self, name: str) -> Path:
        """Path of one of the files."""
        return self.directory / name


def python(code: str) -> tuple[str, ...]:
    """An interpreter that runs `code`, without a look at this directory."""
    return (sys.executable, "-I", "-c", code)


def audit(
    place: Place, target: str | Path, *args: object, options: Iterable[str] = ("--network=none",)
) -> Audited:
    """`ato run` on a target of ours, which must pass, or be INCONCLUSIVE for a loss.

    `target`: the name of a compiled one, or the path of a script.
    """
    reports = place.path / "reports"
    program = place.path / target  # which leaves an absolute path as it is
    words = (*options, f"--report-dir={reports}", str(program), "--", *map(str, args))
    run((ATO, "run", *words), place, status=(0, INCONCLUSIVE))
    return Audited(reports / program.name)


@contextmanager
def running(*command: str) -> Iterator[int]:
    """The pid of a program in the background, interrupted with the block; it has cleaned up after
    it."""
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_for_sleep() -> None:
    """Return once the traced `SLEEP` runs; every probe is attached before."""
    until = time.monotonic() + _START
    while not any(map(_is_sleep, Path("/proc").glob("[0-9]*/cmdline"))):
        if time.monotonic() > until:
            raise RuntimeError(f"no tracer started its target within {_START:g} s")
        time.sleep(0.02)


def _is_sleep(file: Path) -> bool:
    try:
        words = file.read_bytes().split(b"\0")
    except OSError:  # it ended
        return False
    return words[0].endswith(b"sleep") and words[1:2] == [SLEEP[1].encode()]


@contextmanager
def bpffs(folder: Path) -> Iterator[Path]:
    """A BPF file system of its own in the new folder, gone afterwards."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
