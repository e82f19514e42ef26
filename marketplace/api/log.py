"""The log over HTTP: a checkpoint, and tiles that never change.

Both as C2SP tlog-tiles has them. Anybody may read it, from here or from whoever has a
copy: it proves itself.
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from marketplace.api.large import large_body
from marketplace.api.routes import REFUSALS
from marketplace.api.services import Use
from marketplace.core.tiles import WIDTH, Tile

router = APIRouter(responses=REFUSALS)  # type: ignore[arg-type]  # FastAPI's own alias is wider

FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
# One that is not full is replaced, and its readers want the next.
BRIEFLY = {"cache-control": "public, max-age=60"}


@router.get("/checkpoint", operation_id="readCheckpoint", response_class=PlainTextResponse)
async def read_checkpoint(use: Use) -> PlainTextResponse:
    """The log's size and root, signed, as a C2SP note."""
    return PlainTextResponse(await use.receipts.note(), headers={"cache-control": "no-cache"})


@router.get("/tile/{tile:path}", operation_id="readTile", response_class=Response)
async def read_tile(request: Request, tile: str, use: Use) -> Response:
    """Hashes (``0/x001/067``) or entries (``entries/x001/067``), by the path of C2SP tlog-tiles."""
    named = Tile.parse(tile)
    with large_body(request):
        data = await use.receipts.tile(named)
    headers = FOREVER if named.width == WIDTH else BRIEFLY
    return Response(data, media_type="application/octet-stream", headers=headers)
