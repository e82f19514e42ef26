// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Answers nothing at all when it moves money, and changes an allowance only to or from zero, as USDT does.
contract SilentToken {
    error AllowanceStands(uint256 allowance, uint256 wanted);

    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    /// @dev Answers, which USDT does not, so that tests may approve any token of the zoo alike.
    function approve(address spender, uint256 amount) external returns (bool) {
        uint256 standing = allowance[msg.sender][spender];
        if (standing != 0 && amount != 0) revert AllowanceStands(standing, amount);
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
