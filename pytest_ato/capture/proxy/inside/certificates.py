"""The session's certificate authority inside the proxy, and the TLS contexts made with it.

Owns the key, which came by standard input and is in this process's memory alone.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from mitmproxy import certs
from mitmproxy.net import tls as net_tls
from OpenSSL import SSL, crypto

_HTTP = (b"h2", b"http/1.1")
_CIPHERS = ("ALL", "!aNULL", "!eNULL", "@SECLEVEL=0")
"""Weak ones too: what a client speaks is for others to judge, here it is to be read."""
_HOST_FLAGS = 0x4 | 0x20
"""X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT."""


class Certificates:
    """Makes a leaf certificate for each name, kept for the last hundred."""

    def __init__(self, pem: bytes, bundle: str) -> None:
        """`pem`: the authority's key and certificate. `bundle`: a file of the authorities that
        true servers are checked against; empty where none is asked."""
        key = load_pem_private_key(pem, None)
        self._bundle = bundle
        self._store = certs.CertStore(key, certs.Cert.from_pem(pem), None, None)

    def server_side(self, name: str | None, address: str) -> SSL.Connection:
        """Return a connection in the server's role for this name and address."""
        names: list[x509.GeneralName] = [x509.DNSName(name)] if name else []
        names.append(x509.IPAddress(ip_address(address)))
        entry = self._store.get_cert(name, x509.GeneralNames(names))
        connection = SSL.Connection(_server_context())
        connection.use_certificate(entry.cert.to_pyopenssl())
        connection.use_privatekey(crypto.PKey.from_cryptography_key(entry.privatekey))
        connection.set_accept_state()
        return connection

    def client_side(self, name: str, alpn: list[bytes]) -> SSL.Connection:
        """Return a connection in the client's role that accepts this name alone."""
        connection = SSL.Connection(_client_context(self._bundle))
        connection.set_connect_state()
        if alpn:
            connection.set_alpn_protos(alpn)
        parameters = SSL._lib.SSL_get0_param(connection._ssl)
        SSL._lib.X509_VERIFY_PARAM_set_hostflags(parameters, _HOST_FLAGS)
        try:
            packed = ip_address(name).packed
        except ValueError:
            host = name.encode("ascii")
            connection.set_tlsext_host_name(host)
            done = SSL._lib.X509_VERIFY_PARAM_set1_host(parameters, host, len(host))
        else:
            done = SSL._lib.X509_VERIFY_PARAM_set1_ip(parameters, packed, len(packed))
        SSL._openssl_assert(done == 1)
        return connection


@lru_cache(1)
def _server_context() -> SSL.Context:
    return net_tls.create_client_proxy_context(
        method=net_tls.Method.TLS_SERVER_METHOD,
        min_version=net_tls.Version.TLS1,
        max_version=net_tls.Version.UNBOUNDED,
        cipher_list=_CIPHERS,
        ecdh_curve=None,
        chain_file=None,
        alpn_select_callback=_choose,
        request_client_cert=False,
        extra_chain_certs=(),
        dhparams=None,
    )


@lru_cache(1)
def _client_context(bundle: str) -> SSL.Context:
    return net_tls.create_proxy_server_context(
        method=net_tls.Method.TLS_CLIENT_METHOD,
        min_version=net_tls.Version.TLS1_2,
        max_version=net_tls.Version.UNBOUNDED,
        cipher_list=None,
        ecdh_curve=None,
        verify=net_tls.Verify.VERIFY_PEER,
        ca_path=None,
        ca_pemfile=bundle,
        client_cert=None,
        legacy_server_connect=False,
    )


def _choose(_: SSL.Connection, offers: list[bytes]) -> bytes:
    """Choose HTTP where it is offered, else what the client likes best, so that it goes on."""
    return next((offer for offer in offers if offer in _HTTP), offers[0])
