"""People: who an agent says it is, and who may sign in its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.core.card import Card, CardContent, Key
from marketplace.core.errors import AgentMissing, ValueMalformed
from marketplace.core.identity import ROLES, Delegation, Mandate, Revocation, Scope
from marketplace.core.message import parse_message
from marketplace.core.values import ZERO_DIGEST, Address, Digest, address
from marketplace.core.words import Kind
from marketplace.ports.channel import Heard
from marketplace.sdk.direct import Direct
from marketplace.sdk.means import Means
from marketplace.sdk.registry import Registry
from marketplace.wire.discovery import AgentView

DAY = 24 * 3600
YEAR = 365 * DAY


@dataclass(frozen=True, slots=True)
class Known:
    """What an agent has said about itself, every signature proved.

    Attributes:
        agent: who.
        digest: of its card; zero: it has none.
        content: what the card says; None without one that holds now.
        members: delegations that have not expired; that none of them is revoked, and that
            no other was given, is the registry's word.
    """

    agent: Address
    digest: Digest
    content: CardContent | None
    members: tuple[Mandate, ...]


class People:
    """What a client says of itself, and reads of others."""

    _means: Means
    _registry: Registry | Direct

    def introduce(
        self,
        name: str,
        endpoint: str = "",
        capabilities: Sequence[str] = (),
        keys: Sequence[Key] = (),
        lasts: int = YEAR,
    ) -> Known:
        """Publish this party's card, in the place of the one that it has.

        Args:
            name: for a reader; nothing makes it unique.
            endpoint: the URL at which the agent itself is reached, or empty.
            capabilities: what it can do, one word each.
            keys: for something else than signing.
            lasts: seconds.
        """
        signer, content = (
            self._means.signer,
            CardContent(name, endpoint, tuple(capabilities), tuple(keys)),
        )
        try:
            before = self.card(signer.address)
            replaced, members = before.digest, before.members
        except AgentMissing:
            replaced, members = ZERO_DIGEST, ()
        header = Card(signer.address, content.digest, replaced, signer.clock.now() + lasts)
        message = signer.word(Kind.CARD, header, content)
        self._means.registry.submit(message.to_json())
        return Known(signer.address, message.digest, content, members)

    def card(self, agent: Address) -> Known:
        """An agent's card and members; raises AgentMissing for one that never said anything."""
        who = address(agent, "agent")
        return self._known(who, self._registry.agent(who))

    def delegate(self, key: Address, role: str | Scope = "negotiator", lasts: int = DAY) -> Mandate:
        """Let another key sign in this party's name, everything but Terms.

        Args:
            key: its address.
            role: reader, clerk, negotiator or manager; or a sum of scopes.
            lasts: seconds.

        Returns:
            What that key's own client takes as ``mandate``; it holds no secret.
        """
        signer = self._means.signer
        delegation = Delegation(
            principal=signer.address,
            delegate=address(key, "key"),
            scope=int(_scope(role)),
            expires_at=signer.clock.now() + lasts,
            salt=self._means.random_bytes32(),
        )
        message = signer.word(Kind.DELEGATION, delegation)
        self._means.registry.submit(message.to_json())
        return Mandate(delegation, message.signature)

    def revoke(self, mandate: Mandate) -> None:
        """End a delegation: one that this party gave, or the one that this client works under."""
        signer = self._means.signer
        word = Revocation(mandate.delegation.principal, mandate.digest(signer.domain))
        self._means.registry.submit(signer.word(Kind.REVOCATION, word).to_json())

    def _known(self, agent: Address, view: AgentView) -> Known:
        digest, content = self._card(agent, view.card) if view.card else (ZERO_DIGEST, None)
        members = tuple(self._member(agent, member.delegation) for member in view.members)
        now = self._means.signer.clock.now()
        holding = (one for one in members if now < one.delegation.expires_at)
        return Known(agent, digest, content, tuple(holding))

    def _card(self, agent: Address, view: Heard) -> tuple[Digest, CardContent | None]:
        message = parse_message(view.message, self._means.signer.domain)
        match message.body, message.detail:
            case Card() as header, CardContent() as content if (
                message.signer == header.agent == agent
            ):
                good = self._means.signer.clock.now() < header.expires_at
                return message.digest, content if good else None
        raise AgentMissing(agent)

    def _member(self, agent: Address, view: Heard) -> Mandate:
        message = parse_message(view.message, self._means.signer.domain)
        body = message.body
        if isinstance(body, Delegation) and message.signer == body.principal == agent:
            return Mandate(body, message.signature)
        raise AgentMissing(agent)


def _scope(role: str | Scope) -> Scope:
    if isinstance(role, Scope):
        return role
    if role not in ROLES:
        raise ValueMalformed("role", role[:40], "one of " + ", ".join(ROLES))
    return ROLES[role]
