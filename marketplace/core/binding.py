"""What binds an offer: invitation, listing, and its signer's last one."""

from marketplace.core.errors import NoImprovement, TermsDisagree
from marketplace.core.listing import Content
from marketplace.core.outcome import DELIVERY_WINDOW, UNIT_PRICE, Subject
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST
from marketplace.core.words import Invitation


def check_bound(
    invitation: Invitation, content: Content, first: Terms | None, terms: Terms, subject: Subject
) -> None:
    """Raise TermsDisagree unless the terms keep all that they are bound to.

    Args:
        invitation: brings the parties and the buyer's nonce and epoch.
        content: the listing's, with the rules of settlement.
        first: the negotiation's first offer, which brought the seller's nonce and epoch.
        terms: what is offered.
        subject: the outcome that they are about.
    """
    expected = _kept(invitation, content, subject)
    if first is not None:
        expected["seller_nonce"] = first.seller_nonce
        expected["seller_epoch"] = first.seller_epoch
    if subject.listing != invitation.listing:
        raise TermsDisagree("listing", subject.listing, invitation.listing)
    for field, value in expected.items():
        signed = getattr(terms, field)
        if signed != value:
            raise TermsDisagree(field, str(signed), str(value))


def _kept(invitation: Invitation, content: Content, subject: Subject) -> dict[str, str | int]:
    settlement, price = content.settlement, subject.price
    return {
        "buyer": invitation.buyer,
        "seller": invitation.seller,
        "buyer_nonce": invitation.buyer_nonce,
        "buyer_epoch": invitation.buyer_epoch,
        "token": settlement.token,
        "price": price,
        "bond": settlement.bond(price),
        "fee_bps": settlement.fee_bps,
        "fee_recipient": settlement.fee_recipient,
        "rail": settlement.rail,
        "review_window": settlement.review_window,
        "notice_window": settlement.notice_window,
        "arbiter": settlement.arbiter,
        "arbiter_fee": settlement.arbiter_fee,
        "arbitration_window": settlement.arbitration_window,
        "default_seller_bps": settlement.default_seller_bps,
        "delivery_window": subject.outcome[DELIVERY_WINDOW],
        # A key of the other side's choice could take the whole price.
        "voucher_signer": ZERO_ADDRESS,
        # A deal that opens only with others would be no agreement of these two.
        "bundle": ZERO_DIGEST,
    }


def check_improvement(invitation: Invitation, last: Subject, now: Subject, *, buying: bool) -> None:
    """Raise NoImprovement where nothing but the unit price moves, and that too little."""
    if _but_price(last) != _but_price(now) or last.delivery != now.delivery:
        return
    step = max(1, invitation.min_improvement)
    before, asked = last.outcome[UNIT_PRICE], now.outcome[UNIT_PRICE]
    required = before + step if buying else before - step
    if (asked < required) if buying else (asked > required):
        raise NoImprovement(asked, required)


def _but_price(subject: Subject) -> dict[str, int]:
    return {**subject.outcome, UNIT_PRICE: 0}
