"""A login to a PKCS#11 token, and the one key in it that a URI names.

Owns the search (exactly one token and one key must match), the reading of the public half, and
what each failure of a token means. Signs nothing and retries nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_ato.evidence.keys import PublicKey
from pytest_ato.evidence.signers import pin
from pytest_ato.evidence.signers.uri import Pkcs11Uri
from pytest_ato.model.errors import SigningError, UsageError
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    import pkcs11
    from pkcs11._pkcs11 import lib

LOCKED: Final = (
    "the token is locked after too many wrong PINs; its security officer has to unlock it"
)
WRONG_PIN: Final = (
    "the token refuses the PIN; it was tried once and is not tried again, "
    "since a token locks itself after a few"
)


class TokenGone(SigningError):
    """The token does not answer as it did: another login may help, for a while."""

    kind = "gone"


class PinRefused(SigningError):
    """The token does not take the PIN; another try may lock it."""

    kind = "pin"


class TokenLocked(SigningError):
    """The token takes no PIN any more."""

    kind = "locked"


@dataclass(frozen=True)
class Login:
    """An open session and what it found."""

    session: pkcs11.Session
    private: Any
    """The private key's object, which signs."""
    public: PublicKey
    model: str
    """Who made the token, and what it is called: ``SoftHSM project SoftHSM v2``."""

    def close(self) -> None:
        """End the session; nothing happens when its token is gone."""
        import pkcs11

        try:
            self.session.close()
        except pkcs11.PKCS11Error:
            return


def login(uri: Pkcs11Uri) -> Login:
    """Log in and find the key; raises `SigningError`, of which `TokenGone` may pass."""
    import pkcs11

    path = str(uri.module_path)
    try:
        library = pkcs11.lib(path)
    except pkcs11.PKCS11Error as error:
        if uri.module_path.exists() and "OS exception" not in str(error):
            raise TokenGone(f"the module {show(path)} does not start: {_name(error)}") from None
        raise SigningError(
            f"cannot load the PKCS#11 module {show(path)}; `ato doctor` lists those that are here"
        ) from None
    with told():
        token = _token(library, uri)
        session = _session(token, uri)
        try:
            private = _one_key(session, uri, pkcs11.ObjectClass.PRIVATE_KEY)
            public = _public(session, private, uri)
        except BaseException:
            session.close()
            raise
        model = " ".join(show(text.strip(), 40) for text in (token.manufacturer_id, token.model))
        return Login(session, private, public, model)


def restart(uri: Pkcs11Uri) -> None:
    """Have the module begin anew: one that saw its token go may never find it again otherwise, as
    SoftHSM. Ends every session that this process has with the module."""
    import pkcs11

    with suppress(pkcs11.PKCS11Error):  # what is wrong, the next login tells
        pkcs11.lib(str(uri.module_path)).reinitialize()


@contextmanager
def told() -> Iterator[None]:
    """Turn what a module raises into what a user can act on."""
    import pkcs11

    try:
        yield
    except pkcs11.PinLocked:
        raise TokenLocked(LOCKED) from None
    except pkcs11.PinIncorrect:
        raise PinRefused(WRONG_PIN) from None
    except (pkcs11.PinInvalid, pkcs11.PinLenRange):
        raise PinRefused(f"{WRONG_PIN} (it has not the form of one)") from None
    except pkcs11.PinExpired:
        raise PinRefused("the token's PIN has expired; set a new one") from None
    except pkcs11.UserPinNotInitialized:
        raise SigningError("the token has no user PIN yet; its security officer sets it") from None
    except (pkcs11.MechanismInvalid, pkcs11.MechanismParamInvalid, pkcs11.KeyTypeInconsistent):
        raise SigningError("the token cannot sign this way with that key") from None
    except pkcs11.PKCS11Error as error:
        raise TokenGone(f"the token does not answer: {_name(error)}") from None


def _token(library: lib, uri: Pkcs11Uri) -> pkcs11.Token:
    found = [
        token
        for token in library.get_tokens()
        if _matches(uri.token, token.label)
        and _matches(uri.serial, token.serial)
        and _matches(uri.manufacturer, token.manufacturer_id)
        and _matches(uri.model, token.model)
        and uri.slot_id in (None, token.slot.slot_id)
    ]
    if not found:
        raise TokenGone("no token matches the pkcs11: URI; is it plugged in, and its name right?")
    if len(found) > 1:
        raise SigningError(
            f"{len(found)} tokens match the pkcs11: URI, exactly one must: add serial="
        )
    return found[0]


def _matches(wanted: str | None, found: str | bytes) -> bool:
    text = found.decode(errors="replace") if isinstance(found, bytes) else found
    return wanted is None or wanted == text.strip(" \0")


def _session(token: pkcs11.Token, uri: Pkcs11Uri) -> pkcs11.Session:
    import pkcs11

    try:
        return token.open(user_pin=pin.read(uri.pin_source))
    except pkcs11.UserAlreadyLoggedIn:  # this process has another session with the same token
        return token.open()


def _one_key(session: pkcs11.Session, uri: Pkcs11Uri, kind: pkcs11.ObjectClass) -> Any:  # noqa: ANN401  (what an object can do depends on its kind, which the library mixes in)
    from pkcs11 import Attribute

    wanted: dict[Attribute, Any] = {Attribute.CLASS: kind}
    if uri.object is not None:
        wanted[Attribute.LABEL] = uri.object
    if uri.id is not None:
        wanted[Attribute.ID] = uri.id
    found = list(session.get_objects(wanted))
    word = kind.name.lower().replace("_", " ")
    if not found:
        raise SigningError(f"no {word} in the token matches the pkcs11: URI; check object= and id=")
    if len(found) > 1:
        raise SigningError(
            f"{len(found)} {word}s match the pkcs11: URI, exactly one must: add id=, or object="
        )
    return found[0]


def _public(session: pkcs11.Session, private: pkcs11.PrivateKey, uri: Pkcs11Uri) -> PublicKey:
    """Read the public half: of RSA from the private key, else from the public key beside it."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from pkcs11 import Attribute, KeyType, ObjectClass
    from pkcs11.util.ec import encode_ec_public_key

    try:
        if private.key_type == KeyType.RSA:
            modulus, exponent = (
                int.from_bytes(private[name], "big")
                for name in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT)
            )
            return PublicKey.of(rsa.RSAPublicNumbers(exponent, modulus).public_key())
        public = _one_key(session, uri, ObjectClass.PUBLIC_KEY)
        if private.key_type == KeyType.EC:
            key = PublicKey(encode_ec_public_key(public))
            _ = key.algorithms
            return key
        if private.key_type == KeyType.EC_EDWARDS:
            return _ed25519(public[Attribute.EC_POINT])
    except (UsageError, ValueError) as error:
        raise SigningError(f"the token's key cannot be used: {error}") from None
    raise SigningError("the token's key is of a kind that is not used; take P-256, RSA or Ed25519")


def _ed25519(point: bytes) -> PublicKey:
    """Read a point as tokens give it: 32 bytes, mostly inside of an OCTET STRING in DER."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    raw = point[2:] if len(point) == 34 and point[:2] == b"\x04\x20" else point
    return PublicKey.of(ed25519.Ed25519PublicKey.from_public_bytes(raw))


def _name(error: Exception) -> str:
    return show(f"{type(error).__name__} {error}".strip(), 120)
