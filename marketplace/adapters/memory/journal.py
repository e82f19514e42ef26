"""The journal in dicts."""

from marketplace.ports.journal import Answer, Request, Standing


class MemoryJournal:
    """``ports.journal.Journal``."""

    def __init__(self) -> None:
        super().__init__()
        self._requests: dict[tuple[str, str], tuple[Request, Answer | None]] = {}
        self._burnt: dict[str, int] = {}

    async def begin(self, request: Request, now: int) -> tuple[Standing, Answer | None]:
        """Take the request, or say what became of it; an answer comes with DONE alone."""
        name = request.caller, request.key
        known, answer = self._requests.get(name, (None, None))
        if known is not None and now < known.expires_at:
            if known.body_digest != request.body_digest:
                return Standing.CHANGED, None
            if answer is not None:
                return Standing.DONE, answer
            if now < known.lease_until:
                return Standing.IN_PROGRESS, None
        self._requests[name] = request, None
        return Standing.BEGUN, None

    async def finish(self, request: Request, answer: Answer | None) -> None:
        """Keep the answer; None lets the request go. Who lost the lease has no say any more."""
        name = request.caller, request.key
        known, answered = self._requests.get(name, (None, None))
        mine = request.body_digest, request.lease_until
        if known is None or answered or (known.body_digest, known.lease_until) != mine:
            return
        if answer is None:
            del self._requests[name]
        else:
            self._requests[name] = known, answer

    async def burn(self, word: str, expires_at: int) -> bool:
        """Use a word up; False where it was used before."""
        if word in self._burnt:
            return False
        self._burnt[word] = expires_at
        return True

    async def sweep(self, now: int) -> int:
        """Forget what has expired; returns how many."""
        before = len(self._requests) + len(self._burnt)
        kept = self._requests.items()
        self._requests = {name: each for name, each in kept if now < each[0].expires_at}
        self._burnt = {word: at for word, at in self._burnt.items() if now < at}
        return before - len(self._requests) - len(self._burnt)
