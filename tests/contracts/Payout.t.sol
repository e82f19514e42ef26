// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Credits, Position, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";
import {IMintable} from "./Stage.sol";

interface TextVm {
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function split(string calldata text, string calldata delimiter) external pure returns (string[] memory);
}

TextVm constant TEXT_VM = TextVm(address(VM));

/// @notice The payout table of docs/contracts.md, case by case, against the contract; and whatever else is called, the
/// escrow holds what its position says.
contract PayoutTest is Scenes {
    IMintable private goods;
    bool[4] private inside; // who keeps its money in the escrow, in the order of holdings
    mapping(string name => Operation) private operations;
    mapping(string name => address) private callers;

    function setUp() public override {
        super.setUp();
        goods = IMintable(VM.deployCode("CreditToken.sol:CreditToken", abi.encode(address(this))));
        VM.prank(seller);
        goods.approve(address(escrow), type(uint256).max);
        string[11] memory names = [
            "deliver",
            "release",
            "redeem",
            "claim",
            "refund",
            "dispute",
            "resolve",
            "expire",
            "settle",
            "notice",
            "close"
        ];
        for (uint8 i = 0; i < names.length; i++) {
            operations[names[i]] = Operation(i);
        }
        (callers["buyer"], callers["seller"], callers["arbiter"], callers["anyone"]) = (buyer, seller, umpire, stranger);
    }

    function test_every_row_of_the_table_is_what_the_contract_pays() public {
        runTable();
    }

    function test_every_row_pays_into_the_balance_of_a_buyer_that_paid_from_it() public {
        inside[0] = true;
        runTable();
    }

    function test_every_row_pays_into_the_balance_of_a_seller_that_paid_from_it() public {
        inside[1] = true;
        runTable();
    }

    function test_every_row_pays_into_the_balances_of_both_parties() public {
        (inside[0], inside[1]) = (true, true);
        runTable();
    }

    function test_amounts_of_nothing_are_not_sent() public {
        VM.expectCall(address(token), abi.encodeCall(token.transferFrom, (seller, address(escrow), 0)), 0);
        VM.expectCall(address(token), abi.encodeCall(token.transfer, (recipient, 0)), 0);
        VM.expectCall(address(token), abi.encodeCall(token.transfer, (buyer, 0)), 0);
        Terms memory terms = offer();
        (terms.bond, terms.feeBps) = (0, 0);
        bring(terms, State.RELEASED);
    }

    /// @dev Any twelve calls: one that is done changes the position, and what the escrow holds is always what it says.
    function testFuzz_no_sequence_of_calls_pays_out_more_or_less_than_came_in(uint256 seed, uint8 rail) public {
        Terms memory terms = reach([Rail.ESCROW, Rail.METERED, Rail.EXCHANGE][rail % 3], State.FUNDED);
        bytes32 deal = escrow.digest(terms);
        fund(buyer, STAKE);
        for (uint256 i = 0; i < 12; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes32 before = keccak256(abi.encode(escrow.position(deal)));
            VM.assertEq(attempt(terms, seed), keccak256(abi.encode(escrow.position(deal))) != before);
            assertHeld(address(escrow), owed(terms));
        }
    }

    // ------------------------------------------------------------------ one case

    /// @dev The file has a case a line between its first line and its last.
    function runTable() private {
        string[] memory lines = TEXT_VM.split(VM.readFile("tests/vectors/payouts.json"), "\n");
        // Eleven rows, ten cases of each but the swap's five; an empty line is what follows the last newline.
        VM.assertEq(lines.length, 105 + 3);
        for (uint256 i = 1; i <= 105; i++) {
            runCase(withoutComma(lines[i]), i);
        }
    }

    function runCase(string memory entry, uint256 nonce) private {
        Terms memory terms = readTerms(entry);
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
        uint256 locked = lockedInDeals();
        endow(terms);

        uint256 next;
        for (; VM.keyExistsJson(entry, step(next + 1)); next++) {
            perform(terms, entry, step(next));
        }
        uint256[4] memory before = holdings(terms.rail);
        // A swap takes the price in with the very call that pays it out.
        if (terms.rail == Rail.ATOMIC) before[0] -= terms.price;
        perform(terms, entry, step(next));

        assertGains(entry, before, holdings(terms.rail));
        VM.assertEq(lockedInDeals() - locked, owed(terms));
    }

    function readTerms(string memory entry) private view returns (Terms memory terms) {
        terms = offer();
        terms.openBy = uint40(block.timestamp + 600);
        terms.rail = uint8(number(entry, ".terms.rail"));
        terms.price = uint104(number(entry, ".terms.price"));
        terms.bond = uint104(number(entry, ".terms.bond"));
        terms.feeBps = uint16(number(entry, ".terms.fee_bps"));
        if (TEXT_VM.parseJsonBool(entry, ".terms.has_arbiter")) terms.arbiter = umpire;
        terms.arbiterFee = uint104(number(entry, ".terms.arbiter_fee"));
        terms.defaultSellerBps = uint16(number(entry, ".terms.default_seller_bps"));
        terms.deliveryWindow = uint32(number(entry, ".terms.delivery_window"));
        terms.reviewWindow = uint32(number(entry, ".terms.review_window"));
        terms.noticeWindow = uint32(number(entry, ".terms.notice_window"));
        terms.arbitrationWindow = uint32(number(entry, ".terms.arbitration_window"));
        if (terms.rail == Rail.EXCHANGE) terms.goods = keccak256("what the arbiter contract is to judge");
        if (terms.rail == Rail.ATOMIC) terms.goods = hash(credits());
    }

    /// @dev Gives both parties what the deal will take from them, where it will take it from.
    function endow(Terms memory terms) private {
        endow(buyer, uint256(terms.price) + terms.arbiterFee, inside[0] && terms.rail != Rail.ATOMIC);
        endow(seller, terms.bond, inside[1] && terms.rail != Rail.ATOMIC);
    }

    function endow(address party, uint256 amount, bool deposits) private {
        fund(party, amount);
        if (deposits) act(party, abi.encodeCall(IAccounts.deposit, (address(token), amount)));
    }

    function perform(Terms memory terms, string memory entry, string memory key) private {
        string memory name = TEXT_VM.parseJsonString(entry, string.concat(key, ".call"));
        VM.warp(block.timestamp + number(entry, string.concat(key, ".after")));
        if (same(name, "open")) {
            open(terms);
        } else if (same(name, "swap")) {
            swap(terms);
        } else {
            uint104 amount = uint104(number(entry, string.concat(key, ".amount")));
            uint104 bondToSeller = uint104(number(entry, string.concat(key, ".bond_to_seller")));
            address caller = callers[TEXT_VM.parseJsonString(entry, string.concat(key, ".caller"))];
            act(caller, encode(operations[name], terms, amount, bondToSeller));
        }
    }

    function swap(Terms memory terms) private {
        goods.mint(seller, credits().amount);
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        act(stranger, abi.encodeCall(IEscrow.swap, (terms, credits(), ofBuyer, ofSeller)));
    }

    // ------------------------------------------------------------------ what is compared

    function assertGains(string memory entry, uint256[4] memory before, uint256[4] memory afterwards) private view {
        string[4] memory payees = ["to_buyer", "to_seller", "fee", "to_arbiter"];
        for (uint256 i = 0; i < payees.length; i++) {
            uint256 expected = number(entry, string.concat(".expected.", payees[i]));
            // As text, so that a failure says which case and which payee.
            string memory found = said(entry, payees[i], afterwards[i] - before[i]);
            VM.assertEq(found, said(entry, payees[i], expected));
        }
    }

    /// @dev What buyer, seller, the fee's recipient and the arbiter have where they are to be paid; swaps know wallets only.
    function holdings(uint8 rail) private view returns (uint256[4] memory sums) {
        address[4] memory payees = [buyer, seller, recipient, umpire];
        for (uint256 i = 0; i < payees.length; i++) {
            bool kept = inside[i] && rail != Rail.ATOMIC;
            sums[i] = kept ? escrow.balance(address(token), payees[i]) : token.balanceOf(payees[i]);
        }
    }

    function lockedInDeals() private view returns (uint256) {
        return token.balanceOf(address(escrow)) - escrow.balance(address(token), buyer)
            - escrow.balance(address(token), seller);
    }

    /// @dev What has come in and not gone out, by the position alone.
    function owed(Terms memory terms) private view returns (uint256) {
        Position memory held = escrow.position(escrow.digest(terms));
        if (held.state == State.NONE || held.state > State.DISPUTED) return 0;
        uint256 stake = held.state == State.DISPUTED ? terms.arbiterFee : 0;
        return uint256(terms.price) + terms.bond + stake - held.released;
    }

    function attempt(Terms memory terms, uint256 seed) private returns (bool done) {
        VM.warp(block.timestamp + within(seed >> 16, 0, 1_200));
        uint104 amount = uint104(within(seed >> 32, 0, uint256(terms.price) + 1));
        uint104 bondToSeller = uint104(within(seed >> 136, 0, uint256(terms.bond) + 1));
        if (seed >> 8 & 1 == 0) amount = terms.price;
        bytes memory call = encode(Operation(seed % 11), terms, amount, bondToSeller);
        VM.prank([buyer, seller, umpire, stranger][(seed >> 240) % 4]);
        (done,) = address(escrow).call(call);
    }

    // ------------------------------------------------------------------ reading

    /// @dev Zero where the key is absent, as a call has only the arguments that it knows.
    function number(string memory entry, string memory key) private view returns (uint256) {
        return VM.keyExistsJson(entry, key) ? VM.parseJsonUint(entry, key) : 0;
    }

    function step(uint256 index) private pure returns (string memory) {
        return string.concat(".calls[", VM.toString(index), "]");
    }

    function said(string memory entry, string memory payee, uint256 amount) private pure returns (string memory) {
        return string.concat(TEXT_VM.parseJsonString(entry, ".name"), ", ", payee, ": ", VM.toString(amount));
    }

    function withoutComma(string memory line) private pure returns (string memory) {
        uint256 last = bytes(line).length - 1;
        if (bytes(line)[last] != ",") return line;
        assembly ("memory-safe") {
            mstore(line, last)
        }
        return line;
    }

    function same(string memory left, string memory right) private pure returns (bool) {
        return keccak256(bytes(left)) == keccak256(bytes(right));
    }

    function credits() private view returns (Credits memory) {
        return Credits(address(goods), false, 0, 1_009);
    }

    function hash(Credits memory moved) private pure returns (bytes32) {
        bytes32 typeHash = keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)");
        return keccak256(abi.encode(typeHash, moved));
    }
}
