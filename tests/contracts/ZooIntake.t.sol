// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Terms} from "../../contracts/interfaces/Types.sol";
import {BarringToken} from "../../contracts/mocks/tokens/BarringToken.sol";
import {HookedToken} from "../../contracts/mocks/tokens/HookedToken.sol";
import {SkewedToken} from "../../contracts/mocks/tokens/SkewedToken.sol";
import {HookedWallet} from "../../contracts/mocks/wallets/HookedWallet.sol";
import {VM} from "./Cheats.sol";
import {IFiatToken, issueFiatToken} from "./foreign/FiatToken.sol";
import {Ways} from "./foreign/Ways.sol";

/// @notice Money that does not come in as the terms say: the operation is refused by name, and nothing of it stays.
contract ZooIntakeTest is Ways {
    function testFuzz_a_token_that_moves_another_amount_is_refused_by_what_came(int8 skew) public harmless {
        if (skew == 0) skew = -1;
        SkewedToken skewed = new SkewedToken(0);
        pay(address(skewed));
        Terms memory terms = delivered(disputable());
        skewed.reskew(skew);
        refuse(buyer, abi.encodeCall(IEscrow.dispute, (terms, REASONS)), short(STAKE, skew));
        refuseOpen(fresh(offer()), short(PRICE, skew));
        refuse(stranger, seriesCall(), short(DEALS * PRICE, skew));
        refuse(buyer, abi.encodeCall(IAccounts.deposit, (address(token), 1_000)), short(1_000, skew));
        refuse(stranger, swapCall(), short(PRICE - uint256(PRICE) * feeBps / 10_000, skew));
        (bool bound,) = escrow.bound(buyer);
        VM.assertFalse(bound);
        skewed.reskew(0);
        settleUp(exits[0]());
    }

    function test_a_payer_that_the_token_bars_by_a_revert_is_refused_by_name() public harmless {
        refuseBarred(BarringToken.Refusal.REVERT);
    }

    function test_a_payer_that_the_token_bars_by_an_answer_is_refused_by_name() public harmless {
        refuseBarred(BarringToken.Refusal.FALSE);
    }

    function test_a_payer_who_slips_money_in_while_it_pays_is_refused() public harmless {
        HookedToken hooked = new HookedToken();
        HookedWallet wallet = new HookedWallet(buyer);
        wallet.listen(hooked);
        buys = address(wallet);
        pay(address(hooked));
        wallet.prepare(address(hooked), abi.encodeCall(hooked.mint, (address(escrow), 1)));
        refuseOpen(fresh(offer()), pullShort(address(token), PRICE, uint256(PRICE) + 1));
    }

    function test_a_payer_whose_hook_refuses_is_refused_by_name() public harmless {
        HookedToken hooked = new HookedToken();
        HookedWallet wallet = new HookedWallet(buyer);
        wallet.listen(hooked);
        buys = address(wallet);
        pay(address(hooked));
        wallet.turn(HookedWallet.Mood.REFUSE);
        refuseOpen(fresh(offer()), refused(address(wallet), PRICE));
    }

    function test_a_paused_token_is_refused_and_works_again_later() public harmless {
        IFiatToken fiat = issueFiatToken(address(this));
        pay(address(fiat));
        Terms memory terms = fresh(offer());
        fiat.pause();
        refuseOpen(terms, refused(buyer, PRICE));
        refuse(stranger, swapCall(), refused(buyer, PRICE - uint256(PRICE) * feeBps / 10_000));
        fiat.unpause();
        open(terms);
    }

    function refuseBarred(BarringToken.Refusal refusal) private {
        BarringToken barring = new BarringToken(refusal);
        pay(address(barring));
        Terms memory terms = delivered(disputable());
        barring.bar(buyer, true);
        refuse(buyer, abi.encodeCall(IEscrow.dispute, (terms, REASONS)), refused(buyer, STAKE));
        Terms memory again = fresh(offer());
        refuseOpen(again, refused(buyer, PRICE));
        refuse(stranger, seriesCall(), refused(buyer, DEALS * PRICE));
        refuse(buyer, abi.encodeCall(IAccounts.deposit, (address(token), 1_000)), refused(buyer, 1_000));
        refuse(stranger, swapCall(), refused(buyer, PRICE - uint256(PRICE) * feeBps / 10_000));
        barring.bar(buyer, false);
        barring.bar(seller, true);
        refuseOpen(again, refused(seller, BOND));
        barring.bar(seller, false);
        // A refusal spent nothing.
        open(again);
    }

    function refused(address from, uint256 amount) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.PullRefused.selector, address(token), from, amount);
    }

    function short(uint256 amount, int8 skew) private view returns (bytes memory) {
        return pullShort(address(token), amount, uint256(int256(amount) + skew));
    }
}
