"""What the registry answers to those who log in."""

from pydantic import Field

from marketplace.wire.views import View


class ChallengeView(View):
    """What a login must carry."""

    nonce: str = Field(description="serves once; as it is in both forms")
    origin: str = Field(description="the URI of a text of EIP-4361")
    origin_digest: str = Field(description="keccak256 of the origin: a Login's origin")
    domain: str = Field(description="the domain of a text of EIP-4361")
    chain_id: int
    statement: str = Field(description="a statement that fits; another does as well")
    now: int = Field(description="the registry's clock, integer seconds UTC")
    expires_at: int = Field(description="from when on the nonce is none")


class TokenView(View):
    """A token (RFC 6749 §5.1)."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 the kind of token, not one
    expires_in: int = Field(description="seconds")
    scope: str = Field(description="what was granted; it can be less than was asked for")
