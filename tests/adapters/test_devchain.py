"""What a client may rely on, whichever kind of chain is behind the URL."""

import threading
import time

import pytest
from devchain_client import (
    CUSTOM_ERROR,
    HUNGRY,
    LOG,
    REASON,
    STORE,
    TIMESTAMP,
    TRANSIENT,
    Client,
    word,
)
from web3.exceptions import ContractCustomError, TransactionNotFound

from marketplace.adapters.evm.devchain import DevChain

REVERT_DATA = "0xdeadbeef" + word(42).hex()
HASHES_ONLY = [False]
NOBODY = "0x" + "00" * 19 + "99"


def test_chain_says_who_it_is(client: Client, devchain: DevChain) -> None:
    assert client.w3.eth.chain_id == devchain.chain_id == 31337
    assert client.w3.net.version == "31337"
    assert client.w3.client_version


def test_each_key_owns_money_and_is_not_shown(client: Client, devchain: DevChain) -> None:
    assert len(set(devchain.keys)) == 10
    for account in range(10):
        address = Client(devchain, account).account.address
        assert client.w3.eth.get_balance(address) == 10_000 * 10**18
    assert not any(key.hex() in repr(devchain) + str(vars(devchain)) for key in devchain.keys)


def test_transfer_moves_value_and_costs_gas(client: Client) -> None:
    before = client.w3.eth.get_balance(client.account.address)
    receipt = client.send(to=NOBODY, value=7, gas=21_000)
    assert (receipt["status"], receipt["gasUsed"], receipt["type"]) == (1, 21_000, 2)
    spent = before - client.w3.eth.get_balance(client.account.address)
    assert spent == 7 + 21_000 * receipt["effectiveGasPrice"]
    assert client.w3.eth.get_balance(NOBODY) == 7
    assert client.w3.eth.get_transaction_count(client.account.address) == 1


def test_older_transaction_types_are_taken_and_shown_as_such(client: Client) -> None:
    price = {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 10**10}
    access = [{"address": NOBODY, "storageKeys": ["0x" + word(1).hex()]}]
    for kind, extra in ((None, {}), (1, {"accessList": access})):
        receipt = client.send(to=NOBODY, type=kind, **price, **extra)
        sent = client.w3.eth.get_transaction(receipt["transactionHash"])
        assert (receipt["status"], sent["type"], sent["gasPrice"]) == (1, kind or 0, 10**10)
        assert len(sent.get("accessList", [])) == len(extra)


def test_account_may_delegate_to_code(client: Client, devchain: DevChain) -> None:
    other = Client(devchain, 1).account
    grant = {"chainId": 31337, "address": client.deploy(STORE), "nonce": 0}
    signed = other.sign_authorization(grant)
    receipt = client.send(to=other.address, type=4, authorizationList=[signed], data=word(9))
    assert (receipt["status"], receipt["type"]) == (1, 4)
    assert client.w3.eth.get_storage_at(other.address, 0) == word(9)
    sent = client.w3.eth.get_transaction(receipt["transactionHash"])
    assert sent["authorizationList"][0]["address"] == grant["address"]


def test_blocks_and_transactions_are_found_by_every_name(client: Client) -> None:
    receipt = client.send(to=NOBODY, value=7)
    by_number = client.w3.eth.get_block(receipt["blockNumber"], full_transactions=True)
    assert by_number == client.w3.eth.get_block(receipt["blockHash"], full_transactions=True)
    assert client.w3.eth.get_block("latest")["transactions"] == [receipt["transactionHash"]]
    sent = client.w3.eth.get_transaction(receipt["transactionHash"])
    assert by_number["transactions"] == [sent]
    assert (sent["from"], sent["value"], sent["nonce"]) == (client.account.address, 7, 0)
    parent = client.w3.eth.get_block(receipt["blockNumber"] - 1)
    assert parent["hash"] == by_number["parentHash"]
    assert client.w3.eth.get_block("earliest")["number"] == 0


def test_what_is_unknown_is_null(client: Client) -> None:
    nothing = "0x" + "00" * 32
    assert client.rpc("eth_getTransactionReceipt", nothing)["result"] is None
    assert client.rpc("eth_getBlockByNumber", "0xfff", *HASHES_ONLY)["result"] is None
    assert client.rpc("eth_getBlockByHash", nothing, *HASHES_ONLY)["result"] is None
    with pytest.raises(TransactionNotFound):
        client.w3.eth.get_transaction(nothing)


def test_contract_code_and_storage_are_read_back(client: Client) -> None:
    store = client.deploy(STORE)
    block = client.send(to=store, data=word(5))["blockNumber"]
    client.send(to=store, data=word(6))
    assert client.w3.eth.get_code(store) == bytes.fromhex(STORE)
    assert client.w3.eth.get_storage_at(store, 0) == word(6)
    assert client.w3.eth.get_storage_at(store, 0, block) == word(5)


def test_transient_storage_works_within_a_call(client: Client) -> None:
    assert client.w3.eth.call({"to": client.deploy(TRANSIENT)}) == word(7)


