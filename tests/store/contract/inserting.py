"""What a store promises whoever enqueues."""

import json
from datetime import timedelta

import pytest

from djtasks.formats.ids import new_id
from djtasks.protocol.states import State
from djtasks.protocol.workflows import Membership
from djtasks.store.base import Store
from tests.store.contract.records import (
    PATH,
    claim,
    insert,
    new_record,
    request_cancel,
    row_of,
    rows,
)

_SOON = timedelta(minutes=1)


class InsertContract:
    """`insert`, `insert_many` and `now`."""

    def test_an_inserted_record_is_ready_and_due(self, store: Store) -> None:
        record = new_record(store)

        answer = store.insert(record)

        row = row_of(store, record.id)
        assert (answer.id, answer.is_new) == (record.id, True)
        assert (row.state, row.worker, row.fence, row.attempt) == (State.READY, None, 0, 0)
        assert row.run_after == row.enqueued_at == answer.run_after == answer.enqueued_at
        assert answer.run_after <= store.now()

    def test_every_column_of_a_record_is_stored(self, store: Store) -> None:
        moment = store.now() + timedelta(hours=1)
        record = new_record(
            store,
            queue="mail",
            priority=-7,
            args='["ä€😀", null, 1.5]',
            max_attempts=4,
            max_crashes=2,
            run_after=moment,
            expires=moment + timedelta(hours=1),
            timeout=timedelta(seconds=90),
            unique_key="k",
            target="shop.order:7",
            parent=(parent := new_id()),
            tags='["a", "ä"]',
            metadata='{"trace": ["ä", 7]}',
        )

        store.insert(record)

        row = row_of(store, record.id)
        assert (row.backend, row.task_path) == (store.backend, PATH)
        assert (row.queue, row.priority) == ("mail", -7)
        assert (row.args, row.kwargs) == (["ä€😀", None, 1.5], {"gift": True})
        assert (row.max_attempts, row.max_crashes) == (4, 2)
        assert (row.run_after, row.expires_at) == (moment, moment + timedelta(hours=1))
        assert (row.timeout, row.key, row.unique_key) == (timedelta(seconds=90), "k", "k")
        assert (row.target, row.parent, row.tags) == ("shop.order:7", parent, ["a", "ä"])
        assert row.metadata == {"trace": ["ä", 7]}

    @pytest.mark.parametrize("column", ["args", "metadata"])
    def test_large_calls_are_stored_however_many_there_are(self, store: Store, column: str) -> None:
        large = json.dumps(["x" * 64_000])
        records = [new_record(store, **{column: large}) for _ in range(300)]

        answers = store.insert_many(records)

        assert [answer.id for answer in answers] == [record.id for record in records]
        assert rows(store).count() == len(records)

    def test_a_member_of_a_workflow_waits_at_the_door_of_its_node(self, store: Store) -> None:
        workflow = new_id()
        plain, unique = (
            new_record(
                store,
                unique_key=key,
                member=Membership(workflow=workflow, node=7, place=place, inputs='{"0": 3}'),
            )
            for place, key in enumerate((None, "k"))
        )

        store.insert_many([plain])
        store.insert_many([unique])

        for place, record in enumerate((plain, unique)):
            row = row_of(store, record.id)
            assert (row.state, row.waits_for) == (State.WAITING, "node:7")
            assert (row.workflow, row.node, row.place) == (workflow, 7, place)
            assert row.inputs == {"0": 3}
            assert store.claim([record.id], worker=new_id(), queues=None) == []

    def test_a_plain_record_belongs_to_no_workflow(self, store: Store) -> None:
        one, member = (
            new_record(store),
            new_record(store, member=Membership(workflow=new_id(), node=7)),
        )

        store.insert_many([one, member])

        row = row_of(store, one.id)
        assert (row.state, row.workflow, row.node, row.waits_for) == (State.READY, None, None, None)
        assert row_of(store, member.id).inputs is None

    def test_many_are_stored_like_one(self, store: Store) -> None:
        settings = {
            "delay": timedelta(hours=1),
            "expires": timedelta(hours=2),
            "timeout": timedelta(seconds=90),
            "max_attempts": 4,
            "max_crashes": 2,
            "priority": 9,
            "parent": new_id(),
            "tags": '["a"]',
            "metadata": '{"a": 1}',
        }
        one = insert(store, unique_key="one", **settings)
        plain, unique = new_record(store, **settings), new_record(store, unique_key="n", **settings)
        store.insert_many([plain])
        store.insert_many([unique])

        columns = ("queue", "priority", "args", "kwargs", "timeout", "max_attempts", "max_crashes")
        columns += ("parent", "tags", "metadata")
        stored = [row_of(store, id_) for id_ in (one, plain.id, unique.id)]

        assert len({json.dumps([getattr(r, c) for c in columns], default=str) for r in stored}) == 1
        for row in stored:
            assert abs(row.run_after - row.enqueued_at - timedelta(hours=1)) < _SOON
            assert row.expires_at - row.run_after == timedelta(hours=1)

    def test_a_delay_counts_by_the_databases_clock(self, store: Store) -> None:
        answer = store.insert(new_record(store, delay=timedelta(minutes=5)))

        assert answer.run_after - answer.enqueued_at == timedelta(minutes=5)

    def test_a_live_holder_of_an_earlier_key_holds_the_record_too(self, store: Store) -> None:
        first = insert(store, unique_key="old")
        again = new_record(store, unique_key="new", earlier_keys=("older", "old"))
        other = new_record(store, unique_key="other", earlier_keys=("x",))

        answer = store.insert(again)
        answers = store.insert_many([again, other])

        assert answer.id == first
        assert [one.id for one in answers] == [other.id]
        assert row_of(store, other.id).unique_key == "other"

    def test_a_live_holder_of_the_key_is_returned_instead(self, store: Store) -> None:
        holder = store.insert(new_record(store, unique_key="k"))

        answer = store.insert(new_record(store, unique_key="k", delay=timedelta(hours=1)))

        assert (answer.id, answer.is_new) == (holder.id, False)
        assert (answer.run_after, answer.enqueued_at) == (holder.run_after, holder.enqueued_at)
        assert answer.holder == row_of(store, holder.id)
        assert rows(store).count() == 1

    def test_keys_are_compared_letter_by_letter(self, store: Store) -> None:
        keys = ["key", "Key", "key ", " key", "kéy", "ke\u0301y", "\uff4bey"]

        answers = [store.insert(new_record(store, unique_key=key)) for key in keys]

        assert [answer.is_new for answer in answers] == [True] * len(keys)

    def test_a_running_holder_keeps_its_key(self, store: Store) -> None:
        holder = insert(store, unique_key="k")
        claim(store, holder, new_id())

        assert store.insert(new_record(store, unique_key="k")).id == holder

    def test_a_final_record_has_no_key_any_more(self, store: Store) -> None:
        worker, holder = new_id(), insert(store, unique_key="k")
        claimed = claim(store, holder, worker)
        request_cancel(store, holder)
        store.give_back([(holder, claimed.fence)], worker=worker)

        answer = store.insert(new_record(store, unique_key="k"))

        assert answer.is_new
        assert (row_of(store, holder).key, row_of(store, holder).unique_key) == ("k", None)

    def test_many_records_are_returned_in_order(self, store: Store) -> None:
        records = [new_record(store) for _ in range(50)]

        answers = store.insert_many(records)

        assert [answer.id for answer in answers] == [record.id for record in records]
        assert all(answer.is_new for answer in answers)
        assert rows(store).count() == 50

    def test_of_many_the_new_ones_are_returned_in_order(self, store: Store) -> None:
        insert(store, unique_key="m")
        keys = ["z", "m", None, "a", "z", "b"]
        records = [new_record(store, unique_key=key) for key in keys]

        answers = store.insert_many(records)

        new = [records[place].id for place in (0, 2, 3, 5)]
        assert [answer.id for answer in answers] == new
        assert rows(store).filter(pk__in=[record.id for record in records]).count() == 4

    def test_none_of_many_is_nothing(self, store: Store) -> None:
        assert store.insert_many([]) == []

    def test_the_clock_is_aware_and_goes_on(self, store: Store) -> None:
        before = store.now()

        assert before.utcoffset() == timedelta(0)
        assert store.now() >= before
