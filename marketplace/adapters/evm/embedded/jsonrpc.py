"""JSON-RPC 2.0 envelopes: bytes in, bytes out, no I/O.

Whatever arrives, the answer is a JSON-RPC response; only a notification has none.
Source: the JSON-RPC 2.0 specification; error codes 3 and -32003 as nodes use them (EIP-1474).
"""

import json
import logging
from collections.abc import Callable

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Invoke = Callable[[str, list[Json]], Json]

EXECUTION_REVERTED = 3
TRANSACTION_REJECTED = -32003
EXECUTION_FAILED = -32000
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

_log = logging.getLogger(__name__)


class RpcError(Exception):
    """An error that the caller of a method is told: code, message and perhaps data."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def view(self) -> dict[str, Json]:
        """The response's `error` member."""
        error: dict[str, Json] = {"code": self.code, "message": self.message}
        return error if self.data is None else {**error, "data": self.data}


def respond(body: bytes, invoke: Invoke) -> bytes:
    """Answer one request or one batch.

    Args:
        body: the request as it came over the wire.
        invoke: runs a method by name; raises `RpcError` for what the caller did wrong.

    Returns:
        The response as UTF-8 JSON; empty when there were notifications only.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return _encode(_failure(None, RpcError(PARSE_ERROR, "the body is not JSON")))
    if isinstance(request, list) and request:
        answers: list[Json] = [answer for item in request if (answer := _answer(item, invoke))]
        return _encode(answers) if answers else b""
    answer = _answer(request, invoke)
    return _encode(answer) if answer else b""


def _answer(request: Json, invoke: Invoke) -> dict[str, Json] | None:
    """The response to one request; None for a notification."""
    method = request.get("method") if isinstance(request, dict) else None
    if not (
        isinstance(request, dict) and isinstance(method, str) and request.get("jsonrpc") == "2.0"
    ):
        message = 'a request has "jsonrpc": "2.0", "method", "params" as a list and "id"'
        return _failure(None, RpcError(INVALID_REQUEST, message))
    response = _run(method, request.get("params", []), request.get("id"), invoke)
    return response if "id" in request else None


def _run(method: str, params: Json, request_id: Json, invoke: Invoke) -> dict[str, Json]:
    if isinstance(request_id, bool | list | dict):
        return _failure(None, RpcError(INVALID_REQUEST, "id is a string, a number or null"))
    if not isinstance(params, list):
        return _failure(request_id, RpcError(INVALID_PARAMS, "params is a list"))
    try:
        return {"jsonrpc": "2.0", "id": request_id, "result": invoke(method, params)}
    except RpcError as error:
        return _failure(request_id, error)
    except Exception:  # noqa: BLE001 -- a node goes on after a fault of its own, and logs it
        _log.exception("%s failed inside the embedded chain", method)
        return _failure(request_id, RpcError(INTERNAL_ERROR, f"{method} failed inside the node"))


def _failure(request_id: Json, error: RpcError) -> dict[str, Json]:
    return {"jsonrpc": "2.0", "id": request_id, "error": error.view()}


def _encode(answer: Json) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
