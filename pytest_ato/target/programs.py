"""Whether a file is a program that a sandbox on this machine could run.

Every way in which it is none has its own one-line `UsageError`. Nothing is executed.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from pytest_ato import elf
from pytest_ato.model.errors import UsageError
from pytest_ato.target import files

_SHEBANG_LIMIT = 256
"""BINPRM_BUF_SIZE: how much of the first line Linux reads (since 5.1)."""
_SYSTEM = tuple(Path(top) for top in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"))
"""What every sandbox shows, at the same paths."""


def open_program(source: Path) -> io.BufferedReader:
    """Open a file that has the rights of a program and is not empty; raises `UsageError`."""
    file = files.open_regular(source, "target")
    status = os.fstat(file.fileno())
    problem = None
    if status.st_size == 0:
        problem = "is empty"
    elif not stat.S_IMODE(status.st_mode) & 0o111:
        problem = f"is not executable (chmod +x {files.printable(source)})"
    if problem:
        file.close()
        raise UsageError(f"target {files.printable(source)} {problem}")
    return file


def parse(file: io.BufferedReader, source: Path) -> elf.Elf | None:
    """Return the ELF facts, or None for a script; raises `UsageError` for anything else."""
    start = os.pread(file.fileno(), _SHEBANG_LIMIT, 0)
    if start.startswith(b"#!"):
        _check_interpreter(start, source)
        return None
    if not start.startswith(elf.MAGIC):
        raise UsageError(
            f"target {files.printable(source)} is no program: neither an ELF file nor a script "
            "that starts with #!"
        )
    try:
        parsed = elf.read(file)
    except (elf.NotElf, OSError) as error:
        raise UsageError(
            f"target {files.printable(source)} is a broken ELF file: {error}"
        ) from None
    _check_runnable(parsed, source)
    return parsed


def _check_runnable(parsed: elf.Elf, source: Path) -> None:
    here = os.uname().machine
    if parsed.machine != elf.MACHINES.get(here):
        raise UsageError(
            f"target {files.printable(source)} is built for {parsed.machine_name}, this machine "
            f"is {here}"
        )
    if parsed.type not in (elf.ET_EXEC, elf.ET_DYN):
        raise UsageError(
            f"target {files.printable(source)} is an ELF file but no program (an object file or a "
            "core dump)"
        )
    if parsed.interpreter and not is_system_program(os.fsdecode(parsed.interpreter)):
        raise UsageError(
            f"target {files.printable(source)} needs the loader "
            f"{files.printable(os.fsdecode(parsed.interpreter))}, which the sandbox does not have"
        )


def _check_interpreter(start: bytes, source: Path) -> None:
    """Refuse a script whose interpreter the sandbox would not have (execve(2): one argument)."""
    line = start[2:].split(b"\n", 1)[0].strip(b" \t\r")
    interpreter = os.fsdecode(line.split(b" ", 1)[0].split(b"\t", 1)[0])
    if not interpreter.startswith("/") or "\0" in interpreter:
        raise UsageError(
            f"target {files.printable(source)} is a script whose first line names no interpreter "
            "by its absolute path"
        )
    if not is_system_program(interpreter):
        raise UsageError(
            f"target {files.printable(source)} is a script for {files.printable(interpreter)}; its "
            "interpreter must be a program under /usr or /bin, which is what the sandbox has"
        )


def is_system_program(path: str) -> bool:
    """Whether every sandbox shows a program at this path."""
    try:
        found = Path(path).resolve(strict=True)
        return _in_system(found) and os.access(found, os.X_OK) and found.is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _in_system(path: Path) -> bool:
    return any(path.is_relative_to(top) for top in _SYSTEM)
