"""The core loader on kernels that refuse one of its programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ato.capture.loader.core import OBJECT, CoreLoader
from pytest_ato.capture.loader.interface import Loader
from pytest_ato.capture.probes import PROBES
from pytest_ato.model.errors import CaptureUnavailable

pytestmark = pytest.mark.privileged

Make = Callable[[str], CoreLoader]
SESSION = [probe for probe in PROBES if probe.place == "session"]


@pytest.fixture
def without(tmp_path: Path) -> Iterator[Make]:
    """A loader whose object wants a tracepoint that no kernel has, in place of the one named."""
    made: list[Loader] = []

    def make(tracepoint: str) -> CoreLoader:
        original = OBJECT.read_bytes()
        wanted = f"tp_btf/{tracepoint}\0".encode()
        assert wanted in original
        path = tmp_path / OBJECT.name
        path.write_bytes(original.replace(wanted, wanted[:-4] + b"xxx\0"))
        loader = CoreLoader(path)
        made.append(loader)
        return loader

    yield make
    for loader in made:
        loader.close()


def test_all_of_the_session_are_live_here() -> None:
    loader = CoreLoader()
    loader.load()
    states = loader.probes()
    loader.close()
    assert {probe.name: states[probe.name] for probe in SESSION} == {
        probe.name: "live" for probe in SESSION
    }


def test_a_refused_optional_program_takes_no_other_with_it(without: Make) -> None:
    (optional,) = (probe for probe in SESSION if not probe.required)
    in_use = next(name for name in optional.alternatives if _kernel_has(name))
    loader = without(in_use)
    loader.load()
    states = loader.probes()
    assert states[optional.name] == "missing"
    assert {states[probe.name] for probe in SESSION if probe.required} == {"live"}
    loader.attach_wire(1)  # not loaded either; the loopback interface of this machine is untouched
    assert loader.take_flows() == []


def test_a_refused_required_program_is_an_error(without: Make) -> None:
    loader = without("sched_process_fork")
    with pytest.raises(CaptureUnavailable, match="see: ato doctor"):
        loader.load()


def _kernel_has(tracepoint: str) -> bool:
    btf = Path("/sys/kernel/btf/vmlinux").read_bytes()
    return b"\0btf_trace_%s\0" % tracepoint.encode() in btf
