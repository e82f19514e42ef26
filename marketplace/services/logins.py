"""Logins: a challenge, a signed answer, a token; and who a token is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from marketplace.core.challenge import check_nonce, nonce
from marketplace.core.eip712 import exactly
from marketplace.core.errors import LoginNonceSpent, LoginRefused, TokenRefused, ValueMalformed
from marketplace.core.identity import Mandate, scope_names
from marketplace.core.login import (
    STATEMENT,
    Caller,
    Claim,
    Login,
    Site,
)
from marketplace.core.signature import LONGEST_SIGNATURE
from marketplace.core.siwe import FORM
from marketplace.core.values import Address, Digest, Json, mapping, shown, text
from marketplace.ports.journal import Journal
from marketplace.services.tokens import Tokens
from marketplace.wire.logins import ChallengeView, TokenView

NONCE_SECONDS = 300
# A worker whose clock is behind may still take a nonce that another's has let expire, so a
# spent one is remembered for longer than it holds.
REMEMBERED_SECONDS = 300

# Whether a principal, by its address, has revoked a delegation, by its digest.
Revoked = Callable[[Address, Digest], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Logins:
    """Who may ask a registry what.

    Attributes:
        site: which registry.
        tokens: what it answers with.
        journal: where nonces are spent.
        revoked: asked of each delegation at login, and again with each token of one.
        random_bytes32: 256 random bits.
    """

    site: Site
    tokens: Tokens
    journal: Journal
    revoked: Revoked
    random_bytes32: Callable[[], Digest]

    def challenge(self, now: int) -> ChallengeView:
        """What a login must carry; nothing of it is kept."""
        expires_at = now + NONCE_SECONDS
        return ChallengeView(
            nonce=nonce(self.tokens.secrets[0], self.random_bytes32(), expires_at),
            origin=str(self.site.origin),
            origin_digest=self.site.origin.digest,
            domain=self.site.origin.authority,
            chain_id=self.site.domain.chain_id,
            statement=STATEMENT,
            now=now,
            expires_at=expires_at,
        )

    async def login(self, given: Json, now: int) -> TokenView:
        """The token for a request of one of the two forms; raises what these raise."""
        request = mapping(given, "login")
        grant = request.get("grant")
        optional = {"delegation"} & set(request)
        exactly(request, {"grant", "message", "signature"} | optional)
        signature = text(request["signature"], "signature", LONGEST_SIGNATURE)
        delegated = Mandate.from_json(request["delegation"]) if optional else None
        if grant == "eip712":
            login = Login.from_message(request["message"])
            return await self.login_typed(login, signature, delegated, now)
        if grant == "siwe":
            message = _lines(request["message"])
            return await self.login_siwe(message, signature, delegated, now)
        raise ValueMalformed("grant", shown(grant), "eip712 or siwe")

    async def login_typed(
        self, login: Login, signature: str, delegated: Mandate | None, now: int
    ) -> TokenView:
        """The token for a signed ``Login``; raises as ``Site`` and as ``challenge`` is kept."""
        return await self._admit(self.site.typed_claim(login, signature), delegated, now)

    async def login_siwe(
        self, message: str, signature: str, delegated: Mandate | None, now: int
    ) -> TokenView:
        """The token for a signed text of EIP-4361; raises as ``login_typed``."""
        return await self._admit(self.site.siwe_claim(message, signature), delegated, now)

    async def caller(self, token: str, now: int) -> Caller:
        """Who a token is; raises TokenRefused where it does not hold, or no longer."""
        caller = self.tokens.read(token, now)
        if caller.delegation and await self.revoked(caller.account, caller.delegation):
            raise TokenRefused("its delegation is revoked")
        return caller

    async def _admit(self, claim: Claim, delegated: Mandate | None, now: int) -> TokenView:
        spent_by = check_nonce(claim.nonce, self.tokens.secrets, now)
        caller, ends = self.site.admit(claim, delegated, now)
        if caller.delegation and await self.revoked(caller.account, caller.delegation):
            raise LoginRefused("delegation", caller.delegation, "not revoked")
        # Last: a login that is refused has not used its challenge up.
        if not await self.journal.burn(f"login:{claim.nonce}", spent_by + REMEMBERED_SECONDS):
            raise LoginNonceSpent(claim.nonce)
        expires_at = min(ends, now + self.tokens.ttl)
        return TokenView(
            access_token=self.tokens.issue(caller, now, expires_at, self.random_bytes32()),
            expires_in=expires_at - now,
            scope=scope_names(caller.scopes),
        )


def _lines(given: Json) -> str:
    # How long it may be and which lines it has, its reader says.
    if not isinstance(given, str):
        raise ValueMalformed("message", shown(given), FORM)
    return given
