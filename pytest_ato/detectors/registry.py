"""Which detectors there are: ours, and those that other packages bring.

Owns the list, the loading by entry point, and the check that ids and names are unique. Runs no
detector. Detectors are imported when they are asked for, not when this module is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from pytest_ato import __version__
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.model.errors import UsageError
from pytest_ato.model.findings import Category

GROUP: Final = "pytest_ato.detectors"
"""Entry-point group; each entry point is a `Detector` class, its name is the detector's."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_RULE: Final = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")


def builtin() -> tuple[type[Detector], ...]:
    """The detectors of this package, by id."""
    from pytest_ato.detectors.beaconing import Beaconing
    from pytest_ato.detectors.bulk_upload import BulkUpload
    from pytest_ato.detectors.cloud_metadata import CloudMetadata
    from pytest_ato.detectors.code_injection import CodeInjection
    from pytest_ato.detectors.credential_sweep import CredentialSweep
    from pytest_ato.detectors.denied import Denied
    from pytest_ato.detectors.dga_domains import DgaDomains
    from pytest_ato.detectors.dns_tunnel import DnsTunnel
    from pytest_ato.detectors.dropped_executable import DroppedExecutable
    from pytest_ato.detectors.env_harvest import EnvHarvest
    from pytest_ato.detectors.exfil_service import ExfilService
    from pytest_ato.detectors.fileless_exec import FilelessExec
    from pytest_ato.detectors.geo_policy import GeoPolicy
    from pytest_ato.detectors.honeytoken_exfil import HoneytokenExfil
    from pytest_ato.detectors.honeytoken_read import HoneytokenRead
    from pytest_ato.detectors.honeytoken_used import HoneytokenUsed
    from pytest_ato.detectors.kernel_bypass_io import KernelBypassIo
    from pytest_ato.detectors.known_bad_asn import KnownBadAsn
    from pytest_ato.detectors.known_bad_domain import KnownBadDomain
    from pytest_ato.detectors.miner import Miner
    from pytest_ato.detectors.opaque_transport import OpaqueTransport
    from pytest_ato.detectors.persistence import Persistence
    from pytest_ato.detectors.pii_egress import PiiEgress
    from pytest_ato.detectors.process_memory_access import ProcessMemoryAccess
    from pytest_ato.detectors.raw_ip_egress import RawIpEgress
    from pytest_ato.detectors.reverse_shell import ReverseShell
    from pytest_ato.detectors.sandbox_escape import SandboxEscape
    from pytest_ato.detectors.source_disagreement import SourceDisagreement
    from pytest_ato.detectors.tamper_and_evasion import TamperAndEvasion
    from pytest_ato.detectors.tls_pinned import TlsPinned
    from pytest_ato.detectors.tls_uninspected import TlsUninspected
    from pytest_ato.detectors.unattributed_flow import UnattributedFlow
    from pytest_ato.detectors.undeclared import Undeclared
    from pytest_ato.detectors.vendor_drift import VendorDrift

    detectors: tuple[type[Detector], ...] = (
        Beaconing,
        BulkUpload,
        CloudMetadata,
        CodeInjection,
        CredentialSweep,
        DgaDomains,
        Denied,
        DnsTunnel,
        DroppedExecutable,
        EnvHarvest,
        ExfilService,
        FilelessExec,
        GeoPolicy,
        HoneytokenExfil,
        HoneytokenRead,
        HoneytokenUsed,
        KernelBypassIo,
        KnownBadAsn,
        KnownBadDomain,
        Miner,
        OpaqueTransport,
        Persistence,
        PiiEgress,
        ProcessMemoryAccess,
        RawIpEgress,
        ReverseShell,
        SandboxEscape,
        SourceDisagreement,
        TamperAndEvasion,
        UnattributedFlow,
        Undeclared,
        VendorDrift,
        TlsPinned,
        TlsUninspected,
    )
    return tuple(sorted(detectors, key=lambda detector: detector.definition.rule))


def load(extra: Iterable[type[Detector]] = ()) -> tuple[type[Detector], ...]:
    """Ours, then those of installed packages by entry-point name, then `extra` in its order.

    Raises `UsageError` when one cannot be loaded, is no detector, or takes another's id or name.
    """
    installed = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    detectors = [*map(_ours, builtin()), *map(_loaded, installed)]
    for candidate in extra:
        detectors.append(_detector(candidate, "the hook pytest_ato_detectors"))
    _check_unique(detectors)
    return tuple(detectors)


def definitions(extra: Iterable[type[Detector]] = ()) -> tuple[Definition, ...]:
    """What `load` gives, by definition alone; raises as it does."""
    return tuple(detector.definition for detector in load(extra))


def by_name(detectors: Iterable[type[Detector]]) -> Mapping[str, type[Detector]]:
    """The same detectors by name."""
    return {detector.definition.name: detector for detector in detectors}


def categories(definitions: Iterable[Definition]) -> tuple[Category, ...]:
    """Categories that at least one of `definitions` covers, in the order of `Category`."""
    covered = {definition.category for definition in definitions}
    return tuple(category for category in Category if category in covered)


def _loaded(point: EntryPoint) -> type[Detector]:
    package = point.dist.name if point.dist else "an installed package"
    origin = f"entry point {point.name!r} of {package}"
    try:
        candidate: object = point.load()
    except Exception as error:
        raise UsageError(
            f"{origin} cannot be loaded as a detector ({type(error).__name__}: {error}); "
            "repair or uninstall that package"
        ) from error
    return _of_version(_detector(candidate, origin), point.dist.version if point.dist else "")


def _ours(detector: type[Detector]) -> type[Detector]:
    return _of_version(detector, __version__)


def _of_version(detector: type[Detector], version: str) -> type[Detector]:
    """Put the version of its package into a definition that states none."""
    if not detector.definition.version:
        detector.definition = replace(detector.definition, version=version)
    return detector


def _detector(candidate: object, origin: str) -> type[Detector]:
    if not (isinstance(candidate, type) and issubclass(candidate, Detector)):
        raise UsageError(f"{origin} gave {candidate!r}, which is not a subclass of Detector")
    definition = getattr(candidate, "definition", None)
    if not isinstance(definition, Definition):
        raise UsageError(
            f"{origin} gave {candidate.__name__}, which has no `definition`; "
            "set it to a pytest_ato.detectors.interface.Definition"
        )
    if not _NAME.fullmatch(definition.name):
        raise UsageError(
            f"{origin}: a detector's name is like my_detector, not {definition.name!r}"
        )
    if not _RULE.fullmatch(definition.rule):
        raise UsageError(f"{origin}: a detector's id is like ACME-EXF-001, not {definition.rule!r}")
    return candidate


def _check_unique(detectors: Iterable[type[Detector]]) -> None:
    taken: dict[str, str] = {}
    for detector in detectors:
        owner = f"{detector.__module__}.{detector.__qualname__}"
        for word in (detector.definition.rule, detector.definition.name):
            if word in taken:
                raise UsageError(
                    f"two detectors call themselves {word}: {taken[word]} and {owner}; "
                    "rename one of them"
                )
            taken[word] = owner
