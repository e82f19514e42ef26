"""A journal in dictionaries: the least that is right."""

from dataclasses import dataclass

from marketplace.ports.journal import Answer, Request, Standing


@dataclass(slots=True)
class _Kept:
    request: Request
    answer: Answer | None = None


class MemoryJournal:
    """Nothing survives the process, and nobody outside it is asked."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str], _Kept] = {}
        self._burnt: dict[str, int] = {}

    async def begin(self, request: Request, now: int) -> tuple[Standing, Answer | None]:
        """Take the request, or say what became of it."""
        key = request.caller, request.key
        kept = self._requests.get(key)
        if kept is None or kept.request.expires_at <= now:
            self._requests[key] = _Kept(request)
            return Standing.BEGUN, None
        if kept.request.body_digest != request.body_digest:
            return Standing.CHANGED, None
        if kept.answer is not None:
            return Standing.DONE, kept.answer
        if now < kept.request.lease_until:
            return Standing.IN_PROGRESS, None
        self._requests[key] = _Kept(request)
        return Standing.BEGUN, None

    async def finish(self, request: Request, answer: Answer | None) -> None:
        """Keep the answer, or let the request go."""
        key = request.caller, request.key
        kept = self._requests.get(key)
        # Whoever began it later has it now: a lease that was over gives no word any more.
        if kept is None or kept.request != request:
            return
        if answer is None:
            del self._requests[key]
        else:
            kept.answer = answer

    async def burn(self, word: str, expires_at: int) -> bool:
        """Use a word up."""
        fresh = word not in self._burnt
        self._burnt.setdefault(word, expires_at)
        return fresh

    async def sweep(self, now: int) -> int:
        """Forget what has expired."""
        before = len(self._requests) + len(self._burnt)
        self._requests = {k: v for k, v in self._requests.items() if v.request.expires_at > now}
        self._burnt = {word: at for word, at in self._burnt.items() if at > now}
        return before - len(self._requests) - len(self._burnt)
