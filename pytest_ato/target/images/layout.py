"""What an image's archive holds: its configuration and its layers, by either of two layouts.

Owns the reading of ``manifest.json`` (``docker save``) and of ``index.json`` (OCI image layout
1.0); what is named by a digest must have it. Layers are not opened here.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.target import files

_JSON: Final = 4 << 20
_LAYERS: Final = 128
"""Overlayfs takes no more, and so does no engine."""
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_SHA256: Final = "sha256:"
_T = TypeVar("_T")


class Settings(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of a configuration that says how to start it."""

    user: str = ""
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    working_dir: str = ""
    volumes: dict[str, msgspec.Raw] | None = None


class _RootFs(msgspec.Struct, frozen=True):
    diff_ids: list[str]


class _Config(msgspec.Struct, frozen=True):
    architecture: str
    rootfs: _RootFs
    os: str = "linux"
    config: Settings | None = None


class _Saved(msgspec.Struct, frozen=True, rename="pascal"):
    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


class _Platform(msgspec.Struct, frozen=True):
    architecture: str = ""
    os: str = ""


class _Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    digest: str
    platform: _Platform | None = None
    annotations: dict[str, str] | None = None


class _Manifest(msgspec.Struct, frozen=True):
    """An index or a manifest: one has `manifests`, the other the rest."""

    manifests: list[_Descriptor] = []
    config: _Descriptor | None = None
    layers: list[_Descriptor] = []


@dataclass(frozen=True)
class Layout:
    """An image as it lies in its archive."""

    name: str
    digest: str
    settings: Settings
    layers: tuple[Path, ...]
    """Archives, the lowest first."""


def is_image(archive: Path) -> bool:
    """Whether it is what `docker save` writes: in the OCI's layout, or as engines did before."""
    saved = (archive / "manifest.json").is_file() and any(archive.glob("*/layer.tar"))
    return saved or (archive / "oci-layout").is_file()


def read(archive: Path, what: str) -> Layout:
    """Read what the unpacked `archive` says; raises `UsageError` that begins with `what`."""
    reader = _Reader(archive, what)
    if (archive / "manifest.json").is_file():
        return reader.saved()
    return reader.indexed()


class _Reader:
    def __init__(self, archive: Path, what: str) -> None:
        self._archive = archive.resolve()
        self._what = what

    def saved(self) -> Layout:
        images = self._json("manifest.json", list[_Saved])
        if len(images) != 1:
            raise self._error(f"holds {len(images)} images: save one of them alone")
        image = images[0]
        name = (image.repo_tags or [""])[0]
        return self._layout(image.config, image.layers, name)

    def indexed(self) -> Layout:
        found = self._json("index.json", _Manifest)
        name = ""
        for _ in range(3):  # an index may name an index, of one image for many machines
            if found.config is not None:
                break
            descriptor = self._chosen(found.manifests)
            notes = descriptor.annotations or {}
            name = name or notes.get("org.opencontainers.image.ref.name", "")
            found = self._json(self._blob(descriptor.digest), _Manifest)
        if found.config is None:
            raise self._error("names no configuration")
        blobs = [self._blob(layer.digest) for layer in found.layers]
        return self._layout(self._blob(found.config.digest), blobs, name)

    def _chosen(self, manifests: list[_Descriptor]) -> _Descriptor:
        here = _ARCHITECTURES.get(os.uname().machine)
        fit = [
            each
            for each in manifests
            if each.platform is None
            or (each.platform.os, each.platform.architecture) == ("linux", here)
        ]
        if len(fit) == 1:
            return fit[0]
        if fit:
            raise self._error(f"holds {len(fit)} images: save one of them alone")
        others = {each.platform.architecture for each in manifests if each.platform}
        raise self._foreign(", ".join(sorted(others)) or "no machine")

    def _layout(self, config: str, layers: list[str], name: str) -> Layout:
        path = self._member(config)
        digest = _digest(path)
        found = self._json(config, _Config)
        if found.os != "linux":
            raise self._error(f"is built for {show(found.os, 40)}, not for Linux")
        if found.architecture != _ARCHITECTURES.get(os.uname().machine):
            raise self._foreign(found.architecture)
        if len(layers) > _LAYERS:
            raise self._error(f"has more than {_LAYERS} layers")
        if len(layers) != len(found.rootfs.diff_ids):
            raise self._error("does not have the layers that its configuration names")
        paths = tuple(map(self._member, layers))
        for each, known in zip(paths, found.rootfs.diff_ids, strict=True):
            if _is_plain(each) and _digest(each) != known:
                raise self._error("has a layer that is not the one its configuration names")
        return Layout(name, digest, found.config or Settings(), paths)

    def _foreign(self, architecture: str) -> UsageError:
        return self._error(
            f"is built for {show(architecture, 100)}, this machine is {os.uname().machine}"
        )

    def _error(self, words: str) -> UsageError:
        return UsageError(f"{self._what} is a container image that {words}")

    def _blob(self, digest: str) -> str:
        """Path of what is named by its digest, which is checked."""
        algorithm, _, value = digest.partition(":")
        path = f"blobs/{algorithm}/{value}"
        if f"{algorithm}:" != _SHA256 or _digest(self._member(path)) != digest:
            raise self._error(f"has not what it names {show(digest, 100)}")
        return path

    def _member(self, name: str) -> Path:
        try:
            path = (self._archive / name).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise self._error(f"lacks {show(name, 200)}") from None
        if not path.is_relative_to(self._archive) or not path.is_file():
            raise self._error(f"lacks {show(name, 200)}")
        return path

    def _json(self, name: str, kind: type[_T]) -> _T:
        path = self._member(name)
        if path.stat().st_size > _JSON:
            raise self._error(f"has more than {_JSON >> 20} MiB in {show(name, 200)}")
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._error(
                f"cannot be understood: {show(name, 200)}: {show(str(error), 200)}"
            ) from None


def _is_plain(path: Path) -> bool:
    """Whether it is not compressed: only then its bytes are those of the digest."""
    with files.open_regular(path, "layer") as file:
        return os.pread(file.fileno(), 5, 257) == b"ustar"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return _SHA256 + hashlib.file_digest(file, "sha256").hexdigest()