def test_call_needs_no_balance_for_gas(client: Client) -> None:
    assert client.w3.eth.call({"from": NOBODY, "to": client.deploy(TRANSIENT)}) == word(7)


def test_reverting_call_returns_the_custom_error(client: Client) -> None:
    reverting = client.deploy(CUSTOM_ERROR)
    for attempt in (client.w3.eth.call, client.w3.eth.estimate_gas):
        with pytest.raises(ContractCustomError) as caught:
            attempt({"to": reverting, "from": client.account.address})
        assert caught.value.data == REVERT_DATA
    error = client.rpc("eth_call", {"to": reverting}, "latest")["error"]
    assert (error["code"], error["data"]) == (3, REVERT_DATA)


def test_reason_of_a_revert_is_in_the_message(client: Client) -> None:
    error = client.rpc("eth_call", {"to": client.deploy(REASON)}, "latest")["error"]
    assert error["code"] == 3
    assert error["message"].startswith("execution reverted: no")


def test_reason_cut_short_is_still_a_revert_with_its_data(client: Client) -> None:
    cut = client.deploy("6308c379a0 60e0 1b 5f52 6004 5f fd")
    error = client.rpc("eth_call", {"to": cut}, "latest")["error"]
    assert (error["code"], error["data"]) == (3, "0x08c379a0")


def test_call_is_refused_without_the_value_or_the_least_gas(client: Client) -> None:
    poor = {"from": NOBODY, "to": NOBODY, "value": "0x1"}
    assert client.rpc("eth_call", poor, "latest")["error"]["code"] == -32003
    hungry = {"to": NOBODY, "gas": "0x1"}
    assert client.rpc("eth_call", hungry, "latest")["error"]["code"] in {-32000, -32003}


def test_call_may_name_its_block_in_every_way(client: Client) -> None:
    clock, block = client.deploy(TIMESTAMP), client.w3.eth.get_block("latest")
    client.rpc("evm_increaseTime", 1000)
    client.rpc("evm_mine")
    names = [hex(block["number"]), {"blockNumber": hex(block["number"])}]
    names.append({"blockHash": block["hash"].to_0x_hex()})
    for name in names:
        answer = client.rpc("eth_call", {"to": clock}, name)["result"]
        assert int(answer, 16) == block["timestamp"]
    pending = int(client.rpc("eth_call", {"to": clock}, "pending")["result"], 16)
    assert 1000 <= pending - block["timestamp"] <= 1005


def test_contract_sees_the_hash_of_the_parent_block(client: Client) -> None:
    parent_hash = client.deploy("6001 43 03 40 5f52 6020 5f f3")
    snapshot = client.rpc("evm_snapshot")["result"]
    for _ in range(2):
        client.rpc("evm_mine")
        parent = client.w3.eth.get_block("latest")["parentHash"]
        assert client.w3.eth.call({"to": parent_hash}) == parent
        client.rpc("evm_revert", snapshot)


def test_reverting_transaction_is_mined_with_status_zero(client: Client) -> None:
    receipt = client.send(to=client.deploy(CUSTOM_ERROR), gas=100_000)
    assert (receipt["status"], list(receipt["logs"])) == (0, [])
    assert 21_000 < receipt["gasUsed"] < 100_000


def test_estimated_gas_is_enough_and_not_much_more(client: Client) -> None:
    for runtime, least in ((STORE, 43_000), (HUNGRY, 221_000)):
        target = client.deploy(runtime)
        call = {"to": target, "data": word(1), "from": client.account.address}
        gas = client.w3.eth.estimate_gas(call)
        assert least < gas < least * 1.05
        assert client.send(to=target, data=word(1), gas=gas)["status"] == 1


def test_logs_are_filtered_by_block_address_and_topics(client: Client) -> None:
    one, two = client.deploy(LOG), client.deploy(LOG)
    first = client.send(to=one, data=word(1) + word(100))
    client.send(to=one, data=word(2) + word(200))
    client.send(to=two, data=word(3) + word(100))

    def found(**members: object) -> list[int]:
        logs = client.w3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"} | members)
        return [int.from_bytes(log["data"], "big") for log in logs]

    assert found() == [1, 2, 3]
    assert found(address=one) == [1, 2]
    assert found(address=[one, two], topics=[None, word(100)]) == [1, 3]
    assert found(topics=[word(0xAA), [word(100), word(200)]]) == [1, 2, 3]
    assert found(topics=[word(0xBB)]) == []
    assert found(toBlock=first["blockNumber"]) == [1]
    assert found(fromBlock=first["blockNumber"] + 1) == [2, 3]
    assert client.w3.eth.get_logs({"blockHash": first["blockHash"]}) == first["logs"]


