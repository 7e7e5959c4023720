"""What the vendor declared, as detectors ask for it: is this destination, file, program declared,
may this credential be read, and presented there?

Owns how a finding's `where` is compared with a policy, and the rule for credentials: a declared one
may be read as long as its values were seen at its own services alone.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Final

from pytest_ato.detectors.found import Sighting
from pytest_ato.detectors.interface import Definition
from pytest_ato.detectors.names import canonical
from pytest_ato.detectors.paths import home_relative, normal, text
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.model.domains import Domains
from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import Octets, show
from pytest_ato.model.patterns import Networks, Paths, Ports, host_of
from pytest_ato.model.policy import Declared, Denied

_SYSTEM: Final = ("/usr/", "/bin/", "/sbin/")
_LONGEST: Final = 4096


class Programs:
    """A set of programs: by name, of images of the system's alone, or by path."""

    def __init__(self, patterns: Iterable[str]) -> None:
        given = list(patterns)
        self._names = frozenset(pattern for pattern in given if "/" not in pattern)
        self._paths = Paths(pattern for pattern in given if "/" in pattern)

    def match(self, path: str) -> str | None:
        """The pattern that covers `path`, which has ``~`` for the home, or None."""
        name = posixpath.basename(path)
        if name in self._names and path.startswith(_SYSTEM):
            return name
        return self._paths.match(path)


class Places:
    """Destinations, files and programs of one part of a policy."""

    def __init__(self, part: Declared | Denied) -> None:
        self._domains = Domains(part.domains or ())
        self._networks = Networks(part.cidrs or ())
        self.files = Paths(part.files or ())
        self.children = Programs(part.children or ())

    def host(self, host: str) -> str | None:
        """The pattern that covers a name or an address, or None."""
        return self._networks.match(canonical(host) or host) or self._domains.match(host)

    def below(self, parent: str) -> str | None:
        """The pattern that covers names right below `parent`, or `parent` itself."""
        return self.host(parent) or self._domains.match(f"any.{parent}")


class Declarations:
    """The part `declared` of the terms; without one, nothing is declared."""

    def __init__(self, declared: Declared | None, tokens: Tokens) -> None:
        given = declared or Declared()
        self._tokens = tokens
        self._places = Places(given)
        self._ports = None if given.ports is None else Ports(given.ports)
        self._services = {name: Domains(hosts) for name, hosts in given.credentials.items()}
        self.states_destinations = given.domains is not None or given.cidrs is not None
        self.states_files = given.files is not None
        self.states_children = given.children is not None

    def covers(self, definition: Definition, finding: Finding, home: str) -> bool:
        """Whether the finding is about what is declared, and that answers its detector."""
        kinds = definition.declarable
        if not kinds or not finding.where:
            return False
        if "destination" in kinds and self.destination(text(finding.where)):
            return True
        path = shown_path(finding.where, home)
        return bool(
            ("file" in kinds and self.file(path)) or ("child" in kinds and self.child(path))
        )

    def destination(self, where: str) -> bool:
        """Whether ``HOST:PORT`` or, where nothing is said of ports, ``HOST`` is declared."""
        host = host_of(where)
        port = where.rpartition(":")[2] if host != where else ""
        if not port.isdigit():
            return bool(self._places.below(host))
        return self.host(host) and self.port(int(port))

    def host(self, host: str) -> bool:
        """Whether a name or an address is declared."""
        return self._places.host(host) is not None

    def port(self, number: int, protocol: str = "") -> bool:
        """Whether a port is declared; each is, where none are."""
        return self._ports is None or (number, protocol) in self._ports

    def file(self, path: str) -> bool:
        """Whether a path, with ``~`` for the home, is declared."""
        return self._places.files.match(path) is not None

    def child(self, path: str) -> bool:
        """Whether a program, with ``~`` for the home, is declared."""
        return self._places.children.match(path) is not None

    def may_present(self, token: str, where: str) -> bool:
        """Whether a value of the honeytoken named `token` may go to ``HOST:PORT``."""
        carrier = self._tokens.carriers.get(token)
        services = self._services.get(carrier.family) if carrier else None
        return services is not None and services.match(host_of(where)) is not None

    def granted(self, sightings: Iterable[Sighting]) -> frozenset[str]:
        """Names of the honeytokens that may be read: of a declared family, none of whose values
        was seen anywhere but at its services."""
        strayed = {
            self._tokens.carriers[found.token].family
            for found in sightings
            if found.token in self._tokens.carriers
            and not self.may_present(found.token, found.destination)
        }
        return frozenset(
            name
            for name, token in self._tokens.carriers.items()
            if token.family in self._services and token.family not in strayed
        )


def shown_path(path: Octets, home: str) -> str:
    """`path` as patterns have it: printable, in its shortest form, with ``~`` for the home."""
    plain = text(path)
    plain = normal(plain) if plain.startswith("/") else plain
    return show(home_relative(plain, home), _LONGEST)
