// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {DelegateWallet} from "../../../contracts/mocks/wallets/DelegateWallet.sol";
import {FickleWallet} from "../../../contracts/mocks/wallets/FickleWallet.sol";
import {GarbledWallet} from "../../../contracts/mocks/wallets/GarbledWallet.sol";
import {GasBurningWallet} from "../../../contracts/mocks/wallets/GasBurningWallet.sol";
import {VM} from "../Cheats.sol";
import {FOREIGN_VM} from "./ForeignCheats.sol";

/// @notice Each wallet answers as it says, seen through OpenZeppelin's SignatureChecker.
contract WalletsTest {
    uint256 private constant KEY = 0x7702;
    bytes32 private constant DIGEST = keccak256("terms");
    bytes4 private constant MAGIC = IERC1271.isValidSignature.selector;

    address private immutable _account = VM.addr(KEY);

    function test_a_fickle_wallet_takes_its_word_back() public {
        FickleWallet wallet = new FickleWallet();
        VM.assertTrue(accepts(address(wallet)));
        wallet.decide(false);
        VM.assertFalse(accepts(address(wallet)));
    }

    function test_a_gas_burning_wallet_accepts_nothing_and_costs_what_it_is_given() public {
        address wallet = address(new GasBurningWallet());
        uint256 before = gasleft();
        VM.assertFalse(this.accepts{gas: 500_000}(wallet));
        VM.assertGt(before - gasleft(), 490_000);
    }

    function test_the_magic_value_counts_as_a_whole_word_with_nothing_behind_it() public {
        VM.assertTrue(accepts(answering(abi.encode(MAGIC))));
        VM.assertFalse(accepts(answering(abi.encodePacked(MAGIC))));
        VM.assertFalse(accepts(answering(abi.encodePacked(MAGIC, bytes28(uint224(1))))));
        VM.assertFalse(accepts(answering("")));
    }

    function test_the_checker_reads_no_further_than_the_first_word() public {
        VM.assertTrue(accepts(answering(abi.encode(MAGIC, keccak256("garbage")))));
    }

    function test_a_delegated_account_answers_by_its_code_and_no_more_by_its_key() public {
        VM.assertTrue(accepts(_account));
        delegateTo(answering(""));
        VM.assertFalse(accepts(_account));
        delegateTo(address(new DelegateWallet()));
        VM.assertTrue(accepts(_account));
    }

    function test_a_delegation_withdrawn_gives_the_key_its_voice_back() public {
        delegateTo(answering(""));
        delegateTo(address(0));
        VM.assertEq(_account.code, "");
        VM.assertTrue(accepts(_account));
    }

    function test_a_delegate_wallet_speaks_for_nobody_elses_key() public {
        VM.assertFalse(accepts(address(new DelegateWallet())));
    }

    function accepts(address account) public view returns (bool) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(KEY, DIGEST);
        return SignatureChecker.isValidSignatureNow(account, DIGEST, abi.encodePacked(r, s, v));
    }

    function answering(bytes memory answer) private returns (address) {
        return address(new GarbledWallet(answer));
    }

    function delegateTo(address implementation) private {
        FOREIGN_VM.signAndAttachDelegation(implementation, KEY);
    }
}
