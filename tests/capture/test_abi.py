"""The Python side's layouts against the C headers, as a compiler lays them out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pytest_ato.capture import abi, flowabi

INCLUDE = Path(__file__).parents[2] / "bpf/include"
HEADER = INCLUDE / "abi.h"
LAYOUTS = (*abi.LAYOUTS, *flowabi.LAYOUTS)

NO_HEADER = {"ato_scope", "ato_counts"} | {layout.name for layout in flowabi.LAYOUTS}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Every sizeof, offsetof and constant of the header, as `cc` sees them."""
    lines = []
    for layout in LAYOUTS:
        lines.append(f'printf("{layout.name} %zu\\n", sizeof(struct {layout.name}));')
        for name in layout.offsets():
            if name == "pad":
                continue
            member = name if layout.name in NO_HEADER else _member(name)
            lines.append(
                f'printf("{layout.name}.{name} %zu\\n", offsetof(struct {layout.name}, {member}));'
            )
    names = re.findall(r"(?:#define |\t)(ATO_\w+)(?: \d| 0x| =)", HEADER.read_text())
    names += re.findall(r"(?:#define |\t)(FLOW_\w+)(?: \d|,)", (INCLUDE / "flow.h").read_text())
    lines += [f'printf("{name} %zu\\n", (size_t){name});' for name in names]
    directory = tmp_path_factory.mktemp("abi")
    source = directory / "abi.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n"
        f'#include "{HEADER}"\n#include "{INCLUDE}/flow.h"\n'
        f"int main(void) {{\n{chr(10).join(lines)}\n}}\n"
    )
    subprocess.run(
        ["cc", "-Wall", "-Werror", str(source), "-o", str(directory / "abi")], check=True
    )
    output = subprocess.run([directory / "abi"], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in (line.split() for line in output.splitlines())}


def _member(name: str) -> str:
    return f"h.{name}" if name in ("ts", "tgid", "tid", "kind", "flags") else name


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_field_lies_where_the_compiler_puts_it(
    layout: abi.Layout, compiled: dict[str, int]
) -> None:
    for name, offset in layout.offsets().items():
        if name != "pad":
            assert compiled[f"{layout.name}.{name}"] == offset, name


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_struct_has_the_compilers_size(layout: abi.Layout, compiled: dict[str, int]) -> None:
    text = abi.SHORT_TEXT if layout is abi.PATH_LAYOUT else 0
    assert compiled[layout.name] == layout.format.size + text


def test_a_short_path_record_is_one_stride(compiled: dict[str, int]) -> None:
    assert compiled["ato_path"] + abi.RING_HEADER == abi.STRIDE


def test_constants_are_the_headers(compiled: dict[str, int]) -> None:
    ours = {
        f"ATO_{name}": value
        for name, value in vars(abi).items()
        if name.isupper() and isinstance(value, int)
    }
    shared = ours.keys() & compiled.keys()
    assert {"ATO_FORK", "ATO_DOOR", "ATO_F_KERNEL", "ATO_SHORT_TEXT", "ATO_TEXTS"} <= shared
    assert {name: ours[name] for name in shared} == {name: compiled[name] for name in shared}
    missing = {
        name for name in compiled if name.startswith("ATO_") and not name.endswith("VERSION")
    } - shared
    inside = {"ATO_CHUNK_SMALL", "ATO_CHUNK_MIDDLE"}
    assert missing <= {"ATO_CLASSES", "ATO_EXEC_TEXTS", *inside}


def test_counts_of_flows_are_in_the_headers_order(compiled: dict[str, int]) -> None:
    places = [compiled[f"FLOW_COUNT_{name.upper()}"] for name in flowabi.Counts._fields]
    assert places == list(range(compiled["FLOW_COUNTS"]))


def test_constants_of_flows_are_the_headers(compiled: dict[str, int]) -> None:
    names = ("OUT", "IN", "STEP", "WINDOW_BITS")
    assert [getattr(flowabi, name) for name in names] == [
        compiled[f"FLOW_{name}"] for name in names
    ]
