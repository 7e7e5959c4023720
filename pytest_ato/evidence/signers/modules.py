"""The PKCS#11 modules of this machine, for `ato doctor`: which file to name with module-path=.

Looks at files only: loading a module runs its maker's code, which waits until somebody signs.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pytest_ato.model.check import Check
from pytest_ato.model.octets import show

_LIBRARIES: Final = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/local/lib",
    "/opt",
)
_MODULES: Final = {
    "softhsm/libsofthsm2.so": "SoftHSM 2",
    "pkcs11/libsofthsm2.so": "SoftHSM 2",
    "opensc-pkcs11.so": "OpenSC",
    "pkcs11/opensc-pkcs11.so": "OpenSC",
    "libykcs11.so": "YubiKey",
    "pkcs11/yubihsm_pkcs11.so": "YubiHSM 2",
    "libtpm2_pkcs11.so.1": "TPM 2.0",
    "pkcs11/libtpm2_pkcs11.so": "TPM 2.0",
    "cloudhsm/lib/libcloudhsm_pkcs11.so": "AWS CloudHSM",
    "nfast/toolkits/pkcs11/libcknfast.so": "nShield",
    "p11-kit-proxy.so": "p11-kit",
}


def installed() -> dict[Path, str]:
    """Return the modules that lie where their packages put them, and their names."""
    places = {Path(base) / name: told for base in _LIBRARIES for name, told in _MODULES.items()}
    found: dict[Path, str] = {}
    for path, name in places.items():
        if path.is_file() and not any(path.samefile(other) for other in found):
            found[path] = name
    return found


def check() -> Check:
    """Return the row of `ato doctor`."""
    found = [f"{show(str(path), 200)} ({name})" for path, name in installed().items()]
    if find_spec("pkcs11") is None:
        found = []
    return Check(
        topic="PKCS#11",
        state="ok" if found else "optional",
        found=", ".join(found) or "no module for a token: a key file signs, not hardware-backed",
        cure="" if found else "apt-get install opensc, softhsm2, or what your token comes with",
    )
