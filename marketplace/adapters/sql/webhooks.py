"""Webhooks in SQL."""

from marketplace.adapters.sql.plan import Hold, Plan, Query, Room, Row
from marketplace.ports.webhooks import DeadLetter, Subscription

COLUMNS = "id, account, url, secret, following, attempts, next_at, disabled, old_secret, old_until"


class SqlWebhooks(Room):
    """``ports.webhooks.WebhookStore`` on a database."""

    async def subscribe(self, subscription: Subscription, most: int) -> bool:
        """Keep a subscription; False where the account has ``most`` already."""
        return await self._database.write(_subscribe(subscription, most))

    async def subscriptions(self, account: str) -> list[Subscription]:
        """An account's subscriptions."""
        return await self._database.read(_select("account = ? ORDER BY id", account))

    async def unsubscribe(self, account: str, subscription: str) -> bool:
        """End one with all its dead letters; False where the account has no such."""
        return await self._database.write(_unsubscribe(account, subscription))

    async def ready(self, now: int, limit: int) -> list[Subscription]:
        """Subscriptions that are not disabled and whose next attempt is not later."""
        where = "disabled = 0 AND next_at <= ? ORDER BY next_at, id LIMIT ?"
        return await self._database.read(_select(where, now, limit))

    async def moved(self, subscription: Subscription, dead: DeadLetter | None) -> None:
        """Keep a subscription's new cursor and attempts, and the letter it gave up, at once."""
        await self._database.write(_moved(subscription, dead))

    async def enable(self, subscription: str, now: int) -> None:
        """Let one that is disabled go on where it stopped, as if nothing had failed."""
        await self._database.write(_enable(subscription, now))

    async def rotate(self, subscription: str, secret: str, until: int) -> bool:
        """Give a new secret; the one before it is the old one, until an instant."""
        return await self._database.write(_rotate(subscription, secret, until))

    async def dead_letters(self, subscription: str, limit: int) -> list[DeadLetter]:
        """What was given up, newest first."""
        return await self._database.read(_dead_letters(subscription, limit))

    async def bury(self, subscription: str, index: int) -> bool:
        """Forget a dead letter; False where there is none."""
        return await self._database.write(_bury(subscription, index))


def _subscribe(new: Subscription, most: int) -> Plan[bool]:
    yield Hold(f"subscriptions {new.account}")
    rows = yield Query(
        "SELECT count(*) FROM subscriptions WHERE account = ? AND id <> ?", (new.account, new.id)
    )
    if rows[0][0] >= most:
        return False
    when = new.following, new.attempts, new.next_at, int(new.disabled)
    yield Query(
        f"INSERT INTO subscriptions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        " ON CONFLICT (id) DO NOTHING",
        (new.id, new.account, new.url, new.secret, *when, new.old_secret, new.old_until),
    )
    return True


def _select(where: str, *values: str | int) -> Plan[list[Subscription]]:
    rows = yield Query(f"SELECT {COLUMNS} FROM subscriptions WHERE {where}", values)  # noqa: S608
    return [_subscription(row) for row in rows]


def _subscription(row: Row) -> Subscription:
    identity, account, url, secret, following, attempts, next_at, disabled, old, until = row
    place = following, attempts, next_at
    return Subscription(identity, account, url, secret, *place, bool(disabled), old, until)


def _unsubscribe(account: str, subscription: str) -> Plan[bool]:
    rows = yield Query(
        "DELETE FROM subscriptions WHERE account = ? AND id = ? RETURNING 1",
        (account, subscription),
    )
    if rows:
        yield Query("DELETE FROM dead_letters WHERE subscription = ?", (subscription,))
    return bool(rows)


def _moved(moved: Subscription, dead: DeadLetter | None) -> Plan[None]:
    # Its row is locked from here to the commit, so that no letter outlives a subscription.
    rows = yield Query(
        "UPDATE subscriptions SET following = ?, attempts = ?, next_at = ?, disabled = ?"
        " WHERE id = ? RETURNING 1",
        (moved.following, moved.attempts, moved.next_at, int(moved.disabled), moved.id),
    )
    if rows and dead is not None:
        yield Query(
            "INSERT INTO dead_letters (subscription, idx, attempts, reason, at)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (subscription, idx) DO UPDATE SET"
            " attempts = excluded.attempts, reason = excluded.reason, at = excluded.at",
            (dead.subscription, dead.index, dead.attempts, dead.reason, dead.at),
        )


def _enable(subscription: str, now: int) -> Plan[None]:
    yield Query(
        "UPDATE subscriptions SET disabled = 0, attempts = 0, next_at = ?"
        " WHERE id = ? AND disabled = 1",
        (now, subscription),
    )


def _rotate(subscription: str, secret: str, until: int) -> Plan[bool]:
    # What stands on the right of each = is what was there before.
    rows = yield Query(
        "UPDATE subscriptions SET secret = ?, old_secret = secret, old_until = ?"
        " WHERE id = ? RETURNING 1",
        (secret, until, subscription),
    )
    return bool(rows)


def _dead_letters(subscription: str, limit: int) -> Plan[list[DeadLetter]]:
    rows = yield Query(
        "SELECT subscription, idx, attempts, reason, at FROM dead_letters"
        " WHERE subscription = ? ORDER BY at DESC, idx DESC LIMIT ?",
        (subscription, limit),
    )
    return [DeadLetter(*row) for row in rows]


def _bury(subscription: str, index: int) -> Plan[bool]:
    rows = yield Query(
        "DELETE FROM dead_letters WHERE subscription = ? AND idx = ? RETURNING 1",
        (subscription, index),
    )
    return bool(rows)
