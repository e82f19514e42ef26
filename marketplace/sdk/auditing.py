"""Auditing over the network: public bytes, an RPC URL, nobody's word."""

from marketplace.core.audit import ChainEvent, LoggedEntry, Report, audit
from marketplace.sdk.genuine import genuine_escrow
from marketplace.sdk.registry import Registry


def audit_market(rpc: str, log: str) -> Report:
    """Audit a registry's whole log against the escrow that its messages name.

    Args:
        rpc: JSON-RPC URL of a node that the auditor believes.
        log: the registry's URL; it is believed in nothing.

    Raises:
        ParleyError: the registry's escrow is not the genuine one (see ``genuine_escrow``),
            or one of the two URLs does not answer.
    """
    registry = Registry(log)
    try:
        chain = genuine_escrow(registry, rpc)
        entries, root = _download(registry)
        events = [ChainEvent(e.name, e.deal, e.values, e.at) for e in chain.events()]
        return audit(entries, root, events, chain.domain)
    finally:
        registry.close()


def _download(registry: Registry) -> tuple[list[LoggedEntry], str]:
    entries: list[LoggedEntry] = []
    page = registry.log(0)
    size, root = page.size, page.root
    while page.entries and len(entries) < size:
        entries += [LoggedEntry(e.index, e.leaf_hash, e.data.encode()) for e in page.entries]
        if len(entries) < size:
            page = registry.log(len(entries))
    return entries[:size], root
