"""SoftHSM 2, a real PKCS#11 token without hardware: made in a directory, filled with keys."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODULES: Final = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)
PIN: Final = "pin-9f3a7c"
KINDS: Final = ("p256", "p384", "rsa", "pss", "ed25519")


@dataclass(frozen=True)
class Token:
    """A token in a directory of its own."""

    place: Path
    module: str
    pin_source: Path

    @property
    def configuration(self) -> str:
        """Value of SOFTHSM2_CONF."""
        return str(self.place / "softhsm2.conf")

    def uri(self, key: str, **attributes: str) -> str:
        """URI of one of the keys; attributes of the query over the usual ones."""
        if key == "pss":
            attributes.setdefault("algorithm", "rsa-pss-sha256")
            key = "rsa"
        query = {"module-path": self.module, "pin-source": str(self.pin_source), **attributes}
        asked = "&".join(f"{name}={value}" for name, value in query.items() if value)
        return f"pkcs11:token=ato-test;object={key}?{asked}"


def module() -> str | None:
    """Path of the module; None where SoftHSM 2 is not installed."""
    return next((path for path in MODULES if Path(path).exists()), None)


def make_token(token: Token) -> None:
    """Make configuration, PIN file and an empty token."""
    (token.place / "tokens").mkdir()
    Path(token.configuration).write_text(
        f"directories.tokendir = {token.place}/tokens\n"
        "objectstore.backend = file\nlog.level = ERROR\n"
    )
    token.pin_source.write_text(PIN + "\n")
    token.pin_source.chmod(0o600)
    add_token(token)


def add_token(token: Token) -> None:
    """Make one more token of the same name, without keys."""
    subprocess.run(
        [
            "softhsm2-util",
            *("--init-token", "--free", "--label", "ato-test"),
            *("--so-pin", "so-pin-1", "--pin", PIN),
        ],
        env={**os.environ, "SOFTHSM2_CONF": token.configuration},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def fill(token: Token) -> None:
    """Make a key pair of each kind in the token."""
    import pkcs11
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    library = pkcs11.lib(token.module)
    with library.get_token(token_label="ato-test").open(rw=True, user_pin=PIN) as session:
        session.generate_keypair(KeyType.RSA, 2048, label="rsa", id=b"\x01", store=True)
        for number, (label, curve) in enumerate((("p256", "secp256r1"), ("p384", "secp384r1"))):
            session.create_domain_parameters(
                KeyType.EC,
                {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)},
                local=True,
            ).generate_keypair(store=True, label=label, id=bytes([number + 2]))
        session.create_domain_parameters(
            KeyType.EC_EDWARDS,
            {Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")},
            local=True,
        ).generate_keypair(store=True, label="ed25519", id=b"\x04")
