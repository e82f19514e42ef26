// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../../contracts/Escrow.sol";
import {IEscrow, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {SmartWallet} from "../../contracts/mocks/SmartWallet.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

contract SignaturesTest is Stage {
    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    Terms private terms;
    bytes32 private deal;
    bytes private ofBuyer;
    bytes private ofSeller;

    function setUp() public override {
        super.setUp();
        terms = offer();
        deal = escrow.digest(terms);
        ofBuyer = sign(BUYER_KEY, deal);
        ofSeller = sign(SELLER_KEY, deal);
    }

    function test_open_refuses_a_strangers_signature_in_either_place() public {
        bytes memory forged = sign(0xbad, deal);
        refuseOpen(terms, forged, ofSeller, wrongSigner(buyer, VM.addr(0xbad)));
        refuseOpen(terms, ofBuyer, forged, wrongSigner(seller, VM.addr(0xbad)));
    }

    function test_open_refuses_swapped_signatures() public {
        refuseOpen(terms, ofSeller, ofBuyer, wrongSigner(buyer, seller));
    }

    function test_open_refuses_signatures_over_other_terms() public {
        terms.price -= 1;
        assertWrongSigner(ofBuyer, ofSeller);
    }

    function test_open_refuses_the_high_s_twin_of_a_good_signature() public {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(BUYER_KEY, deal);
        bytes memory twin = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        VM.assertEq(ecrecover(deal, uint8(twin[64]), r, bytes32(CURVE_ORDER - uint256(s))), buyer);
        refuseOpen(terms, twin, ofSeller, wrongSigner(buyer, address(0)));
    }

    function test_open_refuses_v_of_zero_or_one() public {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(BUYER_KEY, deal);
        refuseOpen(terms, abi.encodePacked(r, s, v - 27), ofSeller, wrongSigner(buyer, address(0)));
    }

    function test_open_refuses_every_length_but_65() public {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(BUYER_KEY, deal);
        bytes32 compact = bytes32(uint256(s) | uint256(v - 27) << 255);
        refuseOpen(terms, "", ofSeller, wrongSigner(buyer, address(0)));
        refuseOpen(terms, abi.encodePacked(r, compact), ofSeller, wrongSigner(buyer, address(0)));
        refuseOpen(terms, abi.encodePacked(r, s, v, v), ofSeller, wrongSigner(buyer, address(0)));
    }

    function test_open_refuses_a_signature_for_another_chain() public {
        uint256 here = block.chainid;
        VM.chainId(here + 1);
        bytes32 elsewhere = escrow.digest(terms);
        VM.chainId(here);
        assertWrongSigner(sign(BUYER_KEY, elsewhere), sign(SELLER_KEY, elsewhere));
    }

    function test_open_refuses_a_signature_for_another_escrow() public {
        bytes32 elsewhere = new Escrow().digest(terms);
        assertWrongSigner(sign(BUYER_KEY, elsewhere), sign(SELLER_KEY, elsewhere));
    }

    function test_open_accepts_an_erc1271_wallet_that_accepts() public {
        terms.buyer = address(new SmartWallet(buyer));
        fund(terms.buyer, PRICE);
        assertState(open(terms), State.FUNDED);
    }

    function test_open_refuses_an_erc1271_wallet_that_refuses() public {
        SmartWallet wallet = new SmartWallet(stranger);
        fund(address(wallet), PRICE);
        terms.buyer = address(wallet);
        refuseOpen(terms, wrongSigner(address(wallet), buyer));
    }

    function test_open_refuses_a_contract_that_knows_no_erc1271() public {
        fund(address(token), PRICE);
        terms.buyer = address(token);
        refuseOpen(terms, wrongSigner(address(token), buyer));
    }

    function test_open_accepts_the_key_of_an_account_with_code() public {
        // As an EIP-7702 account whose delegate accepts no signature at all.
        VM.etch(buyer, address(new SmartWallet(address(0))).code);
        assertState(open(terms), State.FUNDED);
    }

    function test_open_accepts_the_delegate_of_an_account_with_code() public {
        // As an EIP-7702 account whose delegate trusts a session key.
        VM.etch(buyer, address(new SmartWallet(VM.addr(0x5e55))).code);
        escrow.open(terms, sign(0x5e55, deal), ofSeller);
        assertState(deal, State.FUNDED);
    }

    function assertWrongSigner(bytes memory first, bytes memory second) private {
        (bool done, bytes memory reason) = address(escrow).call(abi.encodeCall(escrow.open, (terms, first, second)));
        VM.assertFalse(done);
        VM.assertEq(bytes32(bytes4(reason)), bytes32(IEscrow.WrongSigner.selector));
    }

    function wrongSigner(address expected, address recovered) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongSigner.selector, expected, recovered);
    }
}
