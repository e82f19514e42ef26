"""Parley's SDK: discover, negotiate, settle, audit.

    with Client(registry, rpc, Wallet.load("buyer.key"), limits) as client:
        listed = client.search(kind="compute")[0]
        talk = client.invite(listed)

See docs/quickstart.md. Everything an agent needs is in this one list of names.
"""

from marketplace.core.agreement import Agreement
from marketplace.core.audit import Finding, Report
from marketplace.core.capacity import Capacity, Servable
from marketplace.core.deal import Deal, DealState
from marketplace.core.eip712 import Domain
from marketplace.core.errors import ParleyError, PolicyDenied, TermsInfeasible, Unservable
from marketplace.core.guardrails import Limits
from marketplace.core.identity import Mandate
from marketplace.core.listing import Content
from marketplace.core.listing import Settlement as SettlementRules
from marketplace.core.negotiation import Offer, State
from marketplace.core.outcome import Issue, Outcome, OutcomeSpace
from marketplace.core.request import Demand
from marketplace.core.words import Reason
from marketplace.sdk.auditing import audit_market
from marketplace.sdk.client import Client, Rules
from marketplace.sdk.devnet import Devnet
from marketplace.sdk.direct import Direct, Place
from marketplace.sdk.seeking import Listed
from marketplace.sdk.settlement import Settlement
from marketplace.sdk.talk import Talk
from marketplace.sdk.wallet import Wallet

__all__ = [
    "Agreement",
    "Capacity",
    "Client",
    "Content",
    "Deal",
    "DealState",
    "Demand",
    "Devnet",
    "Direct",
    "Domain",
    "Finding",
    "Issue",
    "Limits",
    "Listed",
    "Mandate",
    "Offer",
    "Outcome",
    "OutcomeSpace",
    "ParleyError",
    "Place",
    "PolicyDenied",
    "Reason",
    "Report",
    "Rules",
    "Servable",
    "Settlement",
    "SettlementRules",
    "State",
    "Talk",
    "TermsInfeasible",
    "Unservable",
    "Wallet",
    "audit_market",
]
