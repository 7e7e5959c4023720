"""Make the audit image of this tree: ``python docker/build.py`` (`make image`).

Owns where its base comes from: a registry, or, where none is reachable, mmdebstrap. BASE, SNAPSHOT
and BCC in the environment are the build arguments of the Dockerfile.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, Final

from pytest_ato.runtime.docker import context, image
from pytest_ato.runtime.docker.engine import Engine, connect

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "build/image"
_ARGUMENTS: Final = ("BASE", "SNAPSHOT", "BCC")
_IMAGE_PYTHON: Final = (3, 11)
_MITMPROXY: Final = "mitmproxy>=11,<13"
_EXCLUDED: Final = ("man", "locale", "info", "doc")


def main() -> None:
    """Build on the engine that runs, else on one of our own; prints what is being done."""
    sys.path.insert(0, str(ROOT / "docker"))
    from engine import running

    with running() as host:
        os.environ["DOCKER_HOST"] = host
        made = make(connect())
    print(f"{image.DEFAULT}: {made['Size'] / 1e6:.0f} MB, {made['Id']}")


def make(client: Engine) -> dict[str, Any]:
    """Build what is not of this tree yet; returns the engine's description of the image."""
    given = {name: os.environ[name] for name in _ARGUMENTS if os.environ.get(name)}
    base = given.setdefault("BASE", image.BASE)
    if image.look(client, base) is None:
        _get_base(client, base)
    image.build(client, image.DEFAULT, _tell, arguments=given, wheelhouse=_wheelhouse())
    found = image.look(client, image.DEFAULT)
    assert found is not None
    return found


def _get_base(client: Engine, base: str) -> None:
    try:
        image.pull(client, base, _tell)
    except Exception as error:
        if "@" in base:  # what has that digest cannot be made
            raise
        _tell(f"{error}; making it by mmdebstrap")
    else:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    archive = FOLDER / "base.tar"
    if not archive.exists():
        unfinished = archive.with_suffix(".part.tar")
        excludes = (f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _EXCLUDED)
        subprocess.run(
            [
                *("mmdebstrap", "--quiet", "--variant=minbase", *excludes),
                *("--dpkgopt=path-include=/usr/share/doc/*/copyright", "bookworm", unfinished),
            ],
            check=True,
        )
        unfinished.rename(archive)
    repository, _, tag = base.partition(":")
    client.import_image(str(archive), repository=repository, tag=tag or "latest")


def _wheelhouse() -> Path | None:
    """Fetch the wheels here, by pip as it is set up here; None where it would fetch others."""
    if sys.version_info[:2] != _IMAGE_PYTHON:
        return None
    place = FOLDER / "wheels"
    for wanted in ([_MITMPROXY], context.requirements()):  # each in an environment of its own
        stamp = place / f".{zlib.crc32(repr(wanted).encode()):08x}"
        if not stamp.exists():
            _tell(f"fetching wheels: {wanted[0]}, ...")
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "wheel"]
            subprocess.run([*pip, "-w", place, "-f", place, *wanted], check=True)
            stamp.touch()
    return place


def _tell(line: str) -> None:
    print(f"image: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