def test_blocks_follow_the_wall_clock(client: Client) -> None:
    for _ in range(5):
        client.send(to=NOBODY, value=1)
    assert abs(client.head_time() - time.time_ns() // 10**9) <= 2


def test_time_jumps_and_then_runs_on_ahead(client: Client) -> None:
    clock, start = client.deploy(TIMESTAMP), client.head_time()
    client.rpc("evm_increaseTime", 3600)
    client.rpc("evm_mine")
    jumped = client.head_time()
    assert 3600 <= jumped - start <= 3605
    assert client.w3.eth.call({"to": clock}) == word(jumped)
    client.send(to=NOBODY, value=1)
    assert 0 <= client.head_time() - jumped <= 5


def test_next_timestamp_is_exact_and_never_in_the_past(client: Client) -> None:
    wanted = client.head_time() + 1_000_000
    client.rpc("evm_setNextBlockTimestamp", wanted)
    client.send(to=NOBODY, value=1)
    assert client.head_time() == wanted
    assert client.rpc("evm_setNextBlockTimestamp", wanted - 1)["error"]["code"] == -32602
    client.rpc("evm_mine")
    assert 0 <= client.head_time() - wanted <= 5


def test_mine_takes_a_timestamp_or_a_number_of_blocks(client: Client) -> None:
    wanted = client.head_time() + 500
    client.rpc("evm_mine", wanted)
    assert client.head_time() == wanted
    client.rpc("evm_mine", {"timestamp": wanted + 9, "blocks": 3})
    assert (client.w3.eth.block_number, client.head_time()) == (4, wanted + 9)


def test_snapshot_takes_back_blocks_state_and_time(client: Client) -> None:
    store = client.deploy(STORE)
    client.send(to=store, data=word(1))
    height, start = client.w3.eth.block_number, client.head_time()
    snapshot = client.rpc("evm_snapshot")["result"]
    later = client.send(to=store, data=word(2))
    client.rpc("evm_increaseTime", 3600)
    client.rpc("evm_mine")

    assert client.rpc("evm_revert", snapshot)["result"] is True
    assert client.w3.eth.block_number == height
    assert client.w3.eth.get_storage_at(store, 0) == word(1)
    gone = later["transactionHash"].to_0x_hex()
    assert client.rpc("eth_getTransactionReceipt", gone)["result"] is None
    assert client.send(to=store, data=word(3))["status"] == 1
    assert 0 <= client.head_time() - start <= 5
    assert client.rpc("evm_revert", snapshot)["result"] is False


def test_fees_suggested_are_fees_accepted(client: Client) -> None:
    tip, price = client.w3.eth.max_priority_fee, client.w3.eth.gas_price
    assert client.send(to=NOBODY, maxFeePerGas=price, maxPriorityFeePerGas=tip)["status"] == 1
    history = client.w3.eth.fee_history(2, "latest", [50.0])
    assert history["oldestBlock"] == 0
    assert not client.w3.eth.fee_history(1, "latest").get("reward")
    sizes = [len(history[name]) for name in ("baseFeePerGas", "gasUsedRatio", "reward")]
    assert sizes == [3, 2, 2]
    assert history["baseFeePerGas"][1] == client.w3.eth.get_block(1)["baseFeePerGas"]


@pytest.mark.parametrize(
    "members",
    [
        {"nonce": 0},
        {"value": 10**30},
        {"chainId": 1},
        {"maxFeePerGas": 1, "maxPriorityFeePerGas": 1},
        {"gas": 20_999},
        {"gas": 10**9},
        {"maxPriorityFeePerGas": 10**11},
        {"to": None, "data": bytes(49_153), "gas": 10**7},
    ],
    ids="-".join,
)
def test_refused_transaction_changes_nothing(client: Client, members: dict[str, object]) -> None:
    client.send(to=NOBODY, value=1)
    raw = client.sign(**({"to": NOBODY} | members))
    assert client.rpc("eth_sendRawTransaction", raw.to_0x_hex())["error"]["code"] in {
        -32000,
        -32003,
    }
    assert client.w3.eth.block_number == 1


@pytest.mark.parametrize("raw", ["0x", "0x02", "0x02c0", "0x05ff", "0xc0", "zz", 7, None])
def test_junk_is_not_a_transaction(client: Client, raw: object) -> None:
    assert client.rpc("eth_sendRawTransaction", raw)["error"]["code"] == -32602


def test_batch_of_raw_transactions_is_mined_in_order(client: Client) -> None:
    raws = [client.sign(to=NOBODY, value=n, nonce=n) for n in range(3)]
    batch = [("eth_sendRawTransaction", [raw.to_0x_hex()]) for raw in raws]
    answers = client.w3.provider.make_batch_request([*batch, ("eth_nonsense", [])])
    for answer in answers[:3]:
        client.w3.eth.wait_for_transaction_receipt(answer["result"], poll_latency=0.005)
    assert answers[3]["error"]["code"] == -32601
    assert client.w3.eth.get_balance(NOBODY) == 0 + 1 + 2


def test_two_clients_in_parallel_do_not_disturb_each_other(devchain: DevChain) -> None:
    clients = [Client(devchain, account) for account in (0, 1)]

    def pay(client: Client) -> None:
        for _ in range(10):
            client.send(to=NOBODY, value=1)

    threads = [threading.Thread(target=pay, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clients[0].w3.eth.get_balance(NOBODY) == 20
    assert clients[0].w3.eth.block_number <= 20
