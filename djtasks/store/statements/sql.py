"""The statements of the PostgreSQL store; `values` builds their parameters.

`now` is always statement_timestamp(): the database's clock, even in a long transaction.
"""

import hashlib

from djtasks.models import QueueControl, TaskRecord
from djtasks.protocol.records import Claim
from djtasks.protocol.states import State
from djtasks.store.statements.columns import (
    COLUMNS,
    GIVEN,
    MEMBER,
    NAMES,
    PLACES,
    RecordColumn,
)

# Django's documented Meta API.
_TABLE = TaskRecord._meta.db_table  # noqa: SLF001
_CONTROLS = QueueControl._meta.db_table  # noqa: SLF001
_READY, _RUNNING, _CANCELLED = int(State.READY), int(State.RUNNING), int(State.CANCELLED)
_SUCCESSFUL = int(State.SUCCESSFUL)

# Not `state = 0`: the planner would use the partial READY index, which is full of dead
# entries while a queue drains (measured: claims are 5 times slower).
_STILL_READY = f"t.state + 0 = {_READY}"

_NAMES = ", ".join(NAMES)
_GIVEN_NAMES = ", ".join(column.name for column in GIVEN)
_CLOCKED = {
    "run_after": "coalesce(%s::timestamptz, statement_timestamp()) + coalesce(%s, interval '0')",
    "expires_at": "coalesce(%s::timestamptz, statement_timestamp() + %s::interval)",
}
_ONE_EACH = "ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING"


def _array_of(column: RecordColumn) -> str:
    """Return the array type for a column's values; JSON is sent as text."""
    return f"{'text' if column.type == 'jsonb' else column.type}[]"


def _unnested(column: RecordColumn) -> str:
    return f"v.{column.field}::jsonb" if column.type == "jsonb" else f"v.{column.field}"


INSERT_PLAIN = f"""
INSERT INTO {_TABLE} ({_GIVEN_NAMES})
VALUES ({", ".join(["%s"] * len(GIVEN))})
RETURNING (extract(epoch FROM enqueued_at) * 1000000)::bigint"""

# Its name holds its text: behind a pooler, another version may have prepared the session.
PLAIN_NAME = f"djtasks_{hashlib.sha256(INSERT_PLAIN.encode()).hexdigest()[:16]}".encode()
PREPARE_PLAIN = f"""
PREPARE {PLAIN_NAME.decode()} ({", ".join(column.type for column in GIVEN)}) AS
{INSERT_PLAIN % tuple(f"${place}" for place in range(1, len(GIVEN) + 1))}"""

INSERT_FULL = f"""
INSERT INTO {_TABLE} ({_NAMES})
VALUES ({", ".join(_CLOCKED.get(name, "%s") for name in NAMES)})
{_ONE_EACH} RETURNING run_after, enqueued_at"""

COPY = f"COPY {_TABLE} ({_NAMES}) FROM STDIN"

_MEMBER_NAMES = ", ".join(column.name for column in MEMBER)
COPY_MEMBERS = f"COPY {_TABLE} ({_NAMES}, {_MEMBER_NAMES}) FROM STDIN"


def _insert_unnest(more: tuple[RecordColumn, ...] = ()) -> str:
    columns = (*COLUMNS, *more)
    sent = (*(COLUMNS[place] for place in PLACES.values()), *more)
    return f"""
INSERT INTO {_TABLE} ({", ".join(column.name for column in columns)})
SELECT {", ".join(map(_unnested, columns))}
FROM unnest({", ".join(f"%s::{_array_of(column)}" for column in sent)})
    AS v({", ".join(column.field for column in sent)})
{_ONE_EACH} RETURNING id"""


INSERT_UNNEST = _insert_unnest()
INSERT_MEMBERS = _insert_unnest(MEMBER)

_TAKE = f"""
SET state = {_RUNNING}, fence = t.fence + 1, worker = %(worker)s,
    last_attempted_at = statement_timestamp(),
    started_at = coalesce(t.started_at, statement_timestamp())"""

