"""Write tests/vectors/payouts.json out of the table in the docs.

``python scripts/payouts.py`` writes, ``--check`` exits 1 if the file is stale. The table
is the section "Payouts" of docs/contracts.md: what is documented there is what the
contract and the deal machine are tested with. A row that pays out another sum than the
deal holds is refused.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "contracts.md"
VECTORS = ROOT / "tests" / "vectors" / "payouts.json"

PAYEES = "to_buyer", "to_seller", "fee", "to_arbiter"
BPS = 10_000
LARGEST = (1 << 104) - 1
WINDOWS = {
    "delivery_window": 3_600,
    "review_window": 1_800,
    "notice_window": 600,
    "arbitration_window": 7_200,
}

# Odd on purpose: no two of them meet by accident, and every floor cuts something off.
FIGURES: tuple[dict[str, int], ...] = (
    {"price": 1_000_003, "bond": 50_021, "fee_bps": 333, "stake": 30_011, "share_bps": 6_667},
    {"price": 19_999, "bond": 7_777, "fee_bps": 1, "stake": 7_777, "share_bps": 3_333},
    {"price": LARGEST, "bond": LARGEST, "fee_bps": 9_999, "stake": LARGEST, "share_bps": 9_999},
    {"price": 101, "bond": 1, "fee_bps": BPS, "stake": 1, "share_bps": BPS},
    {"price": 7, "bond": 0, "fee_bps": 0, "stake": 0, "share_bps": 0},
)

# How a new deal comes to stand in a state.
PATHS = {
    "NONE": (),
    "FUNDED": ("open",),
    "NOTICED": ("open", "notice"),
    "DELIVERED": ("open", "deliver"),
    "DISPUTED": ("open", "deliver", "dispute"),
}
# Who makes a call; the others are anyone's, and a delivery depends on the rail.
CALLERS = {
    "release": "buyer",
    "claim": "seller",
    "refund": "buyer",
    "dispute": "buyer",
    "resolve": "arbiter",
    "notice": "buyer",
    "close": "seller",
}
# What a call names beside the terms; a delivery's amount is its charge, all others are totals.
ARGUMENTS = {
    "deliver": ("amount",),
    "release": ("amount",),
    "redeem": ("amount",),
    "close": ("amount",),
    "resolve": ("amount", "bond_to_seller"),
    "settle": ("amount", "bond_to_seller"),
}
# What has to pass in silence before the call.
SILENCES = {
    "claim": "review_window",
    "refund": "delivery_window",
    "expire": "arbitration_window",
}
# Which optional fields of the terms a rail knows; the others are zero.
FIELDS = {
    "escrow": {"bond", "arbiter", "arbiter_fee", "share_bps", *WINDOWS} - {"notice_window"},
    "atomic": set[str](),
    "metered": {"bond", "delivery_window", "review_window", "notice_window"},
    "exchange": {"bond", "arbiter", "delivery_window", "review_window"},
}
RAILS = tuple(FIELDS)


class Row(NamedTuple):
    """One row of the table: a call, the places it can be made in, and a formula a payee."""

    call: str
    part: bool
    places: tuple[tuple[str, str], ...]
    formulas: dict[str, str]


class RowUnbalanced(ValueError):
    """A row pays out another sum than the deal has to pay."""

    def __init__(self, name: str, paid: int, held: int) -> None:
        """Name the case and the two sums."""
        super().__init__(f"{name}: pays {paid}, has to pay {held}; correct its row in {PAGE.name}")


class FormulaUnknown(ValueError):
    """A formula has something that the table's language does not."""

    def __init__(self, formula: str) -> None:
        """Name the formula and what it may be made of."""
        super().__init__(f"{formula!r}: only names, integers, +, -, fee() and share() are known")


def table(page: str) -> Iterator[Row]:
    """The rows of the section, in their order."""
    section = page.split("\n## Payouts\n")[1].split("\n## ", maxsplit=1)[0]
    for line in re.findall(r"^\| (`.+) \|$", section, re.MULTILINE):
        call, places, *formulas = (cell.strip() for cell in line.split("|"))
        name, _, extent = call.partition(" ")
        yield Row(
            name.strip("`"),
            extent == "part",
            tuple(
                (rail, state.strip())
                for rail, _, states in (place.strip().partition(" ") for place in places.split(";"))
                for state in states.split(",")
            ),
            dict(zip(PAYEES, (formula.strip("`") for formula in formulas), strict=True)),
        )


