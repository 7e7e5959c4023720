"""What the loaders' tests need of this machine."""

from __future__ import annotations

import os

import pytest

from pytest_ato.capture.loader import bcc_library, headers
from pytest_ato.model.errors import CaptureUnavailable


@pytest.fixture(scope="package")
def bcc() -> None:
    """BCC and kernel headers, which are a failure to lack where privileged tests must run."""
    try:
        bcc_library.find()
        headers.find()
    except CaptureUnavailable as error:
        if "privileged" in os.environ.get("ATO_REQUIRE", "").split(","):
            pytest.fail(str(error))
        pytest.skip(str(error))
