-- Five million final records of a week, 200,000 ready ones, and 90 days of statistics.
-- psycopg fills in %(final)s, %(ready)s and %(group)s; ids are of version 7, as djtasks makes them.
SET synchronous_commit = off;

CREATE FUNCTION pg_temp.id_at(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || lpad(to_hex(n %% 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid
$$;
CREATE FUNCTION pg_temp.queue_of(n bigint) RETURNS text LANGUAGE sql AS $$
    SELECT (ARRAY['default', 'mail', 'images', 'reports', 'search', 'low'])[1 + n %% 6]
$$;

INSERT INTO djtasks_taskrecord (
    id, backend, task_path, queue, priority, args, kwargs, state, run_after, enqueued_at,
    started_at, last_attempted_at, finished_at, fence, attempt, crash_count, max_attempts,
    max_crashes, cancel_requested, return_value, errors, worker_ids, tags, fingerprint, target, key,
    schedule, due_at
)
SELECT
    pg_temp.id_at(at, n), 'default',
    CASE WHEN failed AND n %% 4 = 0 THEN 'benchmarks.tasks.add'
        ELSE 'shop.tasks.task_' || n %% 40 END,
    pg_temp.queue_of(n), n %% 3, '[1, 2]',
    CASE WHEN failed AND n %% 4 = 0 THEN '{}'::jsonb
        ELSE jsonb_build_object('order_id', n, 'note', 'number ' || n) END,
    CASE WHEN failed THEN 3 WHEN n %% 100 = 1 THEN 4 WHEN n %% 100 = 2 THEN 5 ELSE 2 END,
    at, at, at + interval '1 second', at + interval '1 second', at + interval '2 seconds',
    1, 1, 0, 3, 3, false, CASE WHEN failed THEN NULL ELSE to_jsonb(3) END,
    CASE WHEN failed THEN jsonb_build_array(jsonb_build_object(
        'class', 'smtplib.SMTPServerDisconnected', 'message', 'Connection unexpectedly closed',
        'traceback', repeat('  File "/srv/shop/mail.py", line 57, in send' || chr(10), 20),
        'worker', md5(n::text), 'started_at', at, 'at', at)) END,
    '["0190a6b0-0000-7000-8000-000000000000"]',
    CASE WHEN n %% 5 = 0 THEN '["vip", "eu"]'::jsonb END,
    CASE WHEN failed AND n %% 4 = 0 THEN %(group)s
        WHEN failed THEN md5('group' || n %% 97) END,
    CASE WHEN n %% 10 = 0 THEN 'shop.order:' || n END,
    CASE WHEN n %% 97 = 0 THEN 'shop.tasks:' || n END,
    CASE WHEN n %% 10 = 1 THEN 1 + n / 10 %% 200 END, CASE WHEN n %% 10 = 1 THEN at END
FROM (
    SELECT n, n %% 25 < 2 AS failed,
        now() - interval '7 days' * (%(final)s - n) / %(final)s - interval '1 minute' AS at
    FROM generate_series(1::bigint, %(final)s) AS n
) AS made;

INSERT INTO djtasks_taskrecord (id, backend, task_path, queue, priority, args, kwargs, run_after)
SELECT pg_temp.id_at(now(), n), 'default', 'benchmarks.tasks.add', pg_temp.queue_of(n), n %% 3,
    '[1, 2]', '{}', now() + interval '1 hour' * (n %% 3 - 1.5)
FROM generate_series(1::bigint, %(ready)s) AS n;

INSERT INTO djtasks_taskstatistics (
    id, backend, step, at, task_path, queue, successful, failed, retried, cancelled, expired,
    wait_sum, run_sum, waits, runs
)
SELECT gen_random_uuid(), 'default', step, at,
    CASE WHEN n = 0 THEN '' ELSE 'shop.tasks.task_' || n END, pg_temp.queue_of(n),
    1000, 20, 30, 1, 1, 400, 900,
    '{"20": 400, "24": 500, "30": 90, "44": 10}', '{"26": 700, "30": 290, "44": 10}'
FROM (VALUES
    (60, interval '1 day'), (600, interval '3 days'), (3600, interval '90 days'),
    (86400, interval '90 days')
) AS kept (step, span),
    generate_series(
        to_timestamp(floor(extract(epoch FROM now() - span) / step) * step),
        now() - interval '1 second' * step, interval '1 second' * step
    ) AS at,
    generate_series(0, 40) AS n;

INSERT INTO djtasks_queuesample (
    backend, step, at, queue, ready, delayed, running, slots, oldest_wait
)
SELECT 'default', step, at, queue, 500, 100, 40, 64, 3.5
FROM (VALUES
    (60, interval '1 day'), (600, interval '3 days'), (3600, interval '90 days'),
    (86400, interval '90 days')
) AS kept (step, span),
    generate_series(
        to_timestamp(floor(extract(epoch FROM now() - span) / step) * step), now(),
        interval '1 second' * step
    ) AS at,
    unnest(ARRAY['', 'default', 'mail', 'images', 'reports', 'search', 'low']) AS queue;

INSERT INTO djtasks_statisticsmark (backend, step, until)
SELECT 'default', step, to_timestamp(floor(extract(epoch FROM now()) / step) * step)
FROM unnest(ARRAY[60, 600, 3600, 86400]) AS step;

INSERT INTO djtasks_failuregroup (
    backend, fingerprint, task_path, exception, place, message, first_at, last_at, failed, retried
)
SELECT 'default', CASE WHEN n = 0 THEN %(group)s ELSE md5('group' || n) END,
    'shop.tasks.task_' || n %% 40, 'smtplib.SMTPServerDisconnected',
    'shop/mail/transport.py:57 in send', 'Connection unexpectedly closed',
    now() - interval '40 days', now() - interval '1 second' * n, 2000, 4000
FROM generate_series(0, 250) AS n;

INSERT INTO djtasks_failurecount (backend, fingerprint, at, failed, retried)
SELECT 'default', CASE WHEN n = 0 THEN %(group)s ELSE md5('group' || n) END,
    date_trunc('hour', now()) - interval '1 hour' * h, 20, 40
FROM generate_series(0, 250) AS n, generate_series(0, 719) AS h;
