"""What the loaders' tests need of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from pytest_ato.capture.loader import bcc_library, headers
from pytest_ato.model.errors import CaptureUnavailable


@pytest.fixture(scope="package")
def bcc(lack: Callable[[str, str], NoReturn]) -> None:
    """BCC and kernel headers, which are a failure to lack where privileged tests must run."""
    try:
        bcc_library.find()
        headers.find()
    except CaptureUnavailable as error:
        lack("privileged", str(error))
