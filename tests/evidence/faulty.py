"""SoftHSM behind a module that fails as told; `faulty_module.c` is the module."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from softhsm import Token

PIN_INCORRECT, PIN_LOCKED, DEVICE_REMOVED, SESSION_HANDLE_INVALID = 0xA0, 0xA4, 0x32, 0xB3
TOKEN_NOT_PRESENT, PIN_EXPIRED, SPOILED = 0xE0, 0xA3, 0


@dataclass(frozen=True)
class Faulty:
    """A token and what its module is told."""

    token: Token
    module: Path
    faults: Path
    calls: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the module reads."""
        return {
            "ATO_TEST_MODULE": self.token.module,
            "ATO_TEST_FAULTS": str(self.faults),
            "ATO_TEST_CALLS": str(self.calls),
        }

    def plan(self, *faults: tuple[str, int, int]) -> None:
        """Have the next `n` calls of a function end with a code."""
        self.faults.write_text("".join(f"{name} {n} {code:x}\n" for name, n, code in faults))

    def uri(self, key: str) -> str:
        """URI of a key, through the module that fails."""
        return self.token.uri(key, **{"module-path": str(self.module)})

    def made(self, letter: str) -> int:
        """How many calls there were: L logins, S signatures."""
        return self.calls.read_text().count(letter) if self.calls.exists() else 0


def build(place: Path) -> Path:
    """Compile the module."""
    built = place / "faulty.so"
    source = Path(__file__).with_name("faulty_module.c")
    subprocess.run(
        ["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", source, "-o", built, "-ldl"],
        check=True,
    )
    return built
