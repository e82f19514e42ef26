"""Access: who may read what of an entry.

Leaves are for everybody: they are what the log is. A negotiation's bodies are for its
parties and for whom the operator lets audit.
"""

from dataclasses import dataclass

from marketplace.core.entry import PUBLIC
from marketplace.core.errors import LoginMissing, NotAParty
from marketplace.core.identity import Scope, scope_names
from marketplace.core.login import Caller
from marketplace.core.values import Address
from marketplace.ports.store import Entry


@dataclass(frozen=True, slots=True)
class Access:
    """The operator's word on who reads.

    Attributes:
        auditors: accounts that may read every body.
        everybody: whether all may; for development, where nothing is anybody's secret.
    """

    auditors: frozenset[Address] = frozenset()
    everybody: bool = False

    def may_read(self, entry: Entry, caller: Caller | None) -> bool:
        """Whether the caller may read an entry's body."""
        if self.everybody or entry.record.kind in PUBLIC:
            return True
        return caller is not None and self._reads(caller, entry.record.parties)

    def check(self, parties: tuple[Address, ...], caller: Caller | None) -> None:
        """Raise LoginMissing or NotAParty unless the caller may read these parties' words."""
        if self.everybody:
            return
        if caller is None:
            raise LoginMissing(scope_names(Scope.READ))
        caller.check(Scope.READ)
        if not self._reads(caller, parties):
            raise NotAParty(caller.account, " ".join(parties))

    def _reads(self, caller: Caller, parties: tuple[Address, ...]) -> bool:
        concerned = caller.account in parties or caller.account in self.auditors
        return bool(caller.scopes & Scope.READ) and concerned
