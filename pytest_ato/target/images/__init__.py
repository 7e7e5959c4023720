"""Container images as targets: what `docker save` and other tools write, opened without an engine.

`engine` has one written that is named; `layout` finds configuration and layers in the archive,
`layers` puts the layers together, `tree` finds paths and users in them, `start` what is started.
Nothing of an image runs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_ato.model.spec import ROOT, Image
from pytest_ato.target import files
from pytest_ato.target.images import layers, layout, start
from pytest_ato.target.images.engine import named, save
from pytest_ato.target.images.layout import is_image
from pytest_ato.target.images.tree import Tree

__all__ = ["Opened", "is_image", "named", "open_image", "save"]


@dataclass(frozen=True)
class Opened:
    """An image's files in a folder (see `spec.ROOT`), its program among them, and its start."""

    tree: Path
    program: Path
    image: Image
    left_out: tuple[str, ...]


def open_image(archive: Path, source: Path, entry: str, into: Path) -> Opened:
    """Put an image together in the new folder `into`; `archive` is the folder with its parts.

    `source` is what errors name; `entry` takes the entry point's place. Raises `UsageError`.
    """
    what = f"target {files.printable(source)}"
    saved = layout.read(archive, what)
    left_out = layers.apply(saved.layers, source, into)
    tree = Tree(into / ROOT, what)
    image, program = start.find(saved, tree, entry)
    return Opened(into, tree.host(program), image, left_out)
