from __future__ import annotations
from ..flows.conftest import bpffs, load, udp
