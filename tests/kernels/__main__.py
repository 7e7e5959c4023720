"""Boot kernels of distributions, and audit both C samples under each.

    python tests/kernels [--source 'deb http://... SUITE main'] [PACKAGE ...]

Needs the Debian packages qemu-system-x86, kmod and cpio; installs nothing, needs no root. Run it
after `make setup examples`: the machine uses the installed wheel, by way of a read-only share.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from initramfs import make
from judge import complaints
from kernel import Apt, CannotFetch, fetch_busybox, fetch_kernel
from machine import EMULATED, NoAnswer, Processor, boot, processor
from results import Machine

CACHE: Final = Path(__file__).parents[2] / "build/kernels"


def main() -> int:
    arguments = _arguments()
    on = EMULATED if arguments.emulate else processor()
    status = 0
    for package in arguments.package:
        try:
            machine = _try(package, arguments.source, on)
        except (CannotFetch, NoAnswer) as error:
            print(f"{package}: FAILED: {error}")
            status = 1
            continue
        _show(machine, on)
        found = complaints(machine)
        for complaint in found:
            print(f"{machine.release}: FAILED: {complaint}")
        status = status or bool(found)
    return int(status)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/kernels", description=__doc__)
    parser.add_argument("package", nargs="*", default=["linux-image-amd64"])
    parser.add_argument("--source", help="one line as in sources.list, in place of this machine's")
    parser.add_argument("--emulate", action="store_true", help="do without KVM where it is there")
    return parser.parse_args()


def _try(package: str, source: str | None, on: Processor) -> Machine:
    kernel = fetch_kernel(package, Apt(CACHE, source), CACHE)
    busybox = fetch_busybox(Apt(CACHE), CACHE)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        return boot(kernel, make(kernel, busybox, folder), folder, on)


def _show(machine: Machine, on: Processor) -> None:
    print(f"{machine.release} ({on.name}): booted in {machine.boot_seconds:.0f} s")
    for step in machine.steps:
        print(f"  {step.name}: exit {step.status} {step.verdict} in {step.seconds:.0f} s")
        if step.name == "doctor":
            print("".join(f"    {line}\n" for line in step.output.splitlines()), end="")


if __name__ == "__main__":
    sys.exit(main())
