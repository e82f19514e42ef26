"""Logins: who asks, of which registry, once, and until when.

A wallet signs it as ``Login`` (EIP-712) or as a text of EIP-4361; both come to the same
``Claim``, which is checked in one way. A key that is not the account's own brings the
``Delegation`` that lets it speak, and gets at most what that one gives. Accounts that are
contracts log in through a delegate key: nothing here asks a chain (ERC-1271).
"""

import re
from dataclasses import dataclass
from typing import Self

from marketplace.core.eip712 import Domain, Typed
from marketplace.core.errors import (
    LoginRefused,
    OriginWrong,
    ScopeMissing,
    ValueMalformed,
    WrongSigner,
)
from marketplace.core.identity import Mandate, Scope, scope_names
from marketplace.core.signature import Signature, recover, verify
from marketplace.core.siwe import Siwe, moment, parse_siwe
from marketplace.core.values import (
    Address,
    Bytes32,
    Digest,
    Uint32,
    Uint40,
    address,
    digest,
    keccak,
    shown,
)

# A wallet's clock may be so far ahead of the registry's, in seconds.
CLOCKS_APART = 30
STATEMENT = "Log in to this Parley registry. This moves no money and agrees to nothing."

# A plain number: the complement of a flag leaves out the bits that have no name.
_ALL = int(sum(Scope))
_SCOPE = "urn:parley:scope:"
_ACCOUNT = "urn:parley:account:"
_ORIGIN = re.compile(r"(https?)://([a-z0-9._~-]+|\[[0-9a-f:.]{2,45}\])(:[1-9][0-9]{0,4})?\Z")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Login(Typed):
    """A wallet's word that it logs in.

    Attributes:
        account: in whose name; signs itself or has delegated to who does.
        origin: ``Origin.digest`` of the registry, so that it serves at no other.
        nonce: the registry's challenge.
        issued_at: when it was signed.
        expires_at: the instant from which neither it nor its token holds.
        scope: a ``Scope``: what is asked for.
    """

    account: Address
    origin: Bytes32
    nonce: Bytes32
    issued_at: Uint40
    expires_at: Uint40
    scope: Uint32


@dataclass(frozen=True, slots=True)
class Origin:
    """A registry's origin in its one spelling (RFC 6454): scheme, host, port if not usual."""

    scheme: str
    authority: str

    @classmethod
    def parse(cls, given: str) -> Self:
        """Parse an origin; raises ValueMalformed for another spelling of it too."""
        found = _ORIGIN.match(given)
        if found is None or found[3] == _DEFAULT_PORTS[found[1]]:
            form = "an origin such as https://registry.example, in lower case, without a path"
            raise ValueMalformed("origin", shown(given), form)
        return cls(found[1], found[2] + (found[3] or ""))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def digest(self) -> Digest:
        """What a ``Login`` names it by."""
        return "0x" + keccak(str(self).encode()).hex()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a login says, whichever way it was signed.

    Attributes:
        account: in whose name.
        signer: whose key signed.
        nonce: the challenge, not yet looked at.
        issued_at: when.
        not_before: the instant from which it holds.
        expires_at: the instant from which it does not.
        scope: what is asked for.
    """

    account: Address
    signer: Address
    nonce: Digest
    issued_at: int
    not_before: int
    expires_at: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        account: in whose name.
        actor: whose key: the account itself, or its delegate.
        scopes: what it may ask for.
        delegation: digest of the delegation; None where the account acts itself.
    """

    account: Address
    actor: Address
    scopes: Scope
    delegation: Digest | None = None

    def check(self, needed: Scope) -> None:
        """Raise ScopeMissing unless the caller holds every scope that is needed."""
        if needed & ~self.scopes:
            raise ScopeMissing(scope_names(needed), scope_names(self.scopes))


