"""What of an image is started, by whom and where: its configuration, checked against its files."""

from __future__ import annotations

import os
import stat
from typing import Final

from pytest_ato import elf
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.model.spec import Image
from pytest_ato.target import files
from pytest_ato.target.images.layout import Layout, Settings
from pytest_ato.target.images.tree import Tree

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What engines set where an image does not say."""
_SHEBANG: Final = 256
_SHELLS: Final = ("sh", "bash", "dash", "ash")


def find(saved: Layout, tree: Tree, entry: str) -> tuple[Image, str]:
    """Return how the image starts, and the path of its program, links resolved.

    `entry` takes the entry point's place. Raises `UsageError`.
    """
    settings = saved.settings
    env = dict(word.partition("=")[::2] for word in settings.env or ())
    env.setdefault("PATH", _PATH)
    entrypoint, command = _words(settings, tree.what, entry)
    directory = tree.find(settings.working_dir or "/")
    start = _searched(entrypoint[0], tree, env["PATH"], directory)
    program = tree.find(start)
    _check_runnable(tree, start, program)
    uid, gid, home = tree.user(settings.user)
    image = Image(
        name=saved.name,
        digest=saved.digest,
        user=settings.user,
        uid=uid,
        gid=gid,
        home=home,
        directory=directory,
        volumes=tuple(sorted(tree.find(path) for path in settings.volumes or ())),
        env=env,
        start=start,
        entrypoint=entrypoint,
        command=command,
    )
    return image, program


def _words(settings: Settings, what: str, entry: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Entry point and command; without the former, the command's first word is the program."""
    if entry:
        return (entry if entry.startswith("/") else f"/{entry}",), ()
    first, then = tuple(settings.entrypoint or ()), tuple(settings.cmd or ())
    if not first:
        first, then = then[:1], then[1:]
    if not first or not first[0]:
        raise UsageError(f"{what} names no program to start; give one with --ato-entry")
    return first, then


def _searched(word: str, tree: Tree, path: str, directory: str) -> str:
    """Return the absolute path that execvp(3) would execute for `word`."""
    if "/" in word:
        return word if word.startswith("/") else f"{directory.rstrip('/')}/{word}"
    for folder in path.split(":"):
        place = f"{folder.rstrip('/')}/{word}"
        if folder.startswith("/") and tree.is_program(place):
            return place
    raise _missing(tree, word)


def _missing(tree: Tree, word: str) -> UsageError:
    shell = ", which has no shell" if word.rpartition("/")[2] in _SHELLS else ""
    return UsageError(
        f"{tree.what}: its entry point {show(word, 200)} is not in the image{shell}; "
        "give a program of it with --ato-entry"
    )


def _check_runnable(tree: Tree, start: str, program: str) -> None:
    """Refuse what the kernel could not execute in the image."""
    name = f"its entry point {show(start, 200)}"
    mode = tree.kind(program)
    if not mode:
        raise _missing(tree, start)
    if not stat.S_ISREG(mode):
        raise UsageError(f"{tree.what}: {name} is {files.kind(mode) or 'no file'}")
    if not mode & 0o111:
        raise UsageError(f"{tree.what}: {name} is not executable")
    loader = _loader(tree, name, program)
    if loader and not (loader.startswith("/") and tree.is_program(loader)):
        raise UsageError(
            f"{tree.what}: {name} needs {show(loader, 200)}, which is not in the image"
        )


def _loader(tree: Tree, name: str, program: str) -> str:
    """What the kernel starts a program by: a script's interpreter, ld.so; empty: itself."""
    with files.open_regular(tree.host(program), tree.what) as file:
        first = os.pread(file.fileno(), _SHEBANG, 0)
        if first.startswith(b"#!"):
            words = first[2:].split(b"\n", 1)[0].split()
            return os.fsdecode(words[0]) if words else "an interpreter"
        try:
            parsed = elf.read(file)
        except (elf.NotElf, OSError):
            raise UsageError(
                f"{tree.what}: {name} is no program: neither a 64-bit ELF file nor a script that "
                "starts with #!"
            ) from None
    if parsed.machine != elf.MACHINES.get(os.uname().machine):
        raise UsageError(
            f"{tree.what}: {name} is built for {parsed.machine_name}, this machine is "
            f"{os.uname().machine}"
        )
    return os.fsdecode(parsed.interpreter)
