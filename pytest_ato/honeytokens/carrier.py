"""What carries markers: one planted file or one environment variable."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ato.model.events import Honeytoken
from pytest_ato.model.spec import PlantFile


@dataclass(frozen=True)
class FileCarrier:
    """A file in the target's home, with the values minted into it."""

    name: str
    family: str
    path: str
    content: bytes
    markers: dict[str, str]
    mtime: int
    mode: int = 0o600

    @property
    def honeytoken(self) -> Honeytoken:
        """The event that tells analysis what to look for."""
        return Honeytoken(
            ts=0, name=self.name, family=self.family, markers=self.markers, path=self.path
        )

    @property
    def plant(self) -> PlantFile:
        """The order to capture to write the file."""
        return PlantFile(path=self.path, content=self.content, mode=self.mode, mtime=self.mtime)


@dataclass(frozen=True)
class VariableCarrier:
    """An environment variable; its marker is named like its carrier."""

    family: str
    variable: str
    value: str
    secret: str = ""
    """The minted part, where that is not the whole value."""

    @property
    def honeytoken(self) -> Honeytoken:
        """The event that tells analysis what to look for."""
        name = self.variable.lower()
        return Honeytoken(
            ts=0,
            name=name,
            family=self.family,
            markers={name: self.secret or self.value},
            variable=self.variable,
        )
