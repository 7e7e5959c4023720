"""`ato flows detach`: stop counting at interfaces, whoever attached."""

from __future__ import annotations

import argparse

from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.cli.flows.output import say
from pytest_ato.flows.attachment import attached, detach
from pytest_ato.flows.flowmap import unpin
from pytest_ato.flows.interfaces import namespace
from pytest_ato.model.errors import UsageError


def run(arguments: argparse.Namespace) -> None:
    """Detach; raises `AtoError`, and then nothing is detached."""
    libbpf = Libbpf()
    with namespace(arguments.netns) as inside:
        wanted = {inside.index(name): name for name in arguments.interfaces}
        known = {one.index: one for one in attached(libbpf, inside)}
        missing = [name for index, name in wanted.items() if index not in known]
        if missing:
            raise UsageError(f"nothing of ours is attached to {missing[0]}: see ato flows list")
        for index, name in wanted.items():
            detach(libbpf, inside, known[index])
            say({"kind": "detached", "interface": name}, f"{name}: detached")
    if arguments.unpin:
        unpin(arguments.map)
