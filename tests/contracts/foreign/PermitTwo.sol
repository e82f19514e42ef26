// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VM} from "../Cheats.sol";

/// @notice The part of Permit2's interface that funds a deal: one transfer for one signature, with a witness.
interface IPermitTwo {
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    error InvalidNonce();
    error InvalidSigner();
    error InvalidAmount(uint256 maxAmount);
    error SignatureExpired(uint256 signatureDeadline);

    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function nonceBitmap(address owner, uint256 word) external view returns (uint256);
    function invalidateUnorderedNonces(uint256 word, uint256 mask) external;
    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata details,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;
}

/// @notice What the owner signs beside the transfer, as Permit2 wants it said.
/// @param hash The struct hash of the witness.
/// @param typeString Its member in the permit, then every type it needs and TokenPermissions, in alphabetical order.
struct Witness {
    bytes32 hash;
    string typeString;
}

IPermitTwo constant PERMIT_TWO = IPermitTwo(0x000000000022D473030F116dDEE9F6B43aC78BA3);

error PermitTwoElsewhere(address placed, address canonical);

// The deterministic deployment proxy and its runtime code: it takes the salt, then the creation code, as calldata.
address constant DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
bytes constant DEPLOYER_CODE =
    hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";
bytes32 constant SALT = 0x0000000000000000000000000000000000000000d3af2663da51c10215000000;

// What solc 0.8.17 (optimizer, 1,000,000 runs, via-IR, no metadata hash) makes of the constructor of Permit2's EIP712.sol
// (MIT, Uniswap Labs). The rest comes from npm when the tests run: parts of it are under another licence than ours allows.
bytes constant CONSTRUCTOR = hex"60c0346100bb574660a052602081017f8cad95687ba82c2ce50e74f7b754645e5117c3a5bec8151c0726d5857980a866"
    hex"81527f9ac997416e8ff9d2ff6bebeb7149f65cdae5e32e2b90440b566bb3044041d36a60408301524660608301523060"
    hex"808301526080825260a082019180831060018060401b038411176100a557826040525190206080526123c090816100c1"
    hex"823960805181611b47015260a05181611b210152f35b634e487b7160e01b600052604160045260246000fd5b600080fd" hex"fe";
string constant RUNTIME = "node_modules/@1inch/solidity-utils/dist/src/permit2.json";

/// @notice Puts the real Permit2 where it is on every chain. Its address follows from its bytes (EIP-1014), so that other
/// bytes would land elsewhere and be refused.
function placePermitTwo() returns (IPermitTwo) {
    bytes memory runtime = VM.parseJsonBytes(VM.readFile(RUNTIME), ".bytecode");
    VM.etch(DEPLOYER, DEPLOYER_CODE);
    (, bytes memory answer) = DEPLOYER.call(bytes.concat(SALT, CONSTRUCTOR, runtime));
    address placed = address(bytes20(answer));
    if (placed != address(PERMIT_TWO)) revert PermitTwoElsewhere(placed, address(PERMIT_TWO));
    return PERMIT_TWO;
}

/// @notice The digest that the owner signs so that `spender`, and nobody else, moves the money for this witness.
function permitTwoDigest(IPermitTwo.PermitTransferFrom memory permit, address spender, Witness memory witness)
    view
    returns (bytes32)
{
    bytes32 typeHash = keccak256(
        bytes.concat(
            "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,",
            bytes(witness.typeString)
        )
    );
    bytes32 permitted =
        keccak256(abi.encode(keccak256("TokenPermissions(address token,uint256 amount)"), permit.permitted));
    bytes32 structHash =
        keccak256(abi.encode(typeHash, permitted, spender, permit.nonce, permit.deadline, witness.hash));
    return keccak256(abi.encodePacked(hex"1901", PERMIT_TWO.DOMAIN_SEPARATOR(), structHash));
}
