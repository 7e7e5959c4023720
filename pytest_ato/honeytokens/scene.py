"""Whose home it is: the invented person, company, hosts and times that the carriers agree on.

Hosts end in names that no public DNS resolves and no ordinary program calls, so an honest client
reads an entry for one and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pytest_ato.honeytokens.draw import Entropy, between, pick

DAY: Final = 86_400

FIRST_NAMES: Final = (
    "Anna", "Brian", "Carla", "Daniel", "Elena", "Felix", "Grace", "Henrik", "Irene", "Jonas",
    "Katrin", "Lukas", "Maria", "Nadia", "Oliver", "Paula", "Robert", "Sofia", "Thomas", "Ursula",
    "Victor", "Wendy", "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES: Final = (
    "Abbott", "Berger", "Castell", "Dahlberg", "Eriksen", "Fischer", "Gruber", "Hoffmann",
    "Ivanova", "Jensen", "Keller", "Lindqvist", "Moreau", "Novak", "Olsen", "Petrov", "Quinn",
    "Richter", "Schneider", "Tanaka", "Urban", "Vogel", "Weber", "Zimmer",
)  # fmt: skip
_SYLLABLES: Final = (
    "nor", "val", "ter", "hel", "mer", "cas", "brin", "dor", "lin", "fex", "gra", "sol", "tri",
    "ven", "kor", "lum", "bel", "ost", "rin", "quil",
)  # fmt: skip
_INTERNAL: Final = ("internal", "corp", "lan", "intra")


@dataclass(frozen=True)
class Scene:
    """The facts that all carriers of one audit share, and its source of randomness."""

    entropy: Entropy
    now: int
    """Seconds of the epoch at which the audit starts."""
    first_name: str
    last_name: str
    company: str
    domain: str
    """The company's private DNS domain."""

    @property
    def login(self) -> str:
        """The person's account name at work."""
        return f"{self.first_name[0]}{self.last_name}".lower()

    @property
    def email(self) -> str:
        """The person's address at work."""
        return f"{self.first_name}.{self.last_name}@{self.domain}".lower()

    def host(self, *names: str) -> str:
        """Return one of `names` inside the company's domain."""
        return f"{pick(self.entropy, names)}.{self.domain}"

    def past(self, least: float, most: float) -> int:
        """Return a time between `most` and `least` days ago, in seconds of the epoch."""
        return self.now - between(self.entropy, int(least * DAY), int(most * DAY))


def make_scene(entropy: Entropy, now: datetime) -> Scene:
    """Invent a person and a company."""
    company = invent_name(entropy)
    return Scene(
        entropy=entropy,
        now=int(now.timestamp()),
        first_name=pick(entropy, FIRST_NAMES),
        last_name=pick(entropy, LAST_NAMES),
        company=company,
        domain=f"{company}.{pick(entropy, _INTERNAL)}",
    )


def invent_name(entropy: Entropy) -> str:
    """Return a word that reads like a company's name."""
    return "".join(pick(entropy, _SYLLABLES) for _ in range(between(entropy, 2, 3)))
