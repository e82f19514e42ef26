// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Scenes} from "./Scenes.sol";

/// @notice One deal, what each party had before it, and what it has in the end, in its wallet and in the escrow. A loss is
/// what it has less than fair: fair is that work is paid as billed, that garbage and silence are not, and that the bond
/// comes back. Without a fee, so that what one loses the other or the arbiter has.
abstract contract SelfishStage is Scenes {
    Terms internal terms;
    mapping(address party => uint256) internal had;

    function setUp() public virtual override {
        super.setUp();
        fund(buyer, STAKE);
        (had[buyer], had[seller]) = (worth(buyer), worth(seller));
    }

    function begin(Terms memory drawn) internal {
        drawn.feeBps = 0;
        terms = drawn;
        open(drawn);
    }

    function worth(address party) internal view returns (uint256) {
        return token.balanceOf(party) + escrow.balance(address(token), party);
    }

    function assertShort(address party, uint256 fair, uint256 loss) internal view {
        VM.assertEq(worth(party) + loss, fair);
    }
}
