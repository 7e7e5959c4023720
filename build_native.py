"""Build what is not Python: the BPF objects (clang), the sandbox's static init and the loader's
reduction of type information (cc).

Called by hatchling while a wheel is made, and by hand (``python build_native.py``) in a checkout.
The results go to `pytest_ato/capture/objects/`, from where the wheel takes them. To see whether the
kernel side compiles for another processor: ``python build_native.py MACHINE FOLDER``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # by hand, outside a wheel build
    BuildHookInterface = object

ROOT = Path(__file__).parent
OBJECTS = ROOT / "pytest_ato/capture/objects"
ARCHITECTURES = {"x86_64": "x86", "aarch64": "arm64"}


def build(objects: Path = OBJECTS) -> None:
    """Compile everything into `objects`; raises SystemExit with the missing program's name."""
    for program in ("clang", "llvm-strip", "cc", "strip"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing: apt-get install clang llvm gcc libc6-dev libbpf-dev")
    build_kernel_side(objects, os.uname().machine)
    for source in (ROOT / "bpf/bcc").glob("*.bcc.c"):  # compiled where it runs
        (objects / source.name).write_text(_in_one(source, set()))
    for header in ("abi.h", "counts.h"):  # which that includes there
        shutil.copy(ROOT / "bpf/include" / header, objects)
    warn = ("-Wall", "-Wextra", "-Werror")
    types = ROOT / "pytest_ato/capture/loader/kernel_types.c"
    shared = objects / "kernel_types.so"
    _run("cc", "-shared", "-fPIC", "-O2", *warn, str(types), "-o", str(shared))
    init = ROOT / "pytest_ato/capture/sandbox/init.c"
    _run("cc", "-static", "-Os", *warn, str(init), "-o", str(objects / "init"))
    kept = (f"--keep-symbol={name}" for name in ("ato_canary", "ato_canary_end"))
    _run("strip", *kept, str(objects / "init"))


def build_kernel_side(objects: Path, machine: str) -> None:
    """Compile the BPF objects for the kernels of `machine`, as ``uname -m`` calls it."""
    objects.mkdir(parents=True, exist_ok=True)
    for source in sorted((ROOT / "bpf").glob("*.bpf.c")):
        target = objects / f"{source.name.removesuffix('.c')}.o"
        _run(
            "clang", "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Werror",
            f"-D__TARGET_ARCH_{ARCHITECTURES[machine]}", f"-I{ROOT / 'bpf/include'}",
            # Debian's places: of the machine's own headers, and of those of a cross compiler
            "-idirafter", f"/usr/include/{machine}-linux-gnu",
            "-idirafter", f"/usr/{machine}-linux-gnu/include",
            "-c", str(source), "-o", str(target),
        )  # fmt: skip
        _run("llvm-strip", "-g", str(target))  # drops DWARF, keeps .BTF


def _in_one(source: Path, included: set[Path]) -> str:
    """The text of `source` with the headers of its own folder in their places, each once."""
    lines = []
    for line in source.read_text().splitlines(keepends=True):
        found = re.fullmatch(r'#include "(.+)"\n', line)
        header = source.parent / found[1] if found else None
        if header is None or not header.exists():
            lines.append(line)
        elif header not in included:
            included.add(header)
            lines.append(_in_one(header, included))
    return "".join(lines)


def _run(*command: str) -> None:
    result = subprocess.run(command, check=False)
    if result.returncode:
        sys.exit(f"build failed: {' '.join(command)}")


class NativeBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Hatchling's hook: the wheel is for one architecture, with no Python ABI in it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build before the wheel's files are collected."""
        build()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-linux_{os.uname().machine}"


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ARCHITECTURES:
        build_kernel_side(Path(sys.argv[2]), sys.argv[1])
    elif len(sys.argv) == 1:
        build()
    else:
        sys.exit(f"usage: build_native.py [{'|'.join(ARCHITECTURES)} FOLDER]")
