"""Baseline files: what programs did when somebody looked and accepted it.

Owns reading, writing and comparing them. A file is canonical JSON, sorted, an item a line, so that
a review shows what changes; it is replaced atomically, and one writer waits for another.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.detectors.facts import Fact, Kind, by_kind
from pytest_ato.detectors.vendor_drift import comparable
from pytest_ato.model.baseline import FORMAT, Baseline, Recorded
from pytest_ato.model.errors import PolicyError, UsageError
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show
from pytest_ato.model.policy import Source, Terms
from pytest_ato.policy.observe import Observed
from pytest_ato.target import files

LARGEST: Final = 64 << 20
"""Bytes of a baseline file that are read."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What differs between the record of one target and what it did."""

    new: tuple[tuple[str, str], ...]
    """Kind and value of each fact."""
    gone: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.gone)


def load(path: Path) -> tuple[Baseline, Source]:
    """Read a baseline; raises `UsageError` where no file is, `PolicyError` for what is none."""
    name = files.printable(path)
    with files.open_regular(path, "baseline") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise PolicyError(f"baseline {name} is larger than {LARGEST >> 20} MiB")
    try:
        baseline = msgspec.json.decode(content, type=Baseline)
    except MALFORMED as error:
        raise PolicyError(f"{name} is no baseline: {show(str(error))}; make it anew") from None
    if baseline.format > FORMAT:
        raise PolicyError(f"{name} was written by a newer version of this tool; update it")
    kinds = {kind for target in baseline.targets.values() for kind in target.facts}
    if unknown := sorted(kinds - set(Kind.__members__.values())):
        raise PolicyError(f"{name}: facts: no such kind: {show(unknown[0], 60)}")
    digest = hashlib.sha256(content).hexdigest()
    return baseline, Source(name=path.name, sha256=digest)


def under(terms: Terms, path: Path | None, *, update: bool) -> Terms:
    """`terms` with the baseline at `path`, which is only checked where it is to be updated.

    Raises `UsageError` or `PolicyError`.
    """
    if path is None:
        if update:
            raise UsageError("update-baseline needs to know which: give the option baseline, too")
        return terms
    if update and not path.exists():
        return terms
    if not path.exists():
        name = files.printable(path)
        raise UsageError(f"baseline {name} does not exist; make it with the option update-baseline")
    baseline, origin = load(path)
    return terms if update else replace(terms, baseline=baseline, baseline_source=origin)


def recorded(observed: Observed) -> Recorded:
    """What a baseline keeps of one audit."""
    facts = _values(comparable(observed.behaviour))
    return Recorded(sha256=observed.audit.spec.target.sha256, facts=facts)


def name_of(observed: Observed) -> str:
    """Under which name a baseline keeps it."""
    return observed.audit.spec.target.name


def compare(known: Recorded | None, done: Recorded) -> Difference:
    """What `done` has that `known` has not, and the other way round."""
    before, after = _pairs(known), _pairs(done)
    return Difference(new=tuple(sorted(after - before)), gone=tuple(sorted(before - after)))


def update(path: Path, observed: Observed) -> Difference:
    """Write what one target did into the file, which is made if need be, and say what changes.

    Raises `UsageError` or `PolicyError`.
    """
    name, done = name_of(observed), recorded(observed)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.parent):
            baseline = load(path)[0] if path.exists() else Baseline(targets={})
            difference = compare(baseline.targets.get(name), done)
            if difference or name not in baseline.targets:
                _write(path, Baseline(targets={**baseline.targets, name: done}))
            return difference
    except OSError as error:
        raise UsageError(
            f"cannot write the baseline {files.printable(path)}: {error.strerror}"
        ) from None


def encode(baseline: Baseline) -> bytes:
    """The file's content: keys and values sorted, an item a line."""
    plain = msgspec.to_builtins(baseline)
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _values(facts: Iterable[Fact]) -> dict[str, tuple[str, ...]]:
    found = by_kind(facts)
    return {
        str(kind): tuple(sorted({fact.value for fact in each}))
        for kind, each in found.items()
        if each
    }


def _pairs(target: Recorded | None) -> set[tuple[str, str]]:
    facts = target.facts if target else {}
    return {(kind, value) for kind, values in facts.items() for value in values}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, baseline: Baseline) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".baseline-", delete=False) as file:
        try:
            file.write(encode(baseline))
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