@dataclass(frozen=True, slots=True)
class Site:
    """Which registry: its origin, and the domain of the escrow whose words it takes."""

    origin: Origin
    domain: Domain

    def typed_claim(self, login: Login, signature: Signature) -> Claim:
        """The claim of a signed ``Login``.

        Raises:
            OriginWrong: it is another registry's.
            SignatureMalformed: no key signed it.
            LoginRefused: its scope is none.
        """
        if login.origin != self.origin.digest:
            raise OriginWrong(login.origin, self.origin.digest)
        return Claim(
            account=login.account,
            signer=recover(login.digest(self.domain), signature),
            nonce=login.nonce,
            issued_at=login.issued_at,
            not_before=0,
            expires_at=login.expires_at,
            scope=_scope(login.scope),
        )

    def siwe_claim(self, message: str, signature: Signature) -> Claim:
        """The claim of a signed text of EIP-4361.

        Raises:
            ValueMalformed: it is no such text.
            OriginWrong: it is another registry's.
            LoginRefused: another chain's, without an end, or for what there is not.
            WrongSigner: another key signed it.
        """
        told = parse_siwe(message)
        self._check_place(told)
        verify(told.digest, signature, told.account)
        if told.expiration_time is None:
            raise LoginRefused("Expiration Time", "none", "a login says until when it holds")
        scope, account = _resources(told)
        return Claim(
            account=account or told.account,
            signer=told.account,
            nonce=digest(told.nonce, "nonce"),
            issued_at=moment(told.issued_at),
            not_before=moment(told.not_before) if told.not_before else 0,
            expires_at=moment(told.expiration_time),
            scope=scope,
        )

    def admit(self, claim: Claim, mandate: Mandate | None, now: int) -> tuple[Caller, int]:
        """Who logs in, and until when at most; whether it was revoked is asked elsewhere.

        Raises:
            LoginRefused: it does not hold now, or names others than its delegation.
            WrongSigner: a key that is not the account's brings no delegation, or one that
                the account did not sign.
            ScopeMissing: the delegation gives nothing of what is asked for.
        """
        _check_times(claim, now)
        if mandate is None:
            _check_signer(claim, claim.account)
            return Caller(claim.account, claim.signer, claim.scope), claim.expires_at
        given = mandate.delegation
        _check("principal", given.principal, claim.account, "the login's account")
        _check_signer(claim, given.delegate)
        name = given.digest(self.domain)
        verify(name, mandate.signature, given.principal)
        if now >= given.expires_at:
            raise LoginRefused("delegation", str(given.expires_at), f"holds at {now}")
        scopes = claim.scope & given.scope
        if not scopes:
            raise ScopeMissing(scope_names(claim.scope), scope_names(Scope(given.scope) & _ALL))
        ends = min(claim.expires_at, given.expires_at)
        return Caller(claim.account, claim.signer, scopes, name), ends

    def _check_place(self, message: Siwe) -> None:
        stated = str(Origin(message.scheme or self.origin.scheme, message.domain))
        for said in (stated, message.uri):
            if said != str(self.origin):
                raise OriginWrong(said[:200], str(self.origin))
        _check("Chain ID", message.chain_id, str(self.domain.chain_id), "the escrow's chain")


def named(given: str) -> Scope:
    """The scopes of such a text; raises LoginRefused for a name that is none, or none at all."""
    known = {str(one.name).lower(): one for one in Scope}
    scopes = Scope(0)
    for name in given.split(" "):
        if name not in known:
            raise LoginRefused("scope", shown(name), "one of " + " ".join(known))
        scopes |= known[name]
    return scopes


def scope_uris(scopes: Scope) -> tuple[str, ...]:
    """Scopes as the resources of a text of EIP-4361."""
    return tuple(_SCOPE + name for name in scope_names(scopes).split())


def account_uri(account: Address) -> str:
    """In whose name a delegate logs in, as a resource of a text of EIP-4361."""
    return _ACCOUNT + account


def _resources(message: Siwe) -> tuple[Scope, Address | None]:
    # No resource at all is what a wallet's library makes unasked: it may read, and no more.
    asked, accounts = list[str](), list[str]()
    for uri in message.resources or (_SCOPE + "read",):
        prefix = next((one for one in (_SCOPE, _ACCOUNT) if uri.startswith(one)), None)
        if prefix is None:
            raise LoginRefused("Resources", shown(uri), f"{_SCOPE}NAME or {_ACCOUNT}ADDRESS")
        (asked if prefix == _SCOPE else accounts).append(uri.removeprefix(prefix))
    if len(accounts) > 1:
        raise LoginRefused("Resources", f"{len(accounts)} accounts", "one account at most")
    scope = named(" ".join(asked or ["read"]))
    return scope, address(accounts[0], "account") if accounts else None


def _scope(given: int) -> Scope:
    if not given or given & ~_ALL:
        raise LoginRefused("scope", str(given), f"a sum of scopes, from 1 to {_ALL}")
    return Scope(given)


def _check_times(claim: Claim, now: int) -> None:
    if claim.issued_at > now + CLOCKS_APART:
        raise LoginRefused("issuedAt", str(claim.issued_at), f"not after {now}")
    if claim.not_before > now:
        raise LoginRefused("notBefore", str(claim.not_before), f"not after {now}")
    if claim.expires_at <= now:
        raise LoginRefused("expiresAt", str(claim.expires_at), f"after {now}")


def _check_signer(claim: Claim, expected: Address) -> None:
    if claim.signer != expected:
        raise WrongSigner(expected, claim.signer)


def _check(field: str, stated: str, expected: str, rule: str) -> None:
    if stated != expected:
        raise LoginRefused(field, shown(stated), f"{rule}, {expected}")
