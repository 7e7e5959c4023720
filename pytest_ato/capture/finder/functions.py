"""The functions that plaintext goes through, and how each takes its arguments.

Owns the list: the name of a function in symbol tables, its library, its shape and direction in the
numbers of the ABI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_ato.capture import abi


@dataclass(frozen=True)
class Function:
    """One function; `code` is what its probes are told by, but for which of its kind it is (see
    `bpf/include/abi.h`)."""

    library: int
    shape: int
    writes: bool = False

    @property
    def code(self) -> int:
        """Library, shape and direction as one number."""
        return self.library | self.shape | (abi.TLS_WRITES if self.writes else 0)

    @property
    def ends_handle(self) -> bool:
        """Whether it gives a connection's handle back: its return is then of no interest."""
        return self.shape == abi.TLS_FREE

    @property
    def arguments(self) -> int:
        """How many of its arguments the probe at its entry reads."""
        return {abi.TLS_FREE: 1, abi.TLS_EX: 4, abi.TLS_EX2: 5}.get(self.shape, 3)


_OPENSSL, _GNUTLS, _NSS = abi.TLS_OPENSSL, abi.TLS_GNUTLS, abi.TLS_NSS

C_FUNCTIONS: Final[dict[str, Function]] = {
    "SSL_write": Function(_OPENSSL, abi.TLS_INT, writes=True),
    "SSL_read": Function(_OPENSSL, abi.TLS_INT),
    "SSL_write_ex": Function(_OPENSSL, abi.TLS_EX, writes=True),
    "SSL_read_ex": Function(_OPENSSL, abi.TLS_EX),
    "SSL_write_ex2": Function(_OPENSSL, abi.TLS_EX2, writes=True),  # from 3.3
    "SSL_write_early_data": Function(_OPENSSL, abi.TLS_EX, writes=True),
    "SSL_free": Function(_OPENSSL, abi.TLS_FREE),
    "gnutls_record_send": Function(_GNUTLS, abi.TLS_SIZE, writes=True),
    "gnutls_record_send2": Function(_GNUTLS, abi.TLS_SIZE, writes=True),
    "gnutls_record_recv": Function(_GNUTLS, abi.TLS_SIZE),
    "gnutls_deinit": Function(_GNUTLS, abi.TLS_FREE),
    "PR_Write": Function(_NSS, abi.TLS_NSPR, writes=True),
    "PR_Send": Function(_NSS, abi.TLS_NSPR, writes=True),
    "PR_Read": Function(_NSS, abi.TLS_NSPR),
    "PR_Recv": Function(_NSS, abi.TLS_NSPR),
    "PR_Close": Function(_NSS, abi.TLS_FREE),
}
"""By their names in a symbol table."""
GO_FUNCTIONS: Final[dict[str, Function]] = {
    "crypto/tls.(*Conn).Write": Function(abi.TLS_GOLANG, abi.TLS_GO, writes=True),
    "crypto/tls.(*Conn).Read": Function(abi.TLS_GOLANG, abi.TLS_GO),
}
"""By their names in Go's own table of functions."""
FUNCTIONS: Final = {**C_FUNCTIONS, **GO_FUNCTIONS}
"""All; which of them it is goes into five bits of a code."""


def on_stack(function: Function) -> Function:
    """The same function of Go before 1.17, which passes arguments on the stack."""
    return Function(function.library, abi.TLS_GO_STACK, function.writes)
