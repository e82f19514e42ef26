"""Auditing over the network: public bytes, an RPC URL, nobody's word."""

from marketplace.core.audit import LoggedEntry, Report, audit
from marketplace.core.eip712 import Domain
from marketplace.core.message import Domains
from marketplace.core.replay import ChainEvent
from marketplace.core.values import address
from marketplace.sdk.genuine import genuine_escrow
from marketplace.sdk.login import LoginSigner, RegistryLogin
from marketplace.sdk.registry import Registry


def audit_market(rpc: str, log: str, wallet: LoginSigner | None = None) -> Report:
    """Audit a registry's whole log against the escrow that its messages name.

    Args:
        rpc: JSON-RPC URL of a node that the auditor believes.
        log: the registry's URL; it is believed in nothing.
        wallet: logs in, so that the bodies that it may read are read; without one, and
            where the registry does not show them to everybody, no rule is asked of the
            negotiations that the report names ``unread``.

    Raises:
        ParleyError: the registry's escrow is not the genuine one (see ``genuine_escrow``),
            or one of the two URLs does not answer.
    """
    registry = Registry(log)
    try:
        chain = genuine_escrow(registry, rpc)
        if wallet is not None:
            registry.auth = RegistryLogin(log, chain.domain, wallet)
        entries, root = _download(registry)
        events = [ChainEvent(e.name, e.deal, e.values, e.at) for e in chain.events()]
        return audit(entries, root, events, Domains((chain.domain, *_older(registry))))
    finally:
        registry.close()


def _older(registry: Registry) -> list[Domain]:
    # Words of earlier versions are read in the domains that the registry names: the chain that
    # is asked here settles none of them, and a signature holds in its own domain or in none.
    return [
        Domain(
            each.domain.chainId,
            address(each.domain.verifyingContract, "verifyingContract"),
            each.domain.name,
            each.version,
        )
        for each in registry.info().versions[1:]
    ]


def _download(registry: Registry) -> tuple[list[LoggedEntry], str]:
    entries: list[LoggedEntry] = []
    page = registry.log(0)
    size, root = page.size, page.root
    while page.entries and len(entries) < size:
        entries += [
            LoggedEntry(e.index, e.leaf_hash, e.data.encode(), e.body.encode())
            for e in page.entries
        ]
        if len(entries) < size:
            page = registry.log(len(entries))
    return entries[:size], root
