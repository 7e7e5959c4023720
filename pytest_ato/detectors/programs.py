"""Which kind of program an image is: a shell, an interpreter. Goes by its name alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from pytest_ato.detectors.paths import text
from pytest_ato.model.octets import Octets, show

_WORDS: Final = 6
_WORD: Final = 60
"""Words of a command line that are shown, and characters of each."""
_SHELLS: Final = frozenset(
    {"sh", "bash", "rbash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "csh", "tcsh", "fish"}
)
_MULTI_CALL: Final = frozenset({"busybox", "toybox"})
_INTERPRETER: Final = re.compile(r"(?:python|pypy|perl|ruby|php|node|nodejs|lua|tclsh)[0-9.]*")
_CODE_IN_ARGUMENT: Final = re.compile(r"-[A-Za-z]*[cemr]|--(?:eval|print|run|version|help)|-[Vhv]")


def base_name(path: Octets) -> str:
    """Last part of a path, without the kernel's mark of a deleted file."""
    return posixpath.basename(text(path).removesuffix(" (deleted)"))


def command_line(argv: Iterable[Octets]) -> str:
    """The beginning of a command line, as evidence shows it."""
    return " ".join(show(word, _WORD) for word in islice(argv, _WORDS))


def shell_name(file: Octets, argv: Sequence[Octets] = ()) -> str:
    """Name of the shell that image `file` with `argv` is (``sh`` of ``busybox sh``), or empty."""
    name = base_name(file)
    if name in _MULTI_CALL:
        applets = [base_name(word).lstrip("-") for word in argv[:2]]
        return next((applet for applet in applets if applet in _SHELLS), "")
    return name if name in _SHELLS else ""


def is_interpreter(file: Octets, argv: Sequence[Octets] = ()) -> bool:
    """Whether the image runs programs that are text: a shell, Python, Perl, ..."""
    return bool(shell_name(file, argv) or _INTERPRETER.fullmatch(base_name(file)))


def reads_program_from_stdin(file: Octets, argv: Sequence[Octets]) -> bool:
    """Whether it is an interpreter that was given neither a script nor code as an argument."""
    if not is_interpreter(file, argv):
        return False
    words = [text(word) for word in argv[1:]]
    return all(
        word == "-" or (word.startswith("-") and not _CODE_IN_ARGUMENT.fullmatch(word))
        for word in words
    )


def script_argument(argv: Sequence[Octets]) -> str:
    """The first argument of an interpreter that is no option: its script, or empty."""
    words = (text(word) for word in argv[1:])
    return next((word for word in words if not word.startswith("-")), "")
