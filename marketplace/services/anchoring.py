"""Anchoring: checkpoints go to the contract, and hold the log to them.

What is anchored cannot be unsaid. A store that has lost entries of an anchored log, as
one that came back from an old backup has, would sign another history with the next word:
then nothing more is taken, and nothing signed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from marketplace.core.errors import LogBehind, NotConsistent
from marketplace.core.merkle import Proof, Tree, check_consistency, consistency_path
from marketplace.core.signature import Signature
from marketplace.core.values import Digest
from marketplace.ports.anchor import AnchorFacts
from marketplace.ports.clock import Clock
from marketplace.ports.store import Store
from marketplace.services.log import Log
from marketplace.services.receipts import Receipts

Facts = Callable[[], Awaitable[AnchorFacts]]
Bring = Callable[[int, bytes, Proof, Signature], Awaitable[Digest]]


@dataclass
class Anchoring:
    """One log at one contract. Any number of workers may run it: the contract takes each once.

    Attributes:
        facts: what the contract has.
        bring: takes a checkpoint there; None: that is somebody else's to do, and the log is
            only held against what is there.
        entries: so many that are not anchored do not wait.
        seconds: nor does one that has waited so long.
    """

    store: Store
    receipts: Receipts
    log: Log
    clock: Clock
    facts: Facts
    bring: Bring | None
    entries: int
    seconds: int
    _waiting_since: int | None = None

    async def check(self) -> None:
        """Hold the log against what is anchored: before the first word, or it would be a fork."""
        facts = await self.facts()
        await self._grown(facts, await self.store.tree())

    async def run_once(self) -> int:
        """Anchor if it is time; returns how many entries are anchored now."""
        facts = await self.facts()
        tree = await self.store.tree()
        proof = await self._grown(facts, tree)
        if self.bring is None or tree.size == facts.size:
            self._waiting_since = None
            return facts.size
        now = self.clock.now()
        if self._waiting_since is None:
            self._waiting_since = now
        waited = now - self._waiting_since
        if tree.size - facts.size < self.entries and waited < self.seconds:
            return facts.size
        signed = self.receipts.signed(tree)
        await self.bring(tree.size, tree.root, proof, signed.signature)
        self._waiting_since = None
        return tree.size

    async def _grown(self, facts: AnchorFacts, tree: Tree) -> Proof:
        """The proof that the log grew out of what is anchored; where it did not, the log stops."""
        if not facts.size:
            return ()
        try:
            path = consistency_path(facts.size, tree.size) if facts.size < tree.size else ()
            proof = await self.receipts.proof(path, tree.size)
            check_consistency((facts.size, facts.root), (tree.size, tree.root), proof)
        except NotConsistent:
            self.log.behind = self.receipts.behind = tree.size, facts.size
            raise LogBehind(tree.size, facts.size) from None
        return proof
