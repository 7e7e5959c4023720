"""The sandbox's root directory: what an ordinary program needs to find, and nothing real beyond.

Owns the read-only tree that bubblewrap shows as ``/`` and the list of what it binds from the host:
`/usr` and public parts of `/etc`. Files are generated or copied, so that the list of mounts stays
short and names no place of the host.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bind:
    """`source` of the host (or of a tmpfs of ours) is shown at `dest` of the sandbox."""

    source: Path
    dest: str
    writable: bool = False


_DIRECTORIES = (
    "dev", "etc", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "tmp", "usr",
    "var", "var/cache", "var/lib", "var/log", "var/tmp",
)  # fmt: skip

_LINKS = {"var/run": "/run", "var/lock": "/run/lock", "etc/mtab": "/proc/mounts"}

# Links into /usr on most hosts, directories on those without a merged /usr.
_USR_TWINS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

_ETC_COPIES = (
    "host.conf", "ld.so.cache", "ld.so.conf", "localtime", "mime.types", "protocols", "services",
    "ssl/openssl.cnf",
)  # fmt: skip

# Never ssl/private; alternatives: on Debian /usr/bin/cc, awk, java, ... lead through it.
_ETC_BINDS = (
    "alternatives", "ca-certificates", "fonts", "java-*", "ld.so.conf.d", "perl",
    "pki/ca-trust/extracted", "pki/tls/certs", "python3*", "ssl/certs",
)  # fmt: skip

_STORES = ("pki/ca-trust/extracted", "pki/tls/certs", "ssl/certs")
"""Of these, the ones that say whom to trust."""

_NSSWITCH = """\
passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
"""


@dataclass(frozen=True)
class Stores:
    """Trust stores that take the place of the host's."""

    binds: tuple[Bind, ...]
    links: Mapping[str, str]
    """Relative to the root: other names for the same."""


def build(
    root: Path,
    *,
    uid: int,
    home: str,
    hostname: str,
    resolver: str | None,
    stores: Stores | None = None,
) -> list[Bind]:
    """Fill the empty directory `root`; return what is to be bound from the host, read-only."""
    for name in _DIRECTORIES:
        (root / name).mkdir(mode=0o755)
    for name, target in _LINKS.items():
        (root / name).symlink_to(target)
    (root / "run/lock").mkdir()
    (root / home.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for name, text in texts(uid, home, hostname, resolver).items():
        (root / "etc" / name).write_text(text)
    _copy_etc(root)
    hidden = () if stores is None else _STORES
    shown = [name for name in _ETC_BINDS if name not in hidden]
    binds = [Bind(Path("/usr"), "/usr"), *_usr_twins(root), *_etc_binds(root, shown)]
    if stores is not None:
        binds += _stores(root, stores)
    _open_to_all(root)
    return binds


def texts(uid: int, home: str, hostname: str, resolver: str | None) -> dict[str, str]:
    """The generated files of /etc, by name."""
    return {
        "passwd": (
            "root:x:0:0:root:/root:/bin/bash\n"
            f"user:x:{uid}:{uid}:User:{home}:/bin/bash\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        ),
        "group": f"root:x:0:\nuser:x:{uid}:\nnogroup:x:65534:\n",
        # Without a line of its own, a program that looks up its host name asks the network.
        "hosts": (
            f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost ip6-localhost ip6-loopback\n"
        ),
        "hostname": f"{hostname}\n",
        "nsswitch.conf": _NSSWITCH,
        "resolv.conf": f"nameserver {resolver}\n" if resolver else "",
        "shells": "/bin/sh\n/bin/bash\n",
    }


def _copy_etc(root: Path) -> None:
    for name in _ETC_COPIES:
        source, dest = Path("/etc", name), root / "etc" / name
        if source.is_file():
            dest.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, dest)
    if Path("/usr/lib/os-release").exists():
        (root / "etc/os-release").symlink_to("../usr/lib/os-release")


def _usr_twins(root: Path) -> Iterator[Bind]:
    for name in _USR_TWINS:
        host = Path("/", name)
        if host.is_symlink():
            (root / name).symlink_to(host.readlink())
        elif host.is_dir():
            (root / name).mkdir()
            yield Bind(host, f"/{name}")


def _etc_binds(root: Path, patterns: Iterable[str]) -> Iterator[Bind]:
    for pattern in patterns:
        for source in sorted(Path("/etc").glob(pattern)):
            if source.is_dir():
                (root / source.relative_to("/")).mkdir(parents=True)
                yield Bind(source, str(source))


def _stores(root: Path, stores: Stores) -> Iterator[Bind]:
    for name, target in stores.links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    for bind in stores.binds:
        if bind.source.is_dir():
            (root / bind.dest[1:]).mkdir(parents=True)
        yield bind


def _open_to_all(root: Path) -> None:
    """Make every directory and file of the tree readable, whatever the umask is here."""
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = Path(directory, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
    root.chmod(0o755)


def make_directories(root: Path, parts: Iterable[str]) -> Path:
    """Make a directory below `root`, parents included, mode 0755; return it.

    Raises FileExistsError where a link, which could lead out of `root`, or a file is in the way.
    """
    path = root
    for part in parts:
        path = path / part
        with suppress(FileExistsError):
            path.mkdir()
            path.chmod(0o755)
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise FileExistsError(f"{path.name} is in the way")
    return path
