"""Artifacts in a dict."""

from marketplace.ports.artifacts import Artifact


class MemoryArtifacts:
    """``ports.artifacts.ArtifactStore``."""

    def __init__(self) -> None:
        super().__init__()
        self._artifacts: dict[tuple[str, str], Artifact] = {}

    async def put_artifact(self, artifact: Artifact, most: int) -> bool:
        """Keep an artifact, once; False where its signer has ``most`` others there already."""
        key = artifact.negotiation, artifact.digest
        others = (kept for place, kept in self._artifacts.items() if place != key)
        mine = (artifact.negotiation, artifact.signer)
        if sum((kept.negotiation, kept.signer) == mine for kept in others) >= most:
            return False
        self._artifacts.setdefault(key, artifact)
        return True

    async def artifact(self, negotiation: str, digest: str) -> Artifact | None:
        """The artifact, or None."""
        return self._artifacts.get((negotiation, digest))

    def _drop(self, negotiation: str) -> None:
        gone = [key for key in self._artifacts if key[0] == negotiation]
        for key in gone:
            del self._artifacts[key]
