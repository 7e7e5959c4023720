"""What decoding bytes that anybody may have made up can raise."""

from __future__ import annotations

from typing import Final

import msgspec

MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Of msgspec's decoders, which let two others than their own through: for the name of a field that
is no UTF-8, and for lists nested a thousand deep in a field that is not known."""
