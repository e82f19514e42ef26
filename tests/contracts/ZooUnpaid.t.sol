// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {BarringToken} from "../../contracts/mocks/tokens/BarringToken.sol";
import {GasBurningToken} from "../../contracts/mocks/tokens/GasBurningToken.sol";
import {HookedToken} from "../../contracts/mocks/tokens/HookedToken.sol";
import {ReturnBombToken} from "../../contracts/mocks/tokens/ReturnBombToken.sol";
import {HookedWallet} from "../../contracts/mocks/wallets/HookedWallet.sol";
import {VM} from "./Cheats.sol";
import {IFiatToken, issueFiatToken} from "./foreign/FiatToken.sol";
import {Exit, Ways} from "./foreign/Ways.sol";

/// @notice What an exit owes to whom it could not pay, and how that is collected.
abstract contract Debts is Ways {
    uint8 internal constant SELLER = 2;
    uint8 internal constant ALL = 15; // a bit for each of the cast

    /// @dev The exit pays those who are not in `who`, and owes to those who are.
    function owe(Exit memory exit, uint8 who) internal {
        uint256[4] memory had = wallets();
        act(exit.caller, exit.call);
        for (uint256 i = 0; i < 4; i++) {
            uint256 due = dues(exit)[i];
            bool unpaid = who >> i & 1 == 1;
            VM.assertEq(wallets()[i] - had[i], unpaid ? 0 : due);
            VM.assertEq(escrow.balance(address(token), cast()[i]), unpaid ? due : 0);
        }
    }

    function collect(uint8 who) internal {
        uint256[4] memory had = wallets();
        for (uint256 i = 0; i < 4; i++) {
            uint256 owed = escrow.balance(address(token), cast()[i]);
            if (who >> i & 1 == 0 || owed == 0) continue;
            act(cast()[i], withdrawal(cast()[i], owed));
            VM.assertEq(token.balanceOf(cast()[i]), had[i] + owed);
        }
    }
}

/// @notice A token that stops for a while ends every deal in balances, which are paid when it goes on.
contract ZooStoppedTest is Debts {
    function test_usdc_that_bars_everybody_pays_them_later() public harmless {
        endInBalances(address(issueFiatToken(address(this))), barEverybody);
    }

    function test_usdc_that_is_paused_ends_every_deal_in_balances() public harmless {
        endInBalances(address(issueFiatToken(address(this))), pause);
    }

    function test_an_escrow_that_the_token_bars_ends_every_deal_in_balances() public harmless {
        endInBalances(address(new BarringToken(BarringToken.Refusal.REVERT)), barEscrow);
    }

    /// @dev The token stops before every exit, and goes on after it.
    function endInBalances(address odd, function(bool) internal stop) private {
        pay(odd);
        for (uint256 way = 0; way < exits.length; way++) {
            Exit memory exit = exits[way]();
            stop(true);
            owe(exit, ALL);
            stop(false);
            collect(ALL);
        }
        assertHeld(address(escrow), 0);
    }

    function barEverybody(bool on) private {
        IFiatToken fiat = IFiatToken(address(token));
        for (uint256 i = 0; i < 4; i++) {
            if (on) fiat.blacklist(cast()[i]);
            else fiat.unBlacklist(cast()[i]);
        }
    }

    function pause(bool on) private {
        if (on) IFiatToken(address(token)).pause();
        else IFiatToken(address(token)).unpause();
    }

    function barEscrow(bool on) private {
        BarringToken(address(token)).bar(address(escrow), on);
    }
}

