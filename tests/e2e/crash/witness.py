"""The witness: has read the log before, and knows what may have become of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from crash.house import House
from crash.raw import Connection
from crash.tables import Rows, read
from crash.traffic import DOMAIN, Key
from marketplace.core.entry import TIMEOUT
from marketplace.core.entry import read as read_entry
from marketplace.core.errors import ParleyError
from marketplace.core.merkle import Tree, check_inclusion, leaf_hash, root_hash
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import OPEN_STATES, Negotiation, advance, begin, time_out
from marketplace.core.words import Kind
from marketplace.sdk.receipts import name_of, proven_of
from marketplace.wire.views import LogNameView, ProvenView

LEAVES = "SELECT idx, leaf_hash FROM entries ORDER BY idx"
DOUBLES = "SELECT kind, digest, signer FROM entries GROUP BY 1, 2, 3 HAVING count(*) > 1"
DUE = "SELECT thread, due_at FROM due ORDER BY thread"
LISTINGS = "SELECT thread, digest, live, id FROM listings ORDER BY thread"
TOLD = "SELECT party, idx FROM told ORDER BY party, idx"
NEW = (
    "SELECT idx, kind, digest, signer, thread, position, parties, leaf, leaf_hash, body,"
    " received_at FROM entries WHERE idx >= {} ORDER BY idx"
)


@dataclass
class Witness:
    """Reads what is new, and holds all of it to what was promised.

    Attributes:
        house: the promises.
        leaves: leaf hashes of all that was read.
        indices: where each message is.
        told: index and position of what concern each party.
        everything: the same of all entries.
        talks: each negotiation as the machine has it.
        listings: each listing's last version, whether it is open, and its index.
    """

    house: House
    leaves: list[bytes] = field(default_factory=list)
    indices: dict[Key, int] = field(default_factory=dict)
    told: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    everything: list[tuple[int, int]] = field(default_factory=list)
    talks: dict[str, Negotiation] = field(default_factory=dict)
    listings: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    _tree: Tree = field(default_factory=Tree)
    _roots: list[bytes] = field(default_factory=lambda: [Tree().root])
    _lengths: dict[str, int] = field(default_factory=dict)
    _times: dict[str, int] = field(default_factory=dict)
    _listed: dict[str, Message] = field(default_factory=dict)

    async def check(self, where: str) -> None:
        """Read on from where it was, and blame what is wrong."""
        connection = Connection(self.house.port)
        answer = await connection.ask("GET", "/v1/log?start=0&limit=1")
        info = await connection.ask("GET", "/v1")
        connection.close()
        queries = LEAVES, DOUBLES, DUE, LISTINGS, TOLD, NEW.format(len(self.leaves))
        leaves, doubles, due, listings, told, new = await read(where, *queries)
        self._check_leaves(leaves, doubles, json.loads(answer.body))
        for row in new:
            try:
                self._read(row)
            except (ParleyError, KeyError) as error:
                self.house.blame("broken chain", row[0], row[1], repr(error))
        self.leaves = [bytes(leaf) for _, leaf in leaves]
        self._check_signed(json.loads(info.body)["log"])
        self._check_receipts({index: bytes(leaf) for index, leaf in leaves})
        self._check_derived(due, listings, told)

    def _check_leaves(self, leaves: Rows, doubles: Rows, log: dict[str, object]) -> None:
        hashes = [bytes(leaf) for _, leaf in leaves]
        if [index for index, _ in leaves] != list(range(len(leaves))):
            self.house.blame("gap in the log", len(leaves), leaves[-1:])
        if hashes[: len(self.leaves)] != self.leaves:
            self.house.blame("the log has changed", len(self.leaves), len(hashes))
        for double in doubles:
            self.house.blame("doubled", *double)
        size = int(str(log["size"]))
        if size > len(hashes) or log["root"] != "0x" + root_hash(hashes[:size]).hex():
            self.house.blame("root differs", log["size"], len(hashes), log["root"])

    def _read(self, row: tuple[object, ...]) -> None:
        index, kind, digest, signer, thread, position, parties, leaf, hashed, body, at = row
        assert isinstance(index, int)
        logged = read_entry(bytes(leaf), bytes(body))  # type: ignore[arg-type]
        key = str(kind), str(digest), str(signer)
        if leaf_hash(bytes(leaf)) != bytes(hashed):  # type: ignore[arg-type]
            self.house.blame("leaf hash differs", index)
        if position != self._lengths.get(str(thread), 0):
            self.house.blame("gap in a thread", index, thread, position)
        if at < self._times.get(str(thread), 0) or at != logged.received_at:  # type: ignore[operator]
            self.house.blame("time goes back", index)
        if key not in self.house.sent and kind != TIMEOUT:
            self.house.blame("never said", index, *key)
        self._lengths[str(thread)] = self._lengths.get(str(thread), 0) + 1
        self._times[str(thread)] = logged.received_at
        self.indices[key] = index
        self.everything.append((index, int(str(position))))
        for party in set(json.loads(str(parties))):
            self.told.setdefault(party, []).append((index, int(str(position))))
        self._replay(index, str(thread), logged.envelope, logged.at)

    def _replay(self, index: int, thread: str, envelope: object, at: int) -> None:
        if envelope is None:
            self.talks[thread] = time_out(self.talks[thread], at)
            return
        message = parse_message(envelope, DOMAIN)  # type: ignore[arg-type]
        if message.kind is Kind.LISTING:
            self._listed[message.digest] = message
            capacity = message.detail.capacity  # type: ignore[union-attr]
            self.listings[thread] = message.digest, int(capacity > 0), index
        elif message.kind is Kind.INVITATION:
            listed = self._listed[message.body.listing]  # type: ignore[union-attr]
            self.talks[thread] = begin(message, listed, at)
        else:
            self.talks[thread] = advance(self.talks[thread], message, at)

    def _check_receipts(self, leaves: Mapping[int, bytes]) -> None:
        for key, receipt in self.house.receipts.items():
            index = self.indices.get(key)
            if index is None or index not in leaves:
                self.house.blame("lost", *key, receipt)
            elif (index, "0x" + leaves[index].hex()) != (receipt["index"], receipt["leaf_hash"]):
                self.house.blame("not where it was promised", index, receipt)

    def _check_signed(self, told: dict[str, object]) -> None:
        """No two checkpoints of one size, before or after a kill: each is the log's own root."""
        for leaf in self.leaves[len(self._roots) - 1 :]:
            self._tree = self._tree.grown([leaf]).tree
            self._roots.append(self._tree.root)
        name = name_of(LogNameView.model_validate(told))
        for index, log in self.house.signed:
            proven = proven_of(index, ProvenView.model_validate(log))
            try:
                name.check(proven.checkpoint, proven.signature)
                check_inclusion(leaf_hash(proven.leaf), index, proven.checkpoint.tree, proven.proof)
            except ParleyError as error:
                self.house.blame("receipt proves nothing", index, repr(error))
            size, root = proven.checkpoint.tree
            if size >= len(self._roots) or self._roots[size] != root:
                self.house.blame("forked", size, root.hex())
        self.house.counts["checkpoints checked"] += len(self.house.signed)
        self.house.signed.clear()

    def _check_derived(self, due: Rows, listings: Rows, told: Rows) -> None:
        still = {
            thread: talk.invitation.deadline
            for thread, talk in self.talks.items()
            if talk.state in OPEN_STATES
        }
        _compare(self.house, "due rows differ", dict(due), still)
        _compare(self.house, "index differs", {t: tuple(r) for t, *r in listings}, self.listings)
        heard: dict[str, list[int]] = {}
        for party, index in told:
            heard.setdefault(party, []).append(index)
        expected = {party: [index for index, _ in all_] for party, all_ in self.told.items()}
        _compare(self.house, "told differs", heard, expected)


def _compare(house: House, what: str, found: dict, expected: dict) -> None:  # type: ignore[type-arg]
    for name in found.keys() | expected.keys():
        if found.get(name) != expected.get(name):
            house.blame(what, name, found.get(name), expected.get(name))
