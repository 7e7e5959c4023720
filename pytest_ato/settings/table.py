"""The one table of options: name, grammar and help of everything that a user can set.

pytest's options (`--ato-x-y`), their ini twins (`ato_x_y`), those of `ato run` (`--x-y`) and the
documentation are made from it. Adding an option is one row here and one field in `Settings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pytest_ato.settings import grammar

NETWORKS = ("none", "sinkhole", "open")
LOADERS = ("auto", "core", "bcc")
RUNTIMES = ("auto", "local", "docker")
ENRICH = ("auto", "dns", "table", "off")
FAIL_ON = ("reject", "review", "conditions")


class Arity(Enum):
    """How often an option may be given, and whether it has a value."""

    ONE = "one"
    MANY = "many"
    FLAG = "flag"


@dataclass(frozen=True)
class Setting:
    """One row: an option and its grammar."""

    name: str
    """With hyphens and without prefix: ``expect-exit``."""
    metavar: str
    help: str
    parse: Callable[[str], object]
    """Raises `UsageError` with the grammar; used to check values as soon as they are known."""
    default: str = ""
    arity: Arity = Arity.ONE
    names_file: bool = False
    """The value is (or starts with) a path of the host."""
    pytest_only: bool = False
    """`ato run` has another way to say it."""

    @property
    def dest(self) -> str:
        """Name in the ini file and on pytest's option namespace: ``ato_expect_exit``."""
        return "ato_" + self.name.replace("-", "_")


