"""Receipts of one party: checked, held against each other, and kept.

Each receipt is checked against the message that it is for. Its checkpoint is held against
the last one that was seen: a log that has forgotten or changed what it once signed is
refused, and both of its signatures are kept, which together may prove a fork to anybody.

The file is lines of JSON: the log's name, and after it receipts, held or refused. The
name is learned once; a registry that names another log is refused from then on.
"""

import errno
import json
import os
import threading
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from marketplace.core.checkpoint import LARGEST_SIZE, Checkpoint, LogName, log_domain
from marketplace.core.errors import (
    LogChanged,
    Missing,
    NotConsistent,
    ParleyError,
    ReceiptMissing,
    ReceiptsUnreadable,
)
from marketplace.core.note import Verifier
from marketplace.core.receipt import Proven
from marketplace.core.values import Json, address, digest, integer
from marketplace.sdk.tiles import Fetch, TileReader
from marketplace.wire.views import LogNameView, ProvenView, Receipt


class Receipts:
    """One log's receipts; in memory where no path is given. Safe for several threads.

    Args:
        told: the log's name as the registry tells it.
        tiles: the log's tiles, for proofs that it grew.
        path: where they are kept.

    Raises:
        LogChanged: the file is of another log.
        ReceiptsUnreadable: a line of the file is none.
    """

    def __init__(self, told: LogNameView, tiles: TileReader, path: Path | None = None) -> None:
        self.name = name_of(told)
        self._tiles, self._path = tiles, path
        self._lock = threading.Lock()
        self._held: list[str] = []
        self._last: Checkpoint | None = None
        self._first = json.dumps({"log": told.model_dump(mode="json")})
        if path is None or not path.exists() or not self._load(path):
            self._write()

    def keep(self, receipt: Receipt, envelope: Mapping[str, Json]) -> None:
        """Check a receipt and keep it.

        Raises:
            ReceiptMissing: the registry gave none.
            ParleyError: it does not hold. LogRefused: or the log did not grow out of what was
                seen of it; this, too, is kept.
        """
        if receipt.log is None:
            raise ReceiptMissing(receipt.digest)
        proven = proven_of(receipt.index, receipt.log)
        proven.check(self.name, envelope)
        told = receipt.model_dump(mode="json")
        with self._lock:
            try:
                self._grew(proven.checkpoint)
            except ParleyError:
                # With what was kept before it, it may prove a fork, and it may not be had again:
                # also where the tiles that would show that are kept back, or are none.
                self._write({"refused": told})
                raise
            self._write({"receipt": told})

    def kept(self) -> Iterator[Receipt]:
        """Every receipt that held, in the order in which they came."""
        return self._those("receipt")

    def refused(self) -> Iterator[Receipt]:
        """Those that the log's key signed, and that were not shown to be of the same log."""
        return self._those("refused")

    def _those(self, what: str) -> Iterator[Receipt]:
        lines = self._path.read_text().splitlines() if self._path else self._held
        for line in lines[1:]:
            told = json.loads(line)
            if what in told:
                yield Receipt.model_validate(told[what])

    def _grew(self, checkpoint: Checkpoint) -> None:
        last = self._last or checkpoint
        # Answers may overtake each other: the smaller tree is the older one.
        old, new = sorted((last, checkpoint), key=lambda each: each.size)
        try:
            self._tiles.check_growth(old.tree, new.tree)
        except Missing:
            # Of a tree that it signed it must have the tiles.
            raise NotConsistent(*_hex(old), *_hex(new)) from None
        self._last = new

    def _load(self, path: Path) -> bool:
        *lines, torn = path.read_bytes().split(b"\n")
        if torn:
            # By a crash, before anything was said of it.
            os.truncate(path, path.stat().st_size - len(torn))
        for number, line in enumerate(lines, 1):
            try:
                self._learn(number, json.loads(line))
            except (ValueError, LookupError, TypeError):
                raise ReceiptsUnreadable(str(path), number) from None
        return bool(lines)

    def _learn(self, number: int, told: dict[str, Json]) -> None:
        if number == 1:
            named = name_of(LogNameView.model_validate(told["log"]))
            if named != self.name:
                raise LogChanged(_said(named), _said(self.name))
            return
        if "refused" in told:
            return
        receipt = Receipt.model_validate(told["receipt"])
        if receipt.log is not None:
            checkpoint = proven_of(receipt.index, receipt.log).checkpoint
            if self._last is None or checkpoint.size > self._last.size:
                self._last = checkpoint

    def _write(self, *told: Json) -> None:
        lines = [json.dumps(each) for each in told]
        if self._path is None:
            self._held += lines if self._held else [self._first, *lines]
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(file).st_size
            # Also where the file was taken away since.
            lines = lines if size else [self._first, *lines]
            data = "".join(line + "\n" for line in lines).encode()
            if os.write(file, data) < len(data):
                # The next one must not be written on to the half of this one.
                os.ftruncate(file, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        finally:
            os.close(file)


def receipts_of(url: str, told: LogNameView | None, fetch: Fetch, beside: Path | None) -> Receipts:
    """The receipts of a registry's log.

    Args:
        url: the registry's; under another URL it is another registry.
        told: the log's name as it tells it.
        fetch: gets its tiles.
        beside: a file beside which they are kept; None: in memory.

    Raises:
        ReceiptMissing: the registry has no log.
    """
    if told is None:
        raise ReceiptMissing(url)
    place = sha256(url.encode()).hexdigest()[:8]
    path = beside and beside.with_name(f"{beside.name}.{place}.receipts")
    return Receipts(told, TileReader(fetch), path)


def proven_of(index: int, told: ProvenView) -> Proven:
    """What a receipt says of the log; raises ValueMalformed."""
    root, *proof = (bytes.fromhex(digest(each, "hash")[2:]) for each in (told.root, *told.proof))
    # A size that no log has would be split for minutes, and no contract could be told of it.
    return Proven(
        index=integer(index, "index", 0, LARGEST_SIZE - 1),
        leaf=told.leaf.encode("utf-8", "backslashreplace"),
        salt=told.salt or "",
        proof=tuple(proof),
        checkpoint=Checkpoint(told.origin, integer(told.size, "size", 1, LARGEST_SIZE), root),
        signature=told.signature,
    )


def name_of(told: LogNameView) -> LogName:
    """The log's name from what a registry tells; raises ValueMalformed or NoteMalformed."""
    chain_id = integer(told.domain.chainId, "chainId", 0, (1 << 256) - 1)
    domain = log_domain(chain_id, address(told.domain.verifyingContract, "verifyingContract"))
    return LogName(told.origin, address(told.key, "key"), Verifier.parse(told.vkey), domain)


def _hex(checkpoint: Checkpoint) -> tuple[int, str]:
    return checkpoint.size, checkpoint.root.hex()


def _said(name: LogName) -> str:
    return f"{name.origin} {name.key} {name.verifier}"
