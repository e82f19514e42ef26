"""The yardstick: a FastAPI route that takes the same body and does nothing with it."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from marketplace.hosting import listen

app = FastAPI()


@app.post("/noop", status_code=201)
async def noop(body: dict[str, Any]) -> dict[str, bool]:
    """Nothing."""
    return {"ok": bool(body)}


if __name__ == "__main__":
    bound = listen("127.0.0.1", int(sys.argv[1]))
    print(bound.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[bound])
