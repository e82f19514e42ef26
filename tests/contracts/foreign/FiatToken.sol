// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {VM} from "../Cheats.sol";
import {FOREIGN_VM, createForeign} from "./ForeignCheats.sol";

/// @notice FiatToken v2.2, USDC's code: blacklist, pause, ERC-2612 and ERC-3009, each with v, r, s or with bytes that an
/// ERC-1271 account may have made.
interface IFiatToken is IERC20, IERC20Permit {
    function initialize(
        string calldata name,
        string calldata symbol,
        string calldata currency,
        uint8 decimals,
        address masterMinter,
        address pauser,
        address blacklister,
        address owner
    ) external;
    function initializeV2(string calldata name) external;
    function initializeV2_1(address lostAndFound) external;
    function initializeV2_2(address[] calldata barred, string calldata symbol) external;
    function configureMinter(address minter, uint256 allowance) external returns (bool);
    function mint(address to, uint256 amount) external returns (bool);
    function blacklist(address account) external;
    function unBlacklist(address account) external;
    function pause() external;
    function unpause() external;
    function permit(address owner, address spender, uint256 value, uint256 deadline, bytes calldata signature) external;
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external;
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
}

// The proxy's admin, which may upgrade the token and call nothing else of it.
address constant PROXY_ADMIN = address(0xad314);

/// @notice Creates the token behind its proxy, as it stands on a chain.
/// @param office Holds every office: owner, pauser, blacklister and the one minter, without limit.
function issueFiatToken(address office) returns (IFiatToken token) {
    string memory json = VM.readFile("tests/vectors/foreign/fiat_token.json");
    bytes memory proxy = VM.parseJsonBytes(json, ".proxy.text");
    address implementation = createImplementation(json);
    VM.prank(PROXY_ADMIN); // who creates the proxy is its admin
    token = IFiatToken(createForeign("proxy", bytes.concat(proxy, abi.encode(implementation))));
    token.initialize("USDC", "USDC", "USD", 6, office, office, office, office);
    token.initializeV2("USD Coin");
    token.initializeV2_1(office);
    token.initializeV2_2(new address[](0), "USDC");
    VM.prank(office);
    token.configureMinter(office, type(uint256).max);
}

/// @dev Links the token's code to its library, which is what a linker does: the address in the placeholder's place.
function createImplementation(string memory json) returns (address) {
    address checker = createForeign("signature checker", VM.parseJsonBytes(json, ".signature_checker.text"));
    string memory linked = FOREIGN_VM.replace(
        FOREIGN_VM.parseJsonString(json, ".fiat_token.text"),
        FOREIGN_VM.parseJsonString(json, ".placeholder"),
        FOREIGN_VM.replace(FOREIGN_VM.toString(checker), "0x", "")
    );
    return createForeign("implementation", FOREIGN_VM.parseBytes(linked));
}

// The two messages that a payer may sign instead of a transaction.
bytes32 constant RECEIVE_TYPE_HASH = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
);
bytes32 constant PERMIT_TYPE_HASH =
    keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

/// @notice The digest of a token's message, under the token's own domain.
function tokenDigest(IFiatToken token, bytes32 structHash) view returns (bytes32) {
    return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
}
