"""eth_getLogs: the logs of a range of blocks that match a filter.

Source: execution-apis, eth_getLogs. A topic position is null, one topic or a list of
alternatives; a filter may have fewer positions than the log, never more.
"""

from marketplace.adapters.evm.embedded import params, views
from marketplace.adapters.evm.embedded.chain import Chain
from marketplace.adapters.evm.embedded.history import Mined
from marketplace.adapters.evm.embedded.jsonrpc import Json

_ANY: frozenset[str] = frozenset()


def get_logs(chain: Chain, filter_object: Json) -> list[Json]:
    """All matching logs in chain order; empty when the range is."""
    given = params.fields(filter_object)
    addresses = _alternatives(given.get("address"), 20)
    topics = given.get("topics", [])
    if not isinstance(topics, list):
        params.refuse("topics as a list", topics)
    positions = [_alternatives(position, 32) for position in topics]
    return [
        log
        for mined in _blocks(chain, given)
        if mined.sent is not None
        for log in views.logs(mined.sent)
        if _matches(log["address"], addresses) and _all_match(log["topics"], positions)
    ]


def _blocks(chain: Chain, given: dict[str, Json]) -> list[Mined]:
    if "blockHash" in given:
        return [params.known_block(chain, {"blockHash": given["blockHash"]})]
    first = _height(chain, given.get("fromBlock", "latest"))
    last = _height(chain, given.get("toBlock", "latest"))
    return chain.history.between(first, last)


def _height(chain: Chain, value: Json) -> int:
    """A block's number; one above the head is no error, the range just ends earlier."""
    found = params.block(chain, value)
    return params.quantity(value) if found is None else found.block.number


def _alternatives(value: Json, size: int) -> frozenset[str]:
    """What a filter position admits, as hex; empty admits anything."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(views.data(params.data(item, size)) for item in values)


def _all_match(topics: Json, positions: list[frozenset[str]]) -> bool:
    if not isinstance(topics, list) or len(positions) > len(topics):
        return False
    return all(
        _matches(topic, admitted) for topic, admitted in zip(topics, positions, strict=False)
    )


def _matches(value: Json, admitted: frozenset[str]) -> bool:
    return admitted == _ANY or value in admitted
