"""From a path to a `Target`: the checks, the hash, and the neutral place in the sandbox.

Every way in which a path is no usable program has its own one-line `UsageError`. Nothing is
executed, and no link of the vendor's leads to a file that was not named.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pytest_ato import elf
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.model.spec import ROOT, Package, PackagedFile, Placed, Target
from pytest_ato.settings.grammar import Include
from pytest_ato.target import files, images, includes, libraries, packages, programs
from pytest_ato.target.packages import phases
from pytest_ato.target.packages.phases import Phase

_LISTED = 2_000
"""Files of a package that are named in the log."""
_RESERVED = frozenset({"evidence.log", ".", "..", ""})
"""Names that mean something else in a report directory."""


def resolve(
    path: str,
    include: Iterable[Include] = (),
    *,
    guarded: Iterable[Path] = (),
    entry: str = "",
    phase: str = "",
) -> Target:
    """Check a program or package and its companions, and describe them byte for byte.

    `guarded` are directories (pytest's rootdir) that no included directory may be, contain or lie
    above, besides the working directory and the home. `entry` names the program of a package,
    relative to it; `phase` one of its phases, in place of the program. Raises `UsageError`.
    """
    targets = _opened(path, include, guarded, entry)
    if phase not in targets.names:
        what = f"no phase {show(phase, 40)}" if phase else "no program"
        has = ", ".join(name or "its program" for name in targets.names)
        raise UsageError(f"target {files.printable(targets.source)} has {what}; it has: {has}")
    return targets.target(phase)


def resolve_all(
    path: str, include: Iterable[Include] = (), *, guarded: Iterable[Path] = (), entry: str = ""
) -> tuple[Target, ...]:
    """As `resolve`, but a target for each phase of a package, in the order of their running.

    The program, where there is one, comes last.
    """
    targets = _opened(path, include, guarded, entry)
    return tuple(map(targets.target, targets.names))


def _opened(path: str, include: Iterable[Include], guarded: Iterable[Path], entry: str) -> _Opened:
    if wanted := images.named(path):
        source = packages.save_image(wanted)
        try:
            return _Named(wanted, str(source), include, guarded, entry)
        finally:
            source.unlink()
    return _Opened(path, include, guarded, entry)


class _Opened:
    """What lies at a path, of which each phase becomes a target."""

    def __init__(
        self, path: str, include: Iterable[Include], guarded: Iterable[Path], entry: str
    ) -> None:
        self._name = Path(path).name
        self.source = source = files.resolved(path, "target")
        _require_text(source)
        guarded = tuple(guarded)
        if source.is_dir():
            includes.check_directory(source, guarded, "target")
        self._package = packages.open_package(source, self._name, entry)
        if entry and self._package is None:
            raise UsageError(
                f"target {files.printable(source)} is one file: it needs no --ato-entry"
            )
        self._included = [includes.place(item, guarded) for item in include]
        self._image = self._package.image if self._package else None
        if self._image and self._included:
            raise UsageError("--ato-include: an image has all it needs in it; nothing can be added")
        self._identity = self._identified()
        self.names = self._package.names if self._package else ("",)

    def target(self, name: str) -> Target:
        """Describe one of `names`; raises `UsageError`."""
        source, package = self.source, self._package
        phase = package.phase(name) if package else None
        if phase:
            _check_phase(phase, source)
        program = phase.driver if phase else (package.program if package else None) or source
        image = self._image
        with programs.open_program(program) as file:
            parsed = programs.parse(file, program) if image is None else None
            is_script = os.pread(file.fileno(), 2, 0) == b"#!"
            size = os.fstat(file.fileno()).st_size
            digest = own = files.sha256(file)
        if phase:
            placed = list(_places_of(phase))
        elif package:
            place = "/" if image else str(Path("/opt", self._name))
            placed = [Placed(str(package.tree), place)]
        else:
            placed = list(_places(source, self._name, parsed))
        placed += self._included
        _refuse_clashes(placed)
        described = [Placed(f"{package.tree}/{ROOT}", "")] if package and image else placed
        own_git = image is not None
        digests = sorted(each for item in described for each in includes.digests(item, own_git))
        if self._identity:
            size, digest = self._identity
        suffix = f".{name}" if name else ""
        return Target(
            name=safe_name(self._name) + suffix,
            path=str(source),
            sha256=digest,
            size=size,
            format="script" if is_script else "elf",
            placed=tuple(placed),
            manifest_sha256=_manifest(digests),
            package=_described(package, phase, described, own, digests) if package else None,
            image=image,
        )

    def _identified(self) -> tuple[int, str] | None:
        """Size and hash of the file that a package is; None for one file and a directory."""
        if not self._package or self.source.is_dir():
            return None
        with files.open_regular(self.source, "target") as file:
            return os.fstat(file.fileno()).st_size, files.sha256(file)


class _Named(_Opened):
    """An image that an engine has: its identity is its digest, not the file's that was saved."""

    def __init__(
        self,
        wanted: str,
        saved: str,
        include: Iterable[Include],
        guarded: Iterable[Path],
        entry: str,
    ) -> None:
        super().__init__(saved, include, guarded, entry)
        self._wanted = wanted

    def target(self, name: str) -> Target:
        found = super().target(name)
        assert found.image is not None, "an engine saves images"
        return msgspec.structs.replace(
            found,
            name=safe_name(Path(self._wanted).name),
            path=f"image:{self._wanted}",
            image=msgspec.structs.replace(found.image, name=self._wanted),
        )

    def _identified(self) -> tuple[int, str] | None:
        assert self._image is not None, "an engine saves images"
        return self.source.stat().st_size, self._image.digest.removeprefix("sha256:")


def _check_phase(phase: Phase, source: Path) -> None:
    needed = phase.needed
    found = (
        programs.is_system_program(shutil.which(needed, path=phases.PATH) or "") if needed else True
    )
    if not found:
        raise UsageError(
            f"target {files.printable(source)}: its phase {phase.name} needs "
            f"{files.printable(needed)}, which the sandbox would not have: it has the programs "
            "of this machine under /usr and /bin"
        )


def _places_of(phase: Phase) -> Iterator[Placed]:
    yield Placed(str(phase.driver), phase.program)
    for source, dest in phase.shown:
        yield Placed(str(source), dest)


def _described(
    package: packages.Package,
    phase: Phase | None,
    placed: list[Placed],
    sha256: str,
    digests: list[tuple[str, str]],
) -> Package:
    shown = [str(path) for path, _ in phase.shown if path.is_dir()] if phase else [placed[0].source]
    tops = tuple(item.dest for item in placed if item.source in shown)
    inside = [
        PackagedFile(*each)
        for each in digests
        if any(each[0] == top or each[0].startswith(f"{top}/") for top in tops)
    ]
    if phase or package.program is None:
        program = placed[0].dest
    else:
        program = f"{placed[0].dest}/{package.program.relative_to(placed[0].source)}"
    return Package(
        kind=package.kind,
        phase=phase.name if phase else "",
        program=program,
        program_sha256=sha256,
        files=tuple(inside[:_LISTED]),
        files_total=len(inside),
        left_out=package.left_out,
    )


def safe_name(name: str) -> str:
    """Make a base name fit for a directory, a node id and a terminal; never empty."""
    safe = "".join(char if char.isalnum() or char in "._+-" else "_" for char in name)[:100]
    return f"_{safe}" if safe in _RESERVED or safe[0] in ".-" else safe


def _places(source: Path, name: str, parsed: elf.Elf | None) -> Iterator[Placed]:
    """Where the program and the libraries beside it go.

    A program of the system stays where it is: the sandbox has the host's /usr, and such programs
    find their parts relative to themselves.
    """
    if source.is_relative_to("/usr") and source.stat().st_mode & 0o005 == 0o005:
        yield Placed(str(source), str(source))
        return
    folder = Path("/opt", name)
    yield Placed(str(source), str(folder / name))
    if parsed is not None:
        for relative, library in sorted(libraries.companions(source, parsed).items()):
            yield Placed(str(library), str(folder / relative))


def _manifest(entries: list[tuple[str, str]]) -> str:
    """Hash over all placed files: lines of ``sha256  destination``, sorted by destination."""
    text = "".join(f"{digest}  {destination}\n" for destination, digest in entries)
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_clashes(placed: list[Placed]) -> None:
    taken: dict[str, str] = {}
    for item in placed:
        if item.dest in taken:
            raise UsageError(
                f"{files.printable(item.source)} and {files.printable(taken[item.dest])} would "
                f"both be at {files.printable(item.dest)}; give one another DEST"
            )
        taken[item.dest] = item.source


def _require_text(source: Path) -> None:
    try:
        str(source).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"target {files.printable(source)}: its path is not valid UTF-8; rename it"
        ) from None
