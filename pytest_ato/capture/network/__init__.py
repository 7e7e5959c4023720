"""The network around the target: namespaces, addresses, rules, and the sinkhole behind them.

Owns what needs privilege and nothing that parses the target's bytes. Namespaces are anonymous:
they live as long as a descriptor or a process of theirs, and the host's interfaces, rules and
routes are never touched.
"""

from pytest_ato.capture.network.gateway import Gateway
from pytest_ato.capture.network.target import TargetNetwork, isolated

__all__ = ["Gateway", "TargetNetwork", "isolated"]
