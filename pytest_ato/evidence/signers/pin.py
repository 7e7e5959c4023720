"""The PIN of a token: read at the moment of the login, handed on, and forgotten.

Owns where it may come from (a private file, or a variable) and that no error shows it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from pytest_ato.model.errors import SigningError
from pytest_ato.model.octets import show

VARIABLE: Final = "ATO_PKCS11_PIN"
_LONGEST: Final = 1024


def read(source: Path | None) -> str:
    """Return the PIN from the file `source`, else from the variable; raises `SigningError`."""
    if source is None:
        pin = os.environ.get(VARIABLE, "")
        if not pin:
            raise SigningError(
                f"no PIN for the token: name a file with pin-source= in the URI, or set {VARIABLE}"
            )
        return pin
    name = show(str(source))
    try:
        with source.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXO | stat.S_IWGRP):
                raise SigningError(f"the PIN file {name} can be read by anybody: chmod 600 it")
            data = file.read(_LONGEST)
    except OSError as error:
        raise SigningError(f"cannot read the PIN file {name}: {error.strerror}") from None
    try:
        pin = data.decode().strip("\r\n")
    except UnicodeDecodeError:
        raise SigningError(f"the PIN file {name} is not text") from None
    if not pin:
        raise SigningError(f"the PIN file {name} is empty")
    return pin
