"""What an auditor remembers of a log: its keys, and how it stood.

One small file, written beside and then renamed, so that a crash leaves the old one or the
new one. Full tiles lie next to it; see ``sdk.tiles``.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from marketplace.core.checkpoint import Checkpoint, LogName, log_domain, origin_hash
from marketplace.core.errors import MemoryUnreadable, ParleyError
from marketplace.core.note import Note, Verifier
from marketplace.core.values import Json, address, integer, mapping, text

LONGEST = 20_000
FILE = "last.json"
TILES = "tiles"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A log as an audit left it.

    Attributes:
        name: the log's keys.
        note: its checkpoint, as it was signed.
        sound: whether every signature below it was found good.
    """

    name: LogName
    note: str
    sound: bool

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says."""
        return Checkpoint.parse(Note.parse(self.note).text)

    def to_json(self) -> dict[str, Json]:
        """As it is kept."""
        told = asdict(self.name.domain)
        return {
            "origin": self.name.origin,
            "key": self.name.key,
            "vkey": str(self.name.verifier),
            "chain_id": told["chain_id"],
            "anchor": told["verifying_contract"],
            "note": self.note,
            "sound": self.sound,
        }

    @classmethod
    def from_json(cls, given: Json) -> "Remembered":
        """Parse strictly; raises MalformedValue or LogRefused."""
        found = mapping(given, "remembered")
        chain_id = integer(found.get("chain_id"), "chain_id", 0, (1 << 53) - 1)
        name = LogName(
            origin=text(found.get("origin"), "origin", 300),
            key=address(found.get("key"), "key"),
            verifier=Verifier.parse(text(found.get("vkey"), "vkey", 400)),
            domain=log_domain(chain_id, address(found.get("anchor"), "anchor")),
        )
        kept = cls(name, str(found.get("note")), found.get("sound") is True)
        # What the log's own keys did not sign is no memory of the log.
        name.open(kept.note)
        return kept


class Memory:
    """A directory of one log, named by the URL at which it was audited."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self.tiles = directory / TILES

    @classmethod
    def below(cls, base: Path, url: str) -> "Memory":
        """The memory of the log at a URL; another scheme is the same log."""
        origin = url.rpartition("://")[2].rstrip("/")
        return cls(base / origin_hash(origin)[2:34])

    def load(self) -> Remembered | None:
        """What is remembered; None at the first audit.

        Raises:
            MemoryUnreadable: the file is none of ours: somebody must look at it.
        """
        try:
            return Remembered.from_json(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, ParleyError) as error:
            raise MemoryUnreadable(str(self._path), str(error)[:200]) from None

    def save(self, remembered: Remembered) -> None:
        """Remember this in the place of what was."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        begun = self._path.with_suffix(".part")
        with begun.open("w") as file:
            json.dump(remembered.to_json(), file)
            file.flush()
            os.fsync(file.fileno())
        begun.rename(self._path)
