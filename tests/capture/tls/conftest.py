"""One audit in which everything that speaks TLS here does, on loopback inside the sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Protocol

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.settings.grammar import Include
from pytest_ato.target.resolve import resolve

PROGRAMS = Path(__file__).parent / "programs"


class Lack(Protocol):
    def __call__(self, marker: str, reason: str) -> NoReturn: ...


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory, lack: Lack) -> Path:
    """A folder with the clients, the server and its certificate."""
    for name in ("cc", "go", "curl", "wget", "openssl", "gnutls-cli", "tstclnt", "node", "strip"):
        if shutil.which(name) is None:
            lack("privileged", f"{name} is not installed")
    folder = tmp_path_factory.mktemp("tls")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    (folder / "clients.sh").chmod(0o755)
    run(folder, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x",
        "-keyout", "key.pem", "-out", "cert.pem")  # fmt: skip
    run(folder, "cc", "client.c", "-static", "-w", "-o", "static", "-lssl", "-lcrypto")
    # Symbols that are local, as a program has them that was linked with its own copy; and none.
    run(folder, "objcopy", "--localize-symbol=SSL_write", "--localize-symbol=SSL_read", "static",
        "local")  # fmt: skip
    run(folder, "strip", "-o", "hidden", "static")
    run(folder, "cc", "callbacks.c", "-w", "-o", "callbacks", "-lssl", "-lcrypto", "-pthread")
    run(folder, "go", "build", "-o", "go-plain", "client.go")
    run(folder, "strip", "-o", "go-stripped", "go-plain")
    run(folder, "cc", "-nostdlib", "-static", "-no-pie", "-s", "-o", "old-go", "old_go.S")
    old_openssl(folder)
    # What has a library's name and is none that can be watched.
    (folder / "libssl.so.9").write_bytes(b"\x7fELF\x02\x01\x01".ljust(64, b"\xff"))
    shutil.copy("/usr/lib/x86_64-linux-gnu/libz.so.1", folder / "libgnutls.so.99")
    return folder


def old_openssl(folder: Path) -> None:
    """A client of OpenSSL 1.1, of which a package for Python brings a copy."""
    run(folder, sys.executable, "-m", "pip", "-q", "download", "--no-deps", "--only-binary=:all:",
        "--python-version=3.11", "--dest=wheel", "psycopg2-binary==2.9.5")  # fmt: skip
    (wheel,) = (folder / "wheel").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if Path(name).name.startswith(("libssl-", "libcrypto-")):
                (folder / Path(name).name).write_bytes(archive.read(name))
    libraries = sorted(path.name for path in folder.glob("lib*.so.1.1"))
    run(folder, "cc", "client.c", "-w", "-o", "old-openssl", *libraries)


def run(folder: Path, *command: str) -> None:
    environment = {
        **os.environ,
        "CGO_ENABLED": "1",  # as its packages are that are compiled already
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "cache"),
    }
    subprocess.run(command, cwd=folder, check=True, env=environment, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auditor]:
    with Auditor(report_dir=tmp_path_factory.mktemp("reports")) as auditor:
        yield auditor


@pytest.fixture(scope="session")
def outcome(auditor: Auditor, programs: Path) -> Outcome:
    """The audit of all clients."""
    shown = [path for path in programs.iterdir() if path.is_file() and path.name != "clients.sh"]
    includes = tuple(Include(str(path), f"/srv/{path.name}") for path in shown)
    target = resolve(str(programs / "clients.sh"), includes)
    bystander = (sys.executable, "-I", str(programs / "outside.py"), str(programs))
    with subprocess.Popen(bystander) as outside:
        try:
            found = auditor.audit(target, Options(network="none", timeout=120))
            assert outside.poll() is None
        finally:
            outside.kill()
    return found
