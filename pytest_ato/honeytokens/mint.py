"""Minting: everything that one audit plants, made at once and never again.

Two audits share no value. Owns the list of carriers; writes no file and sets no variable: capture
does.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from pytest_ato.honeytokens import cookies, credentials, documents
from pytest_ato.honeytokens.draw import Entropy
from pytest_ato.honeytokens.scene import make_scene
from pytest_ato.honeytokens.variables import variables
from pytest_ato.model.events import Honeytoken
from pytest_ato.model.spec import PlantFile


@dataclass(frozen=True)
class Minted:
    """18 markers in 9 files and 8 variables."""

    honeytokens: tuple[Honeytoken, ...]
    plants: tuple[PlantFile, ...]
    env: dict[str, str]


def mint(
    entropy: Entropy = secrets.token_bytes, *, now: datetime, ssh_key: str | None = None
) -> Minted:
    """Mint the honeytokens of one audit that starts at `now`.

    The SSH key takes about 100 ms and gets its randomness from OpenSSL; a caller in a hurry makes
    it in a thread by `sshkey.generate_key` and gives it as `ssh_key`.
    """
    scene = make_scene(entropy, now)
    files = (
        credentials.aws_credentials(scene),
        credentials.ssh_key(scene, ssh_key),
        credentials.pgpass(scene),
        credentials.netrc(scene),
        credentials.docker_config(scene),
        credentials.kube_config(scene),
        cookies.chrome_cookies(scene),
        cookies.firefox_cookies(scene),
        documents.customer_list(scene),
    )
    exported = variables(scene)
    return Minted(
        honeytokens=(
            *(file.honeytoken for file in files),
            *(variable.honeytoken for variable in exported),
        ),
        plants=tuple(file.plant for file in files),
        env={carrier.variable: carrier.value for carrier in exported},
    )
