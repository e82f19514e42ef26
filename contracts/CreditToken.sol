// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @title Parley Credit: the payment token of development chains
/// @notice ERC-20 with ERC-2612 permits and ERC-3009 authorisations, so that a payer needs no native coin.
/// OpenZeppelin reads an authorisation whose two times both have bit 47 set as block numbers; Unix times have not.
/// WARNING: the minter creates credit without limit. It stands for a payment token where there is none, and is no
/// part of the escrow.
contract CreditToken is ERC20Permit, ERC3009 {
    /// @notice Only the minter creates credit.
    error WrongMinter(address caller, address minter);

    /// @notice The one account that may mint, for ever.
    address public immutable minter;

    constructor(address minter_) ERC20("Parley Credit", "PRC") ERC20Permit("Parley Credit") {
        // Zero is not refused: a token that nobody may mint is a poor one, and hurts nobody.
        // slither-disable-next-line missing-zero-check
        minter = minter_;
    }

    /// @notice Six decimals, as the stablecoins that it stands for.
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @notice Creates `amount` base units for `to`.
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert WrongMinter(msg.sender, minter);
        _mint(to, amount);
    }
}
