"""The genuine escrow: what a registry names, believed where it is proved."""

from marketplace.adapters.evm.view import EvmView
from marketplace.core.errors import DomainMismatch
from marketplace.core.values import address
from marketplace.sdk.direct import Direct
from marketplace.sdk.registry import Registry


def genuine_escrow(registry: Registry | Direct, rpc: str) -> EvmView:
    """The escrow that a registry names, on the chain of an RPC URL that the caller chose.

    Raises:
        DomainMismatch: the registry names another chain or protocol version than that.
        EscrowUnknown: it names another escrow than this version's.
        EscrowAbsent: the chain does not have it.
    """
    stated = registry.info().domain
    chain = EvmView(rpc, address(stated.verifyingContract, "verifyingContract"))
    if chain.domain.to_json() != stated.model_dump():
        raise DomainMismatch(str(stated.model_dump()), str(chain.domain.to_json()))
    chain.check_escrow()
    return chain
