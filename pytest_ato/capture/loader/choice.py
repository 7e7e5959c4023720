"""Which loader serves a session."""

from __future__ import annotations

from pytest_ato.capture.loader.bcc import BccLoader
from pytest_ato.capture.loader.core import CoreLoader
from pytest_ato.capture.loader.interface import Loader
from pytest_ato.capture.loader.kernel_types import BTF
from pytest_ato.model.errors import CaptureUnavailable


def choose(name: str) -> Loader:
    """Return the loader of that name (core, bcc, auto), not loaded yet.

    `auto` is core where the kernel has BTF, else bcc.

    Raises CaptureUnavailable, in one line with the cure, when what it needs is not installed.
    """
    if name == "core" or (name == "auto" and BTF.exists()):
        return CoreLoader()
    try:
        return BccLoader()
    except CaptureUnavailable as error:
        if name == "bcc":
            raise
        raise CaptureUnavailable(
            f"no loader works here: core needs a kernel with BTF ({BTF} is missing: build with "
            f"CONFIG_DEBUG_INFO_BTF=y); bcc: {error}"
        ) from None