def value(formula: str, figures: dict[str, int]) -> int:
    """What a formula comes to, in base units.

    Raises:
        FormulaUnknown: it is made of more than names, integers, + and -, fee and share

    """
    rates = {"fee": figures["fee_bps"], "share": figures["share_bps"]}

    def of(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name(id=name) if name in figures:
                return figures[name]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return of(left) + of(right)
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return of(left) - of(right)
            case ast.Call(func=ast.Name(id=name), args=[argument]) if name in rates:
                return of(argument) * rates[name] // BPS
        raise FormulaUnknown(formula)

    return of(ast.parse(formula, mode="eval").body)


def drawn(row: Row, rail: str, state: str, base: dict[str, int], earlier: int) -> dict[str, int]:
    """The figures of one case: what the terms say, what went before, what the call names."""
    known = FIELDS[rail]
    price, bond = base["price"], base["bond"] if "bond" in known else 0
    billed = price * 3 // 5 if state in {"DELIVERED", "DISPUTED"} else price
    released = billed // 3 if earlier else 0
    middle = released + (billed - released) // 2
    disputed_voucher = (row.call, state) == (
        "redeem",
        "DISPUTED",
    )  # a part, even over the whole charge
    names_all = row.call in {"release", "redeem"} and (not row.part or disputed_voucher)
    return base | {
        "bond": bond,
        "arbiter_fee": base["stake"] if "arbiter_fee" in known else 0,
        "share_bps": base["share_bps"] if "share_bps" in known else 0,
        "stake": base["stake"] if state == "DISPUTED" else 0,
        "charge": billed,
        "released": released,
        "amount": billed if names_all else middle,
        "bondToSeller": bond // 3,
    }


def path(row: Row, state: str, figures: dict[str, int]) -> list[tuple[str, int]]:
    """The calls that lead to the payout, each with its amount; the payout is the last one's."""
    calls = [(call, figures["charge"]) for call in PATHS[state]]
    if figures["released"]:
        calls.insert(1, ("release", figures["released"]))
    return [*calls, (row.call, figures["amount"])]


def step(rail: str, call: str, amount: int, bond_to_seller: int) -> dict[str, object]:
    """One call: who makes it, how many seconds after the one before, and what it names."""
    arguments = {"amount": str(amount), "bond_to_seller": str(bond_to_seller)}
    delivers = "arbiter" if rail == "exchange" else "seller"
    return {
        "call": call,
        "caller": delivers if call == "deliver" else CALLERS.get(call, "anyone"),
        "after": WINDOWS[SILENCES[call]] if call in SILENCES else 1,
    } | {name: arguments[name] for name in ARGUMENTS.get(call, ())}


def terms(rail: str, figures: dict[str, int]) -> dict[str, object]:
    """The fields of the terms that a payout depends on."""
    known = FIELDS[rail]
    return {
        "rail": RAILS.index(rail),
        "price": str(figures["price"]),
        "fee_bps": figures["fee_bps"],
        "bond": str(figures["bond"]),
        "has_arbiter": "arbiter" in known,
        "arbiter_fee": str(figures["arbiter_fee"]),
        "default_seller_bps": figures["share_bps"],
    } | {name: window if name in known else 0 for name, window in WINDOWS.items()}


def case(row: Row, rail: str, state: str, figures: dict[str, int]) -> dict[str, object]:
    """One case; refuses a row that does not pay out what it has to.

    Raises:
        RowUnbalanced: the payees together get more or less than there is

    """
    extent = " part" if row.part else ""
    name = f"{row.call}{extent} in {rail} {state}, price {figures['price']}"
    if figures["released"]:
        name += f" of which {figures['released']} was released"
    paid = {payee: value(formula, figures) for payee, formula in row.formulas.items()}
    ends = figures["price"] + figures["bond"] + figures["stake"]
    held = (figures["amount"] if row.part else ends) - figures["released"]
    if sum(paid.values()) != held:
        raise RowUnbalanced(name, sum(paid.values()), held)
    return {
        "name": name,
        "terms": terms(rail, figures),
        "calls": [
            step(rail, call, amount, figures["bondToSeller"])
            for call, amount in path(row, state, figures)
        ],
        "expected": {payee: str(amount) for payee, amount in paid.items()},
    }


def cases(page: str) -> Iterator[dict[str, object]]:
    """Every row with all figures, before and after an earlier release, each place in its turn."""
    for row in table(page):
        places = cycle(row.places)
        for earlier in (0,) if row.call == "swap" else (0, 1):
            for base in FIGURES:
                rail, state = next(places)
                yield case(row, rail, state, drawn(row, rail, state, base, earlier))


def main() -> int:
    """Write the file, or with ``--check`` compare it."""
    lines = ",\n".join(json.dumps(each) for each in cases(PAGE.read_text()))
    fresh = f'{{"cases": [\n{lines}\n]}}\n'
    if "--check" not in sys.argv:
        VECTORS.write_text(fresh)
        return 0
    if VECTORS.exists() and VECTORS.read_text() == fresh:
        return 0
    print(f"stale: {VECTORS.name}; run python scripts/payouts.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
