"""A login over a connection that may end at any moment."""

import json

from crash.raw import Answer, BrokenError, Connection
from crash.traffic import DOMAIN
from marketplace.core.identity import Scope
from marketplace.core.login import Login
from marketplace.core.signature import address_of, sign
from marketplace.core.values import canonical


async def token(port: int, key: bytes, scope: int = int(Scope.READ)) -> str:
    """A token for a key; raises BrokenError where it is not answered with one."""
    connection = Connection(port)
    try:
        told = json.loads(_good(await connection.ask("GET", "/v1/login")).body)
        login = Login(
            account=address_of(key),
            origin=told["origin_digest"],
            nonce=told["nonce"],
            issued_at=told["now"],
            expires_at=told["now"] + 3600,
            scope=scope,
        )
        signature = sign(login.digest(DOMAIN), key)
        body = {"grant": "eip712", "message": login.to_message(), "signature": signature}
        answer = await connection.ask("POST", "/v1/token", canonical(body))
        return str(json.loads(_good(answer).body)["access_token"])
    finally:
        connection.close()


def _good(answer: Answer) -> Answer:
    if answer.status != 200:
        raise BrokenError(f"{answer.status} {answer.body[:300]!r}")
    return answer