# The fields of Claim that need a conversion.
_READ = {
    "args": "t.args::text",
    "kwargs": "t.kwargs::text",
    "timeout": "extract(epoch FROM t.timeout)::float8",
    "waited": "greatest(extract(epoch FROM statement_timestamp() - t.run_after), 0)::float8",
    "is_expired": "coalesce(t.expires_at <= statement_timestamp(), false)",
    "enqueued_at": "extract(epoch FROM t.enqueued_at)::float8",
    "errors": "t.errors::text",
    "worker_ids": "t.worker_ids::text",
    "inputs": "t.inputs::text",
    "metadata": "t.metadata::text",
}
_CLAIMED = "RETURNING " + ", ".join(
    _READ.get(name, f"t.{name}") for name in Claim.__struct_fields__
)

# The server evaluates it once a statement. It makes a pause hold from its commit.
_PAUSED = f"""ARRAY(
        SELECT p.queue::text FROM {_CONTROLS} AS p WHERE p.backend = %(backend)s AND p.paused
            AND (p.until IS NULL OR p.until > statement_timestamp()))"""

_CLAIMABLE = f"""t.id = ANY(%(ids)b) AND {_STILL_READY} AND t.backend = %(backend)s {{queues}}
    AND t.run_after <= statement_timestamp()
    AND t.queue <> ALL ({_PAUSED})"""

# Only for this statement. Nothing that djtasks does locks a READY record for so long.
_IMPATIENT = "(SELECT set_config('lock_timeout', '100ms', true)) IS NOT NULL"

_CLAIM = f"""
UPDATE {_TABLE} AS t {_TAKE}
WHERE {_IMPATIENT} AND {_CLAIMABLE} {_CLAIMED}"""

_CLAIM_UNLOCKED = f"""
WITH unlocked AS MATERIALIZED (
    SELECT t.id FROM {_TABLE} AS t WHERE {_CLAIMABLE} FOR UPDATE SKIP LOCKED
)
UPDATE {_TABLE} AS t {_TAKE} FROM unlocked
WHERE t.id = unlocked.id AND {_STILL_READY} {_CLAIMED}"""

_IN_QUEUES = "AND t.queue = ANY(%(queues)b::text[])"
CLAIM = _CLAIM.format(queues="")
CLAIM_IN_QUEUES = _CLAIM.format(queues=_IN_QUEUES)
CLAIM_UNLOCKED = _CLAIM_UNLOCKED.format(queues="")
CLAIM_UNLOCKED_IN_QUEUES = _CLAIM_UNLOCKED.format(queues=_IN_QUEUES)

_LANES = "unnest(%(queues)s::text[], %(priorities)s::smallint[]) AS lane(queue, priority)"

_PICK = f"""
WITH picked AS MATERIALIZED (
    SELECT c.id FROM {_LANES} CROSS JOIN LATERAL (
        SELECT r.id, r.run_after FROM {_TABLE} AS r
        WHERE r.state = {_READY} AND r.queue = lane.queue AND r.priority = lane.priority
            AND r.backend = %(backend)s AND r.run_after <= statement_timestamp()
        ORDER BY r.run_after, r.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS c
    WHERE lane.queue <> ALL ({_PAUSED}) {{order}} LIMIT %(limit)s
)
UPDATE {_TABLE} AS t {_TAKE} FROM picked
WHERE t.id = picked.id AND {_STILL_READY} {_CLAIMED}"""

CLAIM_DUE = _PICK.format(order="")
CLAIM_OLDEST = _PICK.format(order="ORDER BY c.run_after")

_OWNED = "unnest(%(ids)b::uuid[], %(fences)b::bigint[])"
# Not a bare `t.worker = …`: instead of a few rows by primary key, the planner would read all
# entries of this worker since the last vacuum in the partial index of workers.
_OURS = "t.id = v.id AND t.fence = v.fence AND (t.worker = %(worker)s) IS TRUE"

# A verdict is READY or final, so with a cancel requested the record becomes final. The flag
# is read from `t`, the row being written: after a lock wait, only that one is fresh.
_ENDS = f"(v.state <> {_READY} OR t.cancel_requested)"

SETTLE = f"""
UPDATE {_TABLE} AS t SET
    state = CASE WHEN v.state = {_READY} AND t.cancel_requested
        THEN {_CANCELLED} ELSE v.state END,
    worker = NULL,
    attempt = t.attempt + v.spent,
    worker_ids = CASE WHEN v.spent = 1
        THEN coalesce(t.worker_ids, '[]') || to_jsonb(%(worker)s::text) ELSE t.worker_ids END,
    started_at = CASE WHEN v.started OR t.attempt > 0 THEN t.started_at END,
    return_value = v.value::jsonb,
    progress = coalesce(v.progress::jsonb, t.progress),
    metadata = coalesce(v.metadata::jsonb, t.metadata),
    errors = CASE WHEN v.error IS NULL THEN t.errors
        WHEN jsonb_array_length(coalesce(t.errors, '[]')) >= %(kept)s
        THEN (t.errors - 0) || v.error::jsonb
        ELSE coalesce(t.errors, '[]') || v.error::jsonb END,
    run_after = CASE WHEN v.delay IS NULL THEN t.run_after
        ELSE statement_timestamp() + make_interval(secs => v.delay) END,
    finished_at = CASE WHEN {_ENDS} THEN statement_timestamp() END,
    unique_key = CASE WHEN {_ENDS} THEN NULL ELSE t.unique_key END,
    fingerprint = v.fingerprint
FROM unnest(%(ids)b::uuid[], %(fences)b::bigint[], %(states)b::smallint[],
    %(values)b::text[], %(errors)b::text[], %(progress)b::text[], %(metadata)b::text[],
    %(delays)b::float8[], %(spent)b::smallint[], %(started)b::boolean[], %(fingerprints)b::text[])
    AS v(id, fence, state, value, error, progress, metadata, delay, spent, started, fingerprint)
WHERE {_OURS} RETURNING t.id"""

# What SETTLE does for an attempt that returned, if nothing else needs to be written. A requested
# cancel does not matter: success is already final.
SETTLE_PLAIN = f"""
UPDATE {_TABLE} AS t SET
    state = {_SUCCESSFUL},
    worker = NULL,
    attempt = t.attempt + 1,
    worker_ids = CASE WHEN t.worker_ids IS NULL THEN %(workers)s::jsonb
        ELSE t.worker_ids || %(workers)s::jsonb END,
    return_value = v.value::jsonb,
    finished_at = statement_timestamp(),
    unique_key = NULL,
    fingerprint = NULL
FROM unnest(%(ids)b::uuid[], %(fences)b::bigint[], %(values)b::text[]) AS v(id, fence, value)
WHERE {_OURS} RETURNING t.id"""

SETTLE_AND_DELETE = f"""
DELETE FROM {_TABLE} AS t USING {_OWNED} AS v(id, fence) WHERE {_OURS} RETURNING t.id"""

REASSIGN = f"""
UPDATE {_TABLE} AS t SET worker = %(heir)s FROM {_OWNED} AS v(id, fence)
WHERE {_OURS} RETURNING t.id"""

GIVE_BACK = f"""
WITH unlocked AS MATERIALIZED (
    SELECT v.id, v.fence FROM {_OWNED} AS v(id, fence) JOIN {_TABLE} AS t ON {_OURS}
    FOR UPDATE OF t SKIP LOCKED
)
UPDATE {_TABLE} AS t SET worker = NULL,
    state = CASE WHEN t.cancel_requested THEN {_CANCELLED} ELSE {_READY} END,
    started_at = CASE WHEN t.attempt > 0 THEN t.started_at END,
    finished_at = CASE WHEN t.cancel_requested THEN statement_timestamp() END,
    unique_key = CASE WHEN t.cancel_requested THEN NULL ELSE t.unique_key END
FROM unlocked AS v WHERE {_OURS} RETURNING t.id"""

PROGRESS = f"""
WITH unlocked AS MATERIALIZED (
    SELECT v.id, v.fence, v.text
    FROM unnest(%(ids)s::uuid[], %(fences)s::bigint[], %(texts)s::text[]) AS v(id, fence, text)
    JOIN {_TABLE} AS t ON {_OURS} FOR UPDATE OF t SKIP LOCKED
)
UPDATE {_TABLE} AS t SET progress = v.text::jsonb FROM unlocked AS v
WHERE {_OURS} RETURNING t.id"""

METADATA = f"""
UPDATE {_TABLE} AS t SET metadata = %(text)s::jsonb FROM {_OWNED} AS v(id, fence)
WHERE {_OURS} RETURNING t.id"""

OWNED_BY = f"SELECT id, fence FROM {_TABLE} WHERE worker = %s"

# A skip scan in two steps: the same queue at a lower priority, else the next queue. With a
# million rows it takes 0.3 ms; DISTINCT takes 92 ms, and one condition with OR 392 ms.
SCAN = f"""
WITH RECURSIVE lane AS (
    (SELECT queue, priority FROM {_TABLE} WHERE state = {_READY}
     ORDER BY queue, priority DESC LIMIT 1)
    UNION ALL
    SELECT following.queue, following.priority FROM lane CROSS JOIN LATERAL (
        (SELECT queue, priority FROM {_TABLE} WHERE state = {_READY}
            AND queue = lane.queue AND priority < lane.priority
         ORDER BY queue, priority DESC LIMIT 1)
        UNION ALL
        (SELECT queue, priority FROM {_TABLE} WHERE state = {_READY}
            AND queue > lane.queue ORDER BY queue, priority DESC LIMIT 1)
        LIMIT 1
    ) AS following
)
SELECT lane.queue, lane.priority, clock.now
FROM (SELECT statement_timestamp() AS now) AS clock LEFT JOIN lane ON true"""

ADVANCE = """
UPDATE djtasks_schedule AS s
SET next_run_at = v.next_run_at, last_due_at = v.last_due_at,
    last_run = coalesce(v.last_run, s.last_run)
FROM unnest(%(ids)s::bigint[], %(seen)s::timestamptz[], %(next)s::timestamptz[],
    %(due)s::timestamptz[], %(runs)s::uuid[]) AS v(id, seen, next_run_at, last_due_at, last_run)
WHERE s.id = v.id AND s.next_run_at IS NOT DISTINCT FROM v.seen
    AND s.is_enabled AND NOT s.removed
RETURNING s.id"""

_DUE = "r.id, r.queue, r.priority, r.run_after"

FELL_DUE = f"""
SELECT c.* FROM {_LANES} CROSS JOIN LATERAL (
    SELECT {_DUE} FROM {_TABLE} AS r
    WHERE r.state = {_READY} AND r.queue = lane.queue AND r.priority = lane.priority
        AND r.backend = %(backend)s
        AND r.run_after > %(after)s AND r.run_after <= %(until)s
    ORDER BY r.run_after, r.id LIMIT %(limit)s
) AS c"""

_DUE_PAGE = f"""
SELECT {_DUE} FROM {_TABLE} AS r
WHERE r.state = {_READY} AND r.queue = %(queue)s AND r.priority = %(priority)s
    AND r.backend = %(backend)s AND r.run_after <= %(until)s {{behind}}
ORDER BY r.run_after, r.id LIMIT %(limit)s"""

DUE_PAGE = _DUE_PAGE.format(behind="")
DUE_PAGE_AFTER = _DUE_PAGE.format(behind="AND (r.run_after, r.id) > (%(after)s, %(after_id)s)")
