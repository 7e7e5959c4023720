"""The programs of the figures about TLS: built, and watched by others.

Owns the targets of `targets/tls` and a server's certificate; what is asked of them is a figure's.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from peers import Traced, without_losses
from programs import HERE, WITH_TRACEFS, Audited, Place, audit, run

SOURCES = HERE / "targets/tls"
_BPFTRACE = 'uprobe:%s:SSL_write /pid == cpid/ { printf("%%r\\n", buf(arg1, (uint32)arg2)); }'
_SNIFFER = (sys.executable, str(HERE / "bcc_sslsniff.py"), "--no-gnutls", "--no-nss")
_PROBES = 4
"""Its probes on OpenSSL; each is a perf event, and so are its two buffers, on every processor."""
_START, _REST = 60.0, 1.0
"""Seconds that it may take to be compiled; and to print what is left."""
_LOST = re.compile(r"lost (\d+) samples")
_TOLD = re.compile(r"^WRITE/SEND +\S+ +writes +\d+ +(\d+)", re.MULTILINE)
_CUT = re.compile(r"END DATA \(TRUNCATED, (\d+) bytes lost\)")


def build(place: Place) -> None:
    """Compile the targets, unless they are there, and make the server's certificate."""
    if (place.path / "key.pem").exists():
        return
    _run(
        place, "cc", "-O2", "-Wall", str(SOURCES / "writes.c"), "-o", "writes", "-lssl", "-lcrypto"
    )
    _run(place, "cc", "-O2", "-Wall", "-static", "-s", str(SOURCES / "server.c"), "-o", "server",
         "-lssl", "-lcrypto")  # fmt: skip
    _run(place, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem")  # fmt: skip
    (place.path / "key.pem").chmod(0o644)  # the sandbox's user reads it


def audit_script(place: Place, script: Path, *args: object) -> Audited:
    """Audit a script whose last argument is the folder of the server; where it is empty, there is
    a network instead, and an upload to it is no failure."""
    files = (place.path / name for name in ("server", "cert.pem", "key.pem"))
    shown = [f"--include={path}:/srv/{path.name}" for path in files]
    network = ["--network=none", *shown] if args[-1] else ["--network=sinkhole"]
    return audit(place, script, *args, options=(*network, "--fail-on=reject"))


def lost(found: Audited) -> int:
    """Records of plaintext that an audit counted as lost."""
    report = json.loads(found.file("report.json").read_bytes())
    count: int = report["coverage"]["counters"]["plain"]["lost"]
    return count


def _run(place: Place, *command: str) -> None:
    subprocess.run(command, cwd=place.path, check=True, capture_output=True)


def library(place: Place) -> str:
    """Path of the libssl that the targets load."""
    words = run(("ldd", place.target("writes")), place).split()
    return next(word for word in words if word.startswith("/") and "libssl" in word)


def bpftrace(place: Place, *args: object) -> Traced:
    """Prints the bytes of each write, on entry to the function; fully buffered."""
    target = " ".join((place.target("writes"), *map(str, args)))
    options = ("-B", "full", "-o", "/dev/null", "-c", target)
    program = _BPFTRACE % library(place)
    return without_losses(run((*WITH_TRACEFS, "bpftrace", "-e", program, *options), place))


def sniffer(place: Place, *args: object) -> tuple[Traced, int]:
    """BCC's own tool; and how many bytes of plaintext it printed."""
    with _sniffing(place) as output:
        seconds = run((place.target("writes"), *map(str, args)), place)
        time.sleep(_REST)
    text = output.read_text(errors="replace")
    told = sum(map(int, _TOLD.findall(text))) - sum(map(int, _CUT.findall(text)))
    lost = sum(map(int, _LOST.findall(output.with_suffix(".err").read_text())))
    return Traced(seconds, lost), told


@contextmanager
def _sniffing(place: Place) -> Iterator[Path]:
    output = place.path / "sniffed"
    with output.open("wb") as out, output.with_suffix(".err").open("wb") as errors:
        process = subprocess.Popen(
            (*WITH_TRACEFS, *_SNIFFER), stdin=subprocess.DEVNULL, stdout=out, stderr=errors
        )
        try:
            _wait_for_probes(process)
            yield output
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _wait_for_probes(process: subprocess.Popen[bytes]) -> None:
    wanted = _PROBES + 2 * (os.cpu_count() or 1)
    until = time.monotonic() + _START
    while _perf_events(process.pid) < wanted:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("sslsniff did not start: are the kernel's headers installed?")
        time.sleep(0.05)


def _perf_events(pid: int) -> int:
    found = 0
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):  # closed meanwhile
            found += "perf_event" in str(link.readlink())
    return found
