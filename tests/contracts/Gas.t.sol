// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits, Opening, Own, Rail, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {IMintable, Stage} from "./Stage.sol";

interface IBatch {
    struct Redemption {
        Terms terms;
        uint104 amount;
        bytes voucher;
    }

    function openBatch(Opening[] calldata openings, uint256 gasEach) external returns (uint256);
    function redeemBatch(Redemption[] calldata redemptions, uint256 gasEach) external returns (uint256);
}

/// @notice What each way through the escrow costs, as a sequence of whole transactions with their 21,000, between parties
/// that have traded before: their balances and nonce words exist, and their allowances stand. `scripts/gas.py` adds the
/// steps up; a step's name is "scenario.number step".
contract GasTest is Stage {
    bytes32 private constant TERMS_TYPE_HASH = keccak256(
        "Terms(address buyer,address seller,address token,uint104 price,uint16 feeBps,address feeRecipient,uint8 rail,"
        "uint40 openBy,bytes32 subject,bytes32 previous,uint256 buyerNonce,uint256 sellerNonce,uint256 buyerEpoch,"
        "uint256 sellerEpoch,uint104 bond,uint32 deliveryWindow,uint32 reviewWindow,uint32 noticeWindow,"
        "address voucherSigner,address arbiter,uint104 arbiterFee,uint32 arbitrationWindow,uint16 defaultSellerBps,"
        "bytes32 goods,bytes32 bundle)"
    );
    address private constant arbiter = address(0xa4b17e4);
    IMintable private credits;
    Terms private terms;

    function setUp() public override {
        super.setUp();
        credits = IMintable(VM.deployCode("CreditToken.sol:CreditToken", abi.encode(address(this))));
        for (uint256 i = 0; i < 5; i++) {
            address one = [recipient, address(escrow), arbiter, buyer, seller][i];
            fund(one, 1_000 * uint256(PRICE));
            credits.mint(one, 1_000 * uint256(PRICE));
            VM.prank(one);
            credits.approve(address(escrow), type(uint256).max);
        }
        terms = offer();
        (terms.feeBps, terms.feeRecipient, terms.bond) = (0, address(0), 0);
        open(terms);
        VM.prank(seller);
        escrow.refund(terms);
        terms.buyerNonce += 1;
        terms.sellerNonce -= 1;
    }

    function test_escrow() public {
        open(terms);
        step("escrow.1 open");
        release();
        step("escrow.2 release");
    }

    function test_escrow_bond() public {
        terms.bond = BOND;
        open(terms);
        step("escrow_bond.1 open");
        release();
        step("escrow_bond.2 release");
    }

    function test_escrow_fee() public {
        (terms.feeBps, terms.feeRecipient) = (333, recipient);
        open(terms);
        step("escrow_fee.1 open");
        release();
        step("escrow_fee.2 release");
    }

    function test_escrow_claimed() public {
        open(terms);
        step("escrow_claimed.1 open");
        deliver(terms, PRICE);
        step("escrow_claimed.2 deliver");
        VM.warp(block.timestamp + terms.reviewWindow);
        VM.prank(seller);
        escrow.claim(terms);
        step("escrow_claimed.3 claim");
    }

    /// @dev Relayed both times, on allowances that stand (a permit without bound gives one without gas, once).
    function test_escrow_gasless() public {
        open(terms);
        step("escrow_gasless.1 open");
        redeem(PRICE);
        step("escrow_gasless.2 redeem");
    }

    function test_escrow_gasless_authorization() public {
        VM.prank(buyer);
        token.approve(address(escrow), 0);
        openFunded(bytes.concat(hex"02", authorization()));
        step("escrow_gasless_3009.1 open");
        redeem(PRICE);
        step("escrow_gasless_3009.2 redeem");
    }

    function test_escrow_gasless_permit() public {
        VM.prank(buyer);
        token.approve(address(escrow), 0);
        openFunded(bytes.concat(hex"01", permit()));
        step("escrow_gasless_2612.1 open");
        redeem(PRICE);
        step("escrow_gasless_2612.2 redeem");
    }

    function test_escrow_prefunded() public {
        bind();
        open(terms);
        step("escrow_prefunded.1 open");
        release();
        step("escrow_prefunded.2 release");
    }

    function test_atomic() public {
        Credits memory goods = Credits(address(credits), false, 0, 77);
        terms.rail = Rail.ATOMIC;
        (terms.deliveryWindow, terms.reviewWindow) = (0, 0);
        terms.goods =
            keccak256(abi.encode(keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)"), goods));
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        VM.prank(stranger);
        escrow.swap(terms, goods, ofBuyer, ofSeller);
        step("atomic.1 swap");
    }

    function test_disputed() public {
        judge(0);
        open(terms);
        step("disputed.1 open");
        deliver(terms, PRICE);
        step("disputed.2 deliver");
        VM.prank(buyer);
        escrow.dispute(terms, keccak256("reasons"));
        step("disputed.3 dispute");
        VM.prank(arbiter);
        escrow.resolve(terms, PRICE, 0);
        step("disputed.4 resolve");
    }

    function test_disputed_split_with_bond_and_fee() public {
        judge(1_009);
        open(terms);
        step("disputed_whole.1 open");
        deliver(terms, PRICE);
        step("disputed_whole.2 deliver");
        VM.prank(buyer);
        escrow.dispute(terms, keccak256("reasons"));
        step("disputed_whole.3 dispute");
        VM.prank(arbiter);
        escrow.resolve(terms, PRICE / 2, BOND / 2);
        step("disputed_whole.4 resolve");
    }

    function test_metered() public {
        terms.rail = Rail.METERED;
        open(terms);
        step("metered.1 open");
        close(PRICE);
        step("metered.2 close");
    }

    function test_metered_with_a_rest() public {
        terms.rail = Rail.METERED;
        open(terms);
        step("metered_rest.1 open");
        close(CHARGE);
        step("metered_rest.2 close");
    }

    function test_metered_prefunded() public {
        bind();
        terms.rail = Rail.METERED;
        open(terms);
        step("metered_prefunded.1 open");
        close(CHARGE);
        step("metered_prefunded.2 close");
    }

    function test_refund() public {
        open(terms);
        step("refund.1 open");
        VM.prank(seller);
        escrow.refund(terms);
        step("refund.2 refund");
    }

    function test_partial_release() public {
        open(terms);
        step("partial2.1 open");
        redeem(CHARGE);
        step("partial2.2 redeem");
        release();
        step("partial2.3 release");
    }

    function test_batch_of_a_hundred() public {
        IBatch batch = IBatch(VM.deployCode("Batch.sol:Batch", abi.encode(address(escrow))));
        Opening[] memory openings = new Opening[](100);
        IBatch.Redemption[] memory redemptions = new IBatch.Redemption[](100);
        // Words of their own, and warm as ever: a hundred nonces in the one that the pair uses now.
        for (uint256 i = 0; i < 100; i++) {
            (terms.buyerNonce, terms.sellerNonce) = (0x110 + i, 0x210 + i);
            bytes32 deal = escrow.digest(terms);
            openings[i] = Opening(terms, sign(BUYER_KEY, deal), sign(SELLER_KEY, deal), "", "");
            redemptions[i] = IBatch.Redemption(terms, PRICE, voucher(PRICE));
        }
        VM.assertEq(batch.openBatch(openings, 200_000), 100);
        step("batch100_mixed.1 openBatch");
        VM.assertEq(batch.redeemBatch(redemptions, 400_000), 100);
        step("batch100_mixed.2 redeemBatch");
    }

    function test_series_of_a_hundred() public {
        Own[] memory owns = new Own[](100);
        bytes32[] memory leaves = new bytes32[](100);
        bytes32[] memory vouchers = new bytes32[](100);
        for (uint256 i = 0; i < 100; i++) {
            owns[i] = Own(keccak256(abi.encode("job", i)), keccak256(abi.encode("word", i)), 0x110 + i, 0x210 + i);
            (terms.subject, terms.previous) = (owns[i].subject, owns[i].previous);
            (terms.buyerNonce, terms.sellerNonce) = (owns[i].buyerNonce, owns[i].sellerNonce);
            leaves[i] = hashStruct();
            vouchers[i] =
                keccak256(abi.encode(keccak256("Voucher(bytes32 deal,uint104 amount)"), typed(leaves[i]), PRICE));
        }
        bytes32 bulk = typed(bulkOf(leaves));
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, bulk), sign(SELLER_KEY, bulk));
        VM.prank(stranger);
        escrow.openSeries(terms, owns, ofBuyer, ofSeller);
        step("batch100.1 openSeries");
        bytes memory ofVouchers = sign(BUYER_KEY, typed(bulkOf(vouchers)));
        VM.prank(stranger);
        escrow.redeemSeries(terms, owns, PRICE, ofVouchers);
        step("batch100.2 redeemSeries");
    }

    function bulkOf(bytes32[] memory nodes) private pure returns (bytes32) {
        for (uint256 width = nodes.length; width > 1; width = (width + 1) / 2) {
            for (uint256 i = 0; i < width; i += 2) {
                (bytes32 a, bytes32 b) = (nodes[i], i + 1 < width ? nodes[i + 1] : bytes32(0));
                nodes[i / 2] = i + 1 == width ? a : a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
            }
        }
        return keccak256(abi.encode(keccak256("Bulk(bytes32 root)"), nodes[0]));
    }

    function test_bulk_of_128() public {
        bytes32 leaf = hashStruct();
        bytes memory siblings;
        bytes32 node = leaf;
        for (uint256 level = 0; level < 7; level++) {
            bytes32 sibling = keccak256(abi.encode("sibling", level));
            siblings = bytes.concat(siblings, sibling);
            node = node < sibling ? keccak256(abi.encode(node, sibling)) : keccak256(abi.encode(sibling, node));
        }
        bytes32 bulk = typed(keccak256(abi.encode(keccak256("Bulk(bytes32 root)"), node)));
        bytes memory ofSeller = bytes.concat(
            sign(SELLER_KEY, bulk), siblings, bytes16(keccak256("Parley.Consent")), bytes8(0), bytes8(uint64(7))
        );
        bytes memory ofBuyer = sign(BUYER_KEY, escrow.digest(terms));
        VM.prank(stranger);
        escrow.open(Opening(terms, ofBuyer, ofSeller, "", ""));
        step("bulk128.1 open");
    }

    function test_cancel() public {
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
        step("cancel.1 cancel");
        VM.roll(1_000);
        VM.prank(buyer);
        escrow.cancelAll();
        step("cancel_all.1 cancelAll");
    }

    function test_balance() public {
        VM.prank(buyer);
        escrow.deposit(address(token), PRICE);
        VM.prank(buyer);
        escrow.deposit(address(token), PRICE);
        step("balance.1 deposit");
        VM.prank(buyer);
        escrow.announce();
        step("balance.2 announce");
        VM.warp(block.timestamp + escrow.NOTICE());
        VM.prank(buyer);
        escrow.withdraw(address(token), buyer, PRICE);
        step("balance.3 withdraw");
    }

    // ------------------------------------------------------------------ steps

    function release() private {
        VM.prank(buyer);
        escrow.release(terms, PRICE);
    }

    function redeem(uint104 amount) private {
        bytes memory signature = voucher(amount);
        VM.prank(stranger);
        escrow.redeem(terms, amount, signature);
    }

    function close(uint104 amount) private {
        bytes memory signature = voucher(amount);
        VM.prank(seller);
        escrow.close(terms, amount, signature);
    }

    function judge(uint104 arbiterFee) private {
        (terms.arbiter, terms.arbitrationWindow, terms.defaultSellerBps) = (arbiter, 3_600, 5_000);
        if (arbiterFee == 0) return;
        (terms.arbiterFee, terms.bond) = (arbiterFee, BOND);
        (terms.feeBps, terms.feeRecipient) = (333, recipient);
    }

    function bind() private {
        address[2] memory parties = [buyer, seller];
        for (uint256 i = 0; i < 2; i++) {
            VM.prank(parties[i]);
            escrow.deposit(address(token), 2 * uint256(PRICE));
        }
    }

    function openFunded(bytes memory funding) private {
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        VM.prank(stranger);
        escrow.open(Opening(terms, ofBuyer, ofSeller, funding, ""));
    }

    // ------------------------------------------------------------------ signatures

    function voucher(uint104 amount) private view returns (bytes memory) {
        bytes32 structHash =
            keccak256(abi.encode(keccak256("Voucher(bytes32 deal,uint104 amount)"), escrow.digest(terms), amount));
        return sign(BUYER_KEY, typed(structHash));
    }

    function authorization() private view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,"
                    "uint256 validBefore,bytes32 nonce)"
                ),
                buyer,
                address(escrow),
                PRICE,
                0,
                terms.openBy,
                escrow.digest(terms)
            )
        );
        return sign(
            BUYER_KEY,
            keccak256(abi.encodePacked(hex"1901", domainOf(address(token), "Parley Credit", "1"), structHash))
        );
    }

    function permit() private view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                buyer,
                address(escrow),
                PRICE,
                0,
                terms.openBy
            )
        );
        return sign(
            BUYER_KEY,
            keccak256(abi.encodePacked(hex"1901", domainOf(address(token), "Parley Credit", "1"), structHash))
        );
    }

    function hashStruct() private view returns (bytes32) {
        return keccak256(abi.encode(TERMS_TYPE_HASH, terms));
    }

    function domainOf(address contract_, string memory name, string memory version) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return
            keccak256(abi.encode(typeHash, keccak256(bytes(name)), keccak256(bytes(version)), block.chainid, contract_));
    }

    function typed(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(escrow), "Parley", "2"), structHash));
    }

    function step(string memory name) private {
        VM.snapshotGasLastCall("Escrow", name);
    }
}
