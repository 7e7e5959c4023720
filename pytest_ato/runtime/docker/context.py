"""What the audit image is built from: the installed package, as the wheel that it came from.

Owns the build context, in which nothing of the user's is: no working directory, no configuration.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackagePath, distribution, requires
from pathlib import Path
from typing import IO, Final

from pytest_ato import __version__
from pytest_ato.model.errors import CaptureUnavailable

DOCKERFILE: Final = Path(__file__).parent / "Dockerfile"
_NAME: Final = "pytest-ato"
_NOT_OURS: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""What an installer adds to a wheel's own metadata."""


def record() -> str:
    """A digest of the installed package, which tells an image of the same code from another's."""
    lines = sorted(f"{path} {path.hash.value}" for path in _files() if path.hash is not None)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def context(wheelhouse: Path | None) -> IO[bytes]:
    """The context as an open tar file: Dockerfile and wheels, ours and those of `wheelhouse`.

    Raises CaptureUnavailable where there is no package to make a wheel of.
    """
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        _add(tar, "Dockerfile", DOCKERFILE.read_bytes())
        _add(tar, "requirements.txt", "".join(f"{line}\n" for line in requirements()).encode())
        _add(tar, f"package/pytest_ato-{__version__}-py3-none-any.whl", wheel())
        _add(tar, "wheels/.from", b"")  # a folder that is empty is no folder to every engine
        for path in sorted(wheelhouse.glob("*.whl")) if wheelhouse else ():
            tar.add(path, f"wheels/{path.name}", filter=_plain)
    file.seek(0)
    return file


def requirements() -> list[str]:
    """What the package needs to run, as pip takes it."""
    return [line for line in requires(_NAME) or () if "extra ==" not in line]


def wheel() -> bytes:
    """The installed package as a wheel again (PEP 427); raises CaptureUnavailable."""
    files = list(_files())
    if not any(path.name == "init" and path.parent.name == "objects" for path in files):
        raise CaptureUnavailable(
            "no image can be made of this installation, which is not of a wheel: pip install "
            "pytest-ato, or name an image by --ato-image"
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        lines = []
        for path in files:
            content = path.read_binary()
            archive.writestr(_entry(str(path), Path(path.locate()).stat().st_mode), content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            lines.append(f"{path},sha256={digest.decode()},{len(content)}\n")
        name = f"pytest_ato-{__version__}.dist-info/RECORD"
        archive.writestr(_entry(name, 0o644), "".join(lines) + f"{name},,\n")
    return packed.getvalue()


def _files() -> Iterator[PackagePath]:
    for path in distribution(_NAME).files or ():
        metadata = path.parts[0].endswith(".dist-info") and path.name not in _NOT_OURS
        code = path.parts[0] == "pytest_ato" and path.suffix != ".pyc"
        if metadata or code:
            yield path


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    """The same bytes for the same content, whenever it was installed."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (0o100755 if mode & 0o111 else 0o100644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry
