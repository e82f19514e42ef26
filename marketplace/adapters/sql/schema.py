"""Every schema that there was, as steps from one to the next.

A database remembers its own. A new one takes all steps, so that the way of an old one is
walked every time.
"""

from collections.abc import Callable, Mapping

from marketplace.adapters.sql.plan import Hold, Plan, Query
from marketplace.adapters.sql.tree import plant
from marketplace.core.errors import StoreNewer

# What version 0.1.0 made, which kept no number; IF NOT EXISTS is for its files.
V1 = """
CREATE TABLE IF NOT EXISTS entries (
    idx {integer} PRIMARY KEY,
    kind {text} NOT NULL,
    digest {text} NOT NULL,
    signer {text} NOT NULL,
    thread {text} NOT NULL,
    position {integer} NOT NULL,
    party_a {text} NOT NULL,
    party_b {text} NOT NULL,
    data {blob} NOT NULL,
    leaf_hash {blob} NOT NULL,
    received_at {integer} NOT NULL,
    UNIQUE (kind, digest, signer),
    UNIQUE (thread, position)
) {table};
CREATE TABLE IF NOT EXISTS artifacts (
    negotiation {text} NOT NULL,
    digest {text} NOT NULL,
    signer {text} NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (negotiation, digest)
) {table}
"""

# Leaves apart from bodies; any number of parties; what is derived from the log.
V2 = """
ALTER TABLE entries RENAME TO entries_v1;
DROP INDEX IF EXISTS entries_party_a;
DROP INDEX IF EXISTS entries_party_b;
CREATE TABLE entries (
    idx {integer} PRIMARY KEY,
    kind {text} NOT NULL,
    digest {text} NOT NULL,
    signer {text} NOT NULL,
    thread {text} NOT NULL,
    position {integer} NOT NULL,
    parties {text} NOT NULL,
    leaf {blob} NOT NULL,
    leaf_hash {blob} NOT NULL,
    body {blob} NOT NULL,
    received_at {integer} NOT NULL,
    UNIQUE (digest, kind, signer),
    UNIQUE (thread, position)
) {table};
INSERT INTO entries SELECT idx, kind, digest, signer, thread, position,
    '["' || party_a || '", "' || party_b || '"]',
    data, leaf_hash, CAST('' AS {blob}), received_at FROM entries_v1;
CREATE TABLE told (
    party {text} NOT NULL,
    idx {integer} NOT NULL,
    PRIMARY KEY (party, idx)
) {clustered};
INSERT INTO told SELECT party_a, idx FROM entries_v1 UNION SELECT party_b, idx FROM entries_v1;
DROP TABLE entries_v1;
CREATE TABLE due (
    thread {text} PRIMARY KEY,
    due_at {integer} NOT NULL
) {table};
CREATE INDEX due_by_time ON due (due_at, thread);
CREATE TABLE listings (
    id {integer} PRIMARY KEY,
    thread {text} NOT NULL UNIQUE,
    digest {text} NOT NULL,
    seller {text} NOT NULL,
    kind {text} NOT NULL,
    title {text} NOT NULL,
    unit {text} NOT NULL,
    attributes {text} NOT NULL,
    lowest_price {text} NOT NULL,
    highest_price {text} NOT NULL,
    capacity {integer} NOT NULL,
    expires_at {integer} NOT NULL,
    heartbeat {integer} NOT NULL,
    published_at {integer} NOT NULL,
    heard_at {integer} NOT NULL,
    rank {integer} NOT NULL,
    live {integer} NOT NULL,
    terms {text} NOT NULL
) {table};
CREATE INDEX listings_seller ON listings (seller);
CREATE INDEX listings_over ON listings (expires_at) WHERE live = 1;
CREATE INDEX listings_oldest ON listings (published_at, thread) WHERE live = 1;
CREATE INDEX listings_cheapest ON listings (lowest_price, thread) WHERE live = 1;
CREATE INDEX listings_reputed ON listings (rank, thread) WHERE live = 1;
CREATE INDEX listings_kind_oldest ON listings (kind, published_at, thread) WHERE live = 1;
CREATE INDEX listings_kind_cheapest ON listings (kind, lowest_price, thread) WHERE live = 1;
CREATE INDEX listings_kind_reputed ON listings (kind, rank, thread) WHERE live = 1;
CREATE TABLE listing_numbers (
    name {text} NOT NULL,
    number {text} NOT NULL,
    id {integer} NOT NULL,
    PRIMARY KEY (id, name)
) {clustered};
CREATE INDEX listing_numbers_by_size ON listing_numbers (name, number, id);
CREATE {terms_table};
{terms_index};
CREATE TABLE sellers (
    seller {text} PRIMARY KEY,
    settled {integer} NOT NULL
) {table};
CREATE TABLE marks (
    name {text} PRIMARY KEY,
    value {integer} NOT NULL
) {table};
CREATE TABLE requests (
    caller {text} NOT NULL,
    key {text} NOT NULL,
    body_digest {text} NOT NULL,
    lease_until {integer} NOT NULL,
    expires_at {integer} NOT NULL,
    status {integer},
    media_type {text},
    body {blob},
    PRIMARY KEY (caller, key)
) {table};
CREATE INDEX requests_by_end ON requests (expires_at);
CREATE TABLE burnt (
    word {text} PRIMARY KEY,
    expires_at {integer} NOT NULL
) {table};
CREATE INDEX burnt_by_end ON burnt (expires_at);
CREATE TABLE subscriptions (
    id {text} PRIMARY KEY,
    account {text} NOT NULL,
    url {text} NOT NULL,
    secret {text} NOT NULL,
    following {integer} NOT NULL,
    attempts {integer} NOT NULL,
    next_at {integer} NOT NULL,
    disabled {integer} NOT NULL
) {table};
CREATE INDEX subscriptions_account ON subscriptions (account, id);
CREATE INDEX subscriptions_ready ON subscriptions (next_at, id) WHERE disabled = 0;
CREATE TABLE dead_letters (
    subscription {text} NOT NULL,
    idx {integer} NOT NULL,
    attempts {integer} NOT NULL,
    reason {text} NOT NULL,
    at {integer} NOT NULL,
    PRIMARY KEY (subscription, idx)
) {table}
"""

# Listings that V1 logged: their rows are made of words that only the registry can read, and
# it does so when it starts. The secret that a webhook had before. Deals that are open where the
# counting of the settled ones stands: until they were kept, it had to begin anew each time.
V3 = """
CREATE TABLE unindexed (thread {text} PRIMARY KEY) {table};
INSERT INTO unindexed SELECT DISTINCT thread FROM entries
    WHERE kind = 'listing' AND thread NOT IN (SELECT thread FROM listings);
ALTER TABLE subscriptions ADD COLUMN old_secret {text} NOT NULL DEFAULT '';
ALTER TABLE subscriptions ADD COLUMN old_until {integer} NOT NULL DEFAULT 0;
CREATE TABLE open_deals (
    deal {text} PRIMARY KEY,
    seller {text} NOT NULL
) {table};
DELETE FROM marks;
DELETE FROM sellers;
UPDATE listings SET rank = 0 WHERE rank <> 0;
{whole_rows}
"""

# The Merkle tree: its one row, and the roots of whole tiles at each level above the leaves.
V4 = """
CREATE TABLE tree (
    size {integer} NOT NULL,
    peaks {blob} NOT NULL
) {table};
INSERT INTO tree (size, peaks) VALUES (0, CAST('' AS {blob}));
CREATE TABLE nodes (
    level {integer} NOT NULL,
    idx {integer} NOT NULL,
    hash {blob} NOT NULL,
    PRIMARY KEY (level, idx)
) {clustered}
"""

MIGRATIONS = (V1, V2, V3, V4)
# What no SQL can do: after the step of that number.
AFTER: Mapping[int, Callable[[], Plan[None]]] = {4: plant}


def migrate() -> Plan[None]:
    """Bring a database to the last schema, in one transaction.

    Raises:
        StoreNewer: the database has a schema of a later version.
    """
    yield Hold("schema")
    yield Query("CREATE TABLE IF NOT EXISTS schema_version (version {integer} NOT NULL) {table}")
    rows = yield Query("SELECT coalesce(max(version), 0) FROM schema_version")
    present, known = rows[0][0], len(MIGRATIONS)
    if present > known:
        raise StoreNewer(present, known)
    for version, script in enumerate(MIGRATIONS[present:], present + 1):
        for statement in script.split(";\n"):
            yield Query(statement)
        if version in AFTER:
            yield from AFTER[version]()
        yield Query("INSERT INTO schema_version (version) VALUES (?)", (version,))