TABLE: tuple[Setting, ...] = (
    Setting(
        "target",
        "PATH",
        "audit this program (an ELF file or a script with #!), the one in this directory or "
        "archive (tar, zip, deb, rpm), each phase of this package (deb, rpm, wheel, sdist, npm "
        "tarball), or a container image that was saved (docker save, OCI layout) or, as "
        "image:NAME, that an engine here has; may be repeated",
        grammar.path,
        arity=Arity.MANY,
        names_file=True,
        pytest_only=True,
    ),
    Setting(
        "entry",
        "PATH",
        "the program in a directory or archive, relative to it, or in a container image, in "
        "place of its entry point (default: the only one, or the one "
        "that is called as the package)",
        grammar.path,
    ),
    Setting(
        "args",
        "ARGS",
        "arguments of the target, quoted as for a shell",
        grammar.arguments,
        pytest_only=True,
    ),
    Setting(
        "stdin",
        "FILE",
        "the target reads this file as its standard input (default: empty)",
        grammar.path,
        names_file=True,
    ),
    Setting(
        "env",
        "NAME=VALUE",
        "a variable in the target's environment, which otherwise has only a few; may be repeated",
        grammar.variable,
        arity=Arity.MANY,
    ),
    Setting(
        "include",
        "PATH[:DEST]",
        "show this file or directory to the target, read-only, at the same path or at DEST; "
        "may be repeated",
        grammar.include,
        arity=Arity.MANY,
        names_file=True,
    ),
    Setting(
        "timeout",
        "SECONDS",
        "stop the target after so many seconds (default: 60)",
        grammar.timeout,
        default="60",
    ),
    Setting(
        "limit",
        "NAME=VALUE",
        "memory=4G, tasks=512, disk=1G, output=1M are the defaults; memory and tasks may be none; "
        "may be repeated",
        grammar.limit,
        arity=Arity.MANY,
    ),
    Setting(
        "service",
        "",
        "the target is meant to run on: the time limit is then no defect of it",
        grammar.text,
        arity=Arity.FLAG,
    ),
    Setting(
        "expect-exit",
        "STATUS",
        "the exit status that the target should end with (default: 0)",
        grammar.exit_status,
        default="0",
    ),
    Setting(
        "network",
        "MODE",
        "sinkhole: every name resolves and every connection is answered, nothing leaves the "
        "machine; open: TCP and DNS reach the true servers, recorded; none: loopback only "
        "(default: sinkhole)",
        grammar.choice(*NETWORKS),
        default="sinkhole",
    ),
    Setting(
        "policy",
        "FILE",
        "judge by this policy (YAML, or TOML by its name): what is declared, allowed, denied and "
        "waived",
        grammar.path,
        names_file=True,
    ),
    Setting(
        "rules",
        "FILE",
        "detectors of your own, as rules in this file (YAML, or TOML by its name); may be repeated",
        grammar.path,
        arity=Arity.MANY,
        names_file=True,
    ),
    Setting(
        "baseline",
        "FILE",
        "compare with what this file says that the target did before",
        grammar.path,
        names_file=True,
    ),
    Setting(
        "update-baseline",
        "",
        "write what the target does into the baseline, in place of comparing with it",
        grammar.text,
        arity=Arity.FLAG,
    ),
    Setting(
        "allow",
        "NAME",
        "accept the findings of this detector or category; they are listed as waived; "
        "may be repeated",
        grammar.text,
        arity=Arity.MANY,
    ),
    Setting(
        "enrich",
        "MODE",
        "after the run, ask where public destinations are: dns (Team Cymru's zones), table "
        "(--ato-asn-table), off, or auto: the table where one is given, DNS where a policy, a "
        "list, a named resolver or an open network needs the answer (default: auto)",
        grammar.choice(*ENRICH),
        default="auto",
    ),
    Setting(
        "resolver",
        "ADDRESS[:PORT]",
        "ask this DNS resolver about destinations (default: the machine's own)",
        grammar.resolver,
    ),
    Setting(
        "asn-table",
        "FILE",
        "a table of networks: lines of prefix,asn,country[,name], dated by a line # as of DATE",
        grammar.path,
        names_file=True,
    ),
    Setting(
        "domain-list",
        "FILE",
        "names that are known to be bad: one a line, a hosts file or a STIX 2.1 bundle; "
        "may be repeated",
        grammar.path,
        arity=Arity.MANY,
        names_file=True,
    ),
    Setting(
        "asn-list",
        "FILE",
        "numbers of networks (autonomous systems) that are known to be bad; may be repeated",
        grammar.path,
        arity=Arity.MANY,
        names_file=True,
    ),
    Setting(
        "report-dir",
        "DIR",
        "write reports below this directory (default: ato-report in the working directory)",
        grammar.path,
        default="ato-report",
        names_file=True,
    ),
    Setting(
        "fail-on",
        "VERDICT",
        "the mildest verdict that fails: reject, review or conditions (default: what the policy "
        "says, else review)",
        grammar.choice(*FAIL_ON),
        default="review",
    ),
    Setting(
        "allow-inconclusive",
        "",
        "do not fail when the capture was not whole",
        grammar.text,
        arity=Arity.FLAG,
    ),
    Setting(
        "loader",
        "LOADER",
        "how the probes are loaded: core (compiled once, relocated by BTF), bcc (compiled here, "
        "sees less) or auto (core where the kernel has BTF; the default)",
        grammar.choice(*LOADERS),
        default="auto",
    ),
    Setting(
        "runtime",
        "RUNTIME",
        "where the capture process runs: local (as root or by sudo), docker (in a container of "
        "Docker or Podman, no root needed) or auto (local where it can, else docker; the default)",
        grammar.choice(*RUNTIMES),
        default="auto",
    ),
    Setting(
        "image",
        "NAME",
        "the image that docker audits run in; pulled if it is not there (default: pytest-ato of "
        "this version, built once from this installation)",
        grammar.text,
    ),
    Setting(
        "unmask",
        "",
        "show planted values, secrets and personal data in reports and on the terminal as they "
        "are; the evidence log never does",
        grammar.text,
        arity=Arity.FLAG,
    ),
    Setting(
        "sign",
        "URI",
        "sign with this key: pkcs11:token=...;object=...?module-path=...&pin-source=... "
        "(RFC 7512); file:/path/key.pem; file: for a key of this user that is made on first use "
        "and is not hardware-backed; or none (default: file:)",
        grammar.signer,
        default="file:",
    ),
    Setting(
        "require-hsm",
        "",
        "fail unless the audit was signed with a key in a PKCS#11 token",
        grammar.text,
        arity=Arity.FLAG,
    ),
    Setting(
        "evidence-log",
        "PATH",
        "append signed records to this log (default: evidence.log in the report directory)",
        grammar.path,
        names_file=True,
    ),
    Setting(
        "batch",
        "RECORDS",
        "sign the log after so many records; 0: once an audit (default: 0)",
        grammar.batch,
        default="0",
    ),
    Setting(
        "timestamp",
        "URL",
        "have this authority timestamp the attestation (RFC 3161); only a digest goes out",
        grammar.authority,
    ),
    Setting(
        "metrics",
        "FILE|URL",
        "count audits and findings for Prometheus: add to this text file, or to what a push "
        "gateway has (http://host:9091, or with /metrics/job/NAME/instance/NAME)",
        grammar.path,
        names_file=True,
    ),
)
