"""Measure, show, and write `results.md` and `results.json` beside this file.

python benchmarks [FIGURE ...] [--out DIRECTORY]

What the files have of figures that are not measured now stays in them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import bystander
import cold
import dispatch
import drain
import evidence
import flood
import flows
import last_event
import latency
import lists
import load
import memory
import opens
import ordinary_build
import pipeline
import proxy
import reports
import runtimes
import scale
import small_ring
import stages
import throughput
import tls
import unused
import upload
from machine import describe
from programs import Place
from results import section, write

FIGURES = {
    "cold": cold.figure,
    "runtimes": runtimes.figure,
    "last_event": last_event.figure,
    "reports": reports.figure,
    "evidence": evidence.figure,
    "latency": latency.figure,
    "throughput": throughput.figure,
    "scale": scale.figure,
    "unused": unused.figure,
    "opens": opens.figure,
    "flood": flood.figure,
    "small_ring": small_ring.figure,
    "drain": drain.figure,
    "load": load.figure,
    "memory": memory.figure,
    "build": ordinary_build.figure,
    "bystander": bystander.figure,
    "tls": tls.figure,
    "upload": upload.figure,
    "proxy": proxy.figure,
    "dispatch": dispatch.figure,
    "stages": stages.figure,
    "flows": flows.figure,
    "pipeline": pipeline.figure,
    "lists": lists.figure,
}
NEEDED = ("cc", "strace", "bpftrace", "bwrap", "unshare")
PROGRAM_STATISTICS = Path("/proc/sys/kernel/bpf_stats_enabled")


def main() -> int:
    """Return the exit status: a figure that misses its goal is told, and is no failure."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIRECTORY")
    options = parser.parse_args()
    wanted = options.figures or list(FIGURES)
    if unknown := set(wanted) - FIGURES.keys():
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        parser.error("needs root" if not missing else f"not installed: {', '.join(missing)}")
    if PROGRAM_STATISTICS.read_text().strip() != "0":
        parser.error(f"each run of a BPF program is timed, which costs more: {PROGRAM_STATISTICS}")
    # A shell starts background jobs deaf to it, and we end tracers with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options.out.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    machine = describe()
    with tempfile.TemporaryDirectory(prefix="ato-bench-") as directory:
        place = Place(Path(directory))
        place.build()
        for name in wanted:
            figure = FIGURES[name](place)
            print(*section(figure), "", sep="\n", flush=True)
            write(options.out, machine, figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