/// @notice Receivers that the token bars, burns or shouts at: each keeps its money as a balance for later, holds nobody
/// else up, and costs who calls no more than the allotment of a transfer.
contract ZooUnpaidTest is Debts {
    // Tokens.PUSH_GAS, and what a credit costs beyond the transfer that it replaces.
    uint256 private constant PUSH_GAS = 200_000;
    uint256 private constant CREDIT_GAS = 30_000;

    function testFuzz_whoever_is_barred_by_a_revert_is_paid_later(uint8 way, uint8 who) public harmless {
        BarringToken barring = new BarringToken(BarringToken.Refusal.REVERT);
        payLater(address(barring), barring.bar, way, who);
    }

    function testFuzz_whoever_is_barred_by_an_answer_is_paid_later(uint8 way, uint8 who) public harmless {
        BarringToken barring = new BarringToken(BarringToken.Refusal.FALSE);
        payLater(address(barring), barring.bar, way, who);
    }

    function testFuzz_whoever_burns_the_gas_is_paid_later_and_costs_an_allotment(uint8 way, uint8 who) public harmless {
        GasBurningToken burning = new GasBurningToken();
        payLater(address(burning), burning.mark, way, who);
    }

    function testFuzz_whoever_gets_a_megabyte_is_paid_later_and_costs_an_allotment(uint8 way, uint8 who, bool quietly)
        public
        harmless
    {
        ReturnBombToken bombing = new ReturnBombToken(bomb(quietly));
        payLater(address(bombing), bombing.mark, way, who);
    }

    function test_an_answer_that_fits_the_allotment_pays_and_is_not_copied() public harmless {
        ReturnBombToken bombing = new ReturnBombToken(ReturnBombToken.Bomb.ANSWER);
        pay(address(bombing));
        bombing.load(200_000);
        bombing.mark(seller, true);
        uint256 before = gasleft();
        settleUp(exits[1]());
        bombing.mark(seller, false);
        uint256 loud = before - gasleft();
        before = gasleft();
        settleUp(exits[1]());
        VM.assertLe(loud, before - gasleft() + PUSH_GAS);
    }

    function test_a_receiver_with_hooks_that_refuses_or_burns_is_paid_later() public harmless {
        HookedToken hooked = new HookedToken();
        HookedWallet wallet = new HookedWallet(seller);
        wallet.listen(hooked);
        sells = address(wallet);
        pay(address(hooked));
        for (uint256 way = 0; way < exits.length; way++) {
            Exit memory exit = exits[way]();
            wallet.turn(way % 2 == 0 ? HookedWallet.Mood.REFUSE : HookedWallet.Mood.BURN);
            owe(exit, SELLER);
            wallet.turn(HookedWallet.Mood.ACCEPT);
            collect(SELLER);
        }
        assertHeld(address(escrow), 0);
    }

    function testFuzz_a_withdrawal_refused_keeps_the_balance(uint8 way) public harmless {
        (address creditor, uint256 owed) = owedAMegabyte(way, false);
        refuse(
            creditor,
            withdrawal(creditor, owed),
            abi.encodeWithSelector(IAccounts.PushRefused.selector, token, creditor, owed)
        );
        VM.assertEq(escrow.balance(address(token), creditor), owed);
        // To another account it goes at once.
        act(creditor, withdrawal(stranger, owed));
        assertHeld(stranger, owed);
    }

    function testFuzz_a_withdrawal_that_brings_the_gas_for_it_is_paid_whatever_the_token_answers(uint8 way)
        public
        harmless
    {
        (address creditor, uint256 owed) = owedAMegabyte(way, true);
        uint256 had = token.balanceOf(creditor);
        act(creditor, withdrawal(creditor, owed));
        assertHeld(creditor, had + owed);
        VM.assertEq(escrow.balance(address(token), creditor), 0);
    }

    /// @dev A party that a payout could not reach, for the answer to it takes more than an allotment.
    function owedAMegabyte(uint8 way, bool quietly) private returns (address creditor, uint256 owed) {
        ReturnBombToken bombing = new ReturnBombToken(bomb(quietly));
        pay(address(bombing));
        bombing.mark(buyer, true);
        bombing.mark(seller, true);
        Exit memory exit = exits[way % exits.length]();
        act(exit.caller, exit.call);
        creditor = exit.toSeller == 0 ? buyer : seller;
        return (creditor, escrow.balance(address(token), creditor));
    }

    /// @dev Marks the receivers in `who` (a bit each) before the deal ends and unmarks them after.
    function payLater(address odd, function(address, bool) external mark, uint8 way, uint8 who) private {
        pay(odd);
        uint256 cheap = gasOf(exits[way % exits.length]());
        Exit memory exit = exits[way % exits.length]();
        for (uint256 i = 0; i < 4; i++) {
            mark(cast()[i], who >> i & 1 == 1);
        }
        uint256 before = gasleft();
        owe(exit, who);
        VM.assertLe(before - gasleft(), cheap + marked(who) * (PUSH_GAS + CREDIT_GAS));
        for (uint256 i = 0; i < 4; i++) {
            mark(cast()[i], false);
        }
        collect(who);
        assertHeld(address(escrow), 0);
    }

    /// @dev What the same exit costs where all are paid.
    function gasOf(Exit memory exit) private returns (uint256) {
        uint256 before = gasleft();
        owe(exit, 0);
        return before - gasleft();
    }

    function marked(uint8 who) private pure returns (uint256 count) {
        for (uint256 i = 0; i < 4; i++) {
            count += who >> i & 1;
        }
    }

    function bomb(bool quietly) private pure returns (ReturnBombToken.Bomb) {
        return quietly ? ReturnBombToken.Bomb.ANSWER : ReturnBombToken.Bomb.REVERT;
    }
}
