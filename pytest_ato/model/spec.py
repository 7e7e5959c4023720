"""What to audit and how: the order that goes to the capture process, and into the event log."""

from __future__ import annotations

from typing import Literal

import msgspec

from pytest_ato.model.octets import Octets
from pytest_ato.model.record import Measured

HOME = "/home/user"
"""Of who runs a target that brings no users of its own."""

Network = Literal["none", "sinkhole", "open"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one audit may use. None: not limited, by the user's explicit word."""

    memory: Measured | None = 4 << 30
    """Bytes, of all processes and the tmpfs together."""
    tasks: Measured | None = 512
    disk: Measured = 1 << 30
    """Bytes of the writable tmpfs."""
    output: Measured = 1 << 20
    """Bytes of standard output and of standard error that are kept; the rest is counted."""


class Placed(msgspec.Struct, frozen=True):
    """A file or directory of the host that the sandbox shows read-only at `dest`."""

    source: str
    dest: str


class PlantFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that capture writes into the target's home before it starts."""

    path: str
    """Relative to the home directory."""
    content: bytes
    mode: int = 0o600
    mtime: int = 0
    """Seconds of the epoch; 0: leave the present time."""


class PackagedFile(msgspec.Struct, frozen=True):
    """A file of a target that came as a package: its path in the sandbox, and its SHA-256."""

    path: str
    sha256: str


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """How a target came that is more than one file."""

    kind: str
    """``directory``, ``tar``, ``zip``, ``deb``, ``rpm``, ``wheel``, ``sdist``, ``npm`` or
    ``image``."""
    phase: str = ""
    """What of it is run: ``install``, ``import``, a maintainer script; empty: its program."""
    program: str
    """Path of the program in the sandbox, below what is placed first, or that; links resolved."""
    program_sha256: str
    files: tuple[PackagedFile, ...] = ()
    """The first of them, by path."""
    files_total: Measured = 0
    left_out: tuple[str, ...] = ()
    """What is not as it was packed, in words."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A container image as a target: what its configuration says of the start.

    The one placed directory of its target holds its files (`ROOT`) and whose they are (`OWNERS`).
    """

    name: str
    """What it is called, as its archive has it; empty: nothing."""
    digest: str
    """Of its configuration, as engines name an image: ``sha256:HEX``."""
    user: str
    """As its configuration has it; empty: root."""
    uid: Measured
    gid: Measured
    home: str
    """This and the following paths are absolute in the image, without links."""
    directory: str
    """In which it starts."""
    volumes: tuple[str, ...]
    env: dict[str, str]
    start: str
    """What is executed: the entry point's path, which may be a link."""
    entrypoint: tuple[str, ...]
    """Beginning with the program."""
    command: tuple[str, ...]
    """Arguments that others, if there are any, take the place of."""


ROOT, OWNERS = "root", "owners"
"""An image's files, and of each that is not root's with the usual rights ``UID GID MODE PATH\\0``
(the mode in octal, the path relative to the image's root)."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The audited program: where it lies on the host, and what it was byte for byte.

    Of a package, `sha256` and `size` are those of the archive as it was shipped; of a directory,
    those of the program.
    """

    name: str
    """Base name, as used for the report directory and item ids."""
    path: str
    """Absolute path on the host, links resolved."""
    sha256: str
    size: Measured
    format: Literal["elf", "script"]
    placed: tuple[Placed, ...]
    """The program (of a package its folder, of a phase its driver) first, then its companions."""
    manifest_sha256: str = ""
    """Over all placed files."""
    package: Package | None = None
    image: Image | None = None

    @property
    def phase(self) -> str:
        """Name of the package's phase; empty for a program."""
        return self.package.phase if self.package else ""

    @property
    def program(self) -> str:
        """Its path inside the sandbox."""
        return self.package.program if self.package else self.placed[0].dest

    @property
    def program_sha256(self) -> str:
        """SHA-256 of the program itself."""
        return self.package.program_sha256 if self.package else self.sha256


class AuditSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One audit, complete: capture needs nothing else."""

    run_id: str
    target: Target
    args: tuple[Octets, ...] = ()
    env: dict[str, str] = msgspec.field(default_factory=dict)
    """Variables beyond the sandbox's own few; includes the honeytokens'."""
    stdin: bytes = b""
    timeout: float = 60.0
    network: Network = "sinkhole"
    egress: tuple[str, ...] | None = None
    """Domains (``*.NAME``: those below it), addresses and networks that an open network leads to;
    None: everywhere."""
    limits: Limits = Limits()
    plants: tuple[PlantFile, ...] = ()
    home: str = HOME
    service: bool = False
    """The target is meant to run on: the time limit is then no defect of it."""
    expect_exit: int = 0
    allow: tuple[str, ...] = ()
    """Detector or category names whose findings are accepted."""
    loader: str = "core"
    runtime: str = "local"
    privilege: str = ""
    """By what right capture sees the machine, in words; empty: not told."""
