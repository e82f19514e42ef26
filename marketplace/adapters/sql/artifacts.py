"""Artifacts in SQL."""

from marketplace.adapters.sql.plan import Hold, Plan, Query, Room
from marketplace.ports.artifacts import Artifact


class SqlArtifacts(Room):
    """``ports.artifacts.ArtifactStore`` on a database."""

    async def put_artifact(self, artifact: Artifact, most: int) -> bool:
        """Keep an artifact, once; False where its signer has ``most`` others there already."""
        return await self._database.write(_put(artifact, most))

    async def artifact(self, negotiation: str, digest: str) -> Artifact | None:
        """The artifact, or None."""
        return await self._database.read(_get(negotiation, digest))


def _put(artifact: Artifact, most: int) -> Plan[bool]:
    yield Hold(f"artifacts {artifact.negotiation}")
    key = artifact.negotiation, artifact.digest
    rows = yield Query(
        "SELECT count(*) FROM artifacts WHERE negotiation = ? AND digest <> ? AND signer = ?",
        (*key, artifact.signer),
    )
    if rows[0][0] >= most:
        return False
    yield Query(
        "INSERT INTO artifacts (negotiation, digest, signer, data) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (negotiation, digest) DO NOTHING",
        (*key, artifact.signer, artifact.data),
    )
    return True


def _get(negotiation: str, digest: str) -> Plan[Artifact | None]:
    rows = yield Query(
        "SELECT signer, data FROM artifacts WHERE negotiation = ? AND digest = ?",
        (negotiation, digest),
    )
    return Artifact(negotiation, digest, *rows[0]) if rows else None
