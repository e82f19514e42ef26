"""The contracts once, then a deal for each test: Ape takes the chain back in between."""

import pytest
from figures import ARBITER_FEE, BOND, CREDITS, PRICE
from stage import Stage

# Ahead of the wall clock, at which the chain would otherwise begin its pending blocks.
START = 2_000_000_000
UNLIMITED = 2**256 - 1
PARTS = ("buyer", "seller", "recipient", "arbiter", "stranger")


@pytest.fixture(scope="session")
def minter(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def cast(accounts):
    return dict(zip(PARTS, accounts[1:], strict=False))


@pytest.fixture(scope="session")
def escrow(project, chain, minter):
    chain.pending_timestamp = START
    return minter.deploy(project.Escrow)


@pytest.fixture(scope="session")
def token(project, minter, escrow, cast):
    return funded(
        project, minter, escrow, {cast["buyer"]: PRICE + ARBITER_FEE, cast["seller"]: BOND}
    )


@pytest.fixture(scope="session")
def credit(project, minter, escrow, cast):
    return funded(project, minter, escrow, {cast["seller"]: CREDITS})


def funded(project, minter, escrow, amounts):
    token = minter.deploy(project.CreditToken, minter)
    for account, amount in amounts.items():
        token.mint(account, amount, sender=minter)
        token.approve(escrow, UNLIMITED, sender=account)
    return token


@pytest.fixture
def stage(escrow, token, credit, chain, cast):
    return Stage(escrow, token, credit, chain, cast)
