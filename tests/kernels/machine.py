"""One boot of one kernel under qemu: one processor, no network, the root file system read-only.

Owns the command line, the time limit and the end of the process. Judges nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from kernel import Kernel
from results import Machine

QEMU: Final = "qemu-system-x86_64"
HERE: Final = Path(__file__).parent
TIME_LIMIT_S: Final = 2400
_CONSOLE: Final = 3000


class NoAnswer(Exception):
    """The machine did not get to the end; the message has the last of its console."""


@dataclass(frozen=True)
class Processor:
    """What runs the machine's instructions."""

    name: str
    options: tuple[str, ...]


KVM: Final = Processor("KVM", ("-accel", "kvm", "-cpu", "host"))
EMULATED: Final = Processor("emulated", ("-accel", "tcg", "-cpu", "max,la57=off"))


def processor() -> Processor:
    """Return KVM where it can run an ordinary kernel: that needs the processor's own support.

    A host may have /dev/kvm without it, for guests that were changed to cooperate.
    """
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    hardware = flags is not None and {"vmx", "svm"} & set(flags[1].split())
    return KVM if hardware and os.access("/dev/kvm", os.R_OK | os.W_OK) else EMULATED


def boot(kernel: Kernel, initramfs: Path, folder: Path, on: Processor) -> Machine:
    """Boot, wait for the power off, and return what inside.py printed."""
    console, answer = folder / "console", folder / "answer"
    arguments = {"here": HERE, "python": sys.executable, "modules": kernel.modules}
    words = " ".join(f"ato.{name}={value}" for name, value in arguments.items())
    command = [
        QEMU, *on.options, "-machine", "q35", "-smp", "1", "-m", "2048",
        "-nodefaults", "-display", "none", "-no-reboot",
        "-kernel", str(kernel.image), "-initrd", str(initramfs),
        "-append", f"console=ttyS0 quiet panic=-1 {words}",
        "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
        "-serial", f"file:{console}", "-serial", f"file:{answer}",
    ]  # fmt: skip
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=TIME_LIMIT_S, check=True)
        return msgspec.json.decode(answer.read_bytes().strip(), type=Machine)
    except (subprocess.SubprocessError, OSError, msgspec.MsgspecError) as error:
        last = console.read_text(errors="replace")[-_CONSOLE:] if console.exists() else ""
        raise NoAnswer(f"{kernel.release} did not answer: {error}\n{last}") from None
