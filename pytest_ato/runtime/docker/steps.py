"""What an engine tells while it builds or pulls an image, as one line a step.

Owns which of its many lines is a step, and the error among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pytest_ato.model.octets import show

_STEP: Final = re.compile(r"(\[\d+/\d+\] )?step \d+/\d+ ?:", re.IGNORECASE)
"""Of Docker's classic builder, and of Podman's, which counts the stages of the file as well."""
_HAVE: Final = frozenset({"Pull complete", "Already exists"})
_LONG: Final = 100


def steps(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each instruction of a Dockerfile, or for each layer that is there.

    `lines` are those of the engine's API, decoded. Raises RuntimeError with what the engine said
    last when it tells of an error.
    """
    last = ""
    layers: dict[str, bool] = {}
    for line in lines:
        if "error" in line:
            raise RuntimeError(f"{last}: {str(line['error']).strip()}" if last else line["error"])
        said = str(line.get("stream") or line.get("status") or "").strip()
        if not said:
            continue
        last = show(said.splitlines()[-1], 2 * _LONG)
        if "stream" in line and _STEP.match(said):
            yield show(said.splitlines()[0], _LONG)
        elif (layer := str(line.get("id", ""))) and said in _HAVE | {"Pulling fs layer"}:
            layers[layer] = said in _HAVE
            if layers[layer]:
                yield f"{sum(layers.values())} of {len(layers)} layers"
