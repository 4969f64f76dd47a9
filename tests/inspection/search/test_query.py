"""Searches: what is typed becomes chips, a selection, and messages about the rest."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from djtasks import task
from djtasks.definitions.task import Task
from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.keys import KEYS
from djtasks.inspection.search.query import Search, read_search
from djtasks.inspection.search.tokens import Term, quoted, terms_of, typed
from djtasks.inspection.visibility import Visibility

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)
ATHENS = ZoneInfo("Europe/Athens")
WORKER = UUID("01997000-0000-7000-8000-000000000001")
ID = "01997000-0000-7000-8000-0000000000ff"


@task
def send_invoice(order_id: int, template: str = "plain") -> None: ...


@task(sensitive=("code",))
def open_door(door: int, code: str) -> None: ...


def context(**given: Any) -> SearchContext:
    tasks: list[Task[..., Any]] = [send_invoice, open_door]
    facts: dict[str, Any] = {
        "now": NOW,
        "zone": ATHENS,
        "tasks": tasks,
        "hides": lambda name: name in ("code", "token"),
        "visibility": Visibility(arguments=True),
        "workers": lambda name: [WORKER] if name in ("web-1", "web-1:990") else [],
        "schedules": lambda name: [7] if name == "nightly" else [],
        "nodes": lambda workflow: [3, 5] if workflow == WORKER else [],
        "keys": KEYS,
    }
    return SearchContext(**(facts | given))


def read(text: str, **given: Any) -> Search:
    return read_search(text, context(**given))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("   \t ", []),
        ("state:failed", [("state", "failed")]),
        ("STATE:failed  Queue:Mail", [("state", "failed"), ("queue", "Mail")]),
        ('error:"it broke"', [("error", "it broke")]),
        (r'error:"say \"hi\" \\ bye" x', [("error", 'say "hi" \\ bye'), ("", "x")]),
        ("worker:web-3:2113", [("worker", "web-3:2113")]),
        ("wait>:30s run<:2 attempts>:3", [("wait>", "30s"), ("run<", "2"), ("attempts>", "3")]),
        ("wait>30s", [("wait>", "30s")]),
        ("args.Order-Id:7", [("args.Order-Id", "7")]),
        ('"shop.tasks:add"', [("", "shop.tasks:add")]),
        ("send invoice", [("", "send"), ("", "invoice")]),
        ("queue:", [("queue", "")]),
        (":x", [("", ":x")]),
    ],
)
def test_a_search_is_read_in_pieces(text: str, terms: list[tuple[str, str]]) -> None:
    assert [(term.key, term.value) for term in terms_of(text)] == terms


@pytest.mark.parametrize("text", ['"', 'error:"never closed', 'a "b\\', 'x:"\\"'])
def test_a_quote_that_is_never_closed_is_noticed(text: str) -> None:
    assert not all(term.is_whole for term in terms_of(text))
    assert read(text).problems


@pytest.mark.parametrize(
    "value", ["plain", "with space", 'a"b', "a\\b", "tab\there", "a:b", "", "日本", '\\"'],
)  # fmt: skip
@pytest.mark.parametrize("key", ["error", ""])
def test_what_is_written_reads_the_same_again(key: str, value: str) -> None:
    term = Term(key=key, value=value)

    assert next(terms_of(typed([term, Term(key="queue", value="mail")]))) == term
    assert list(terms_of(f"error:{quoted(value)}")) == [Term(key="error", value=value)]


READY = {"state": 0, "run_after__lte": NOW}
FAILED = {"state": 3, "finished_at__isnull": False}
HOUR_AGO = NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("", {}),
        ("state:ready", READY),
        ("state:scheduled", {"state": 0, "run_after__gt": NOW, "attempt": 0}),
        ("state:retrying", {"state": 0, "run_after__gt": NOW, "attempt__gt": 0}),
        ("state:running", {"state": 1, "worker__isnull": False}),
        ("state:Failed", FAILED),
        ("state:succeeded", {"state": 2, "finished_at__isnull": False}),
        ("state:failed state:expired", {"state": [3, 5], "finished_at__isnull": False}),
        ("state:ready state:failed", {"any": [READY, FAILED]}),
        ("queue:mail", {"queue": "mail"}),
        ("queue:mail queue:sms", {"any": [{"queue": "mail"}, {"queue": "sms"}]}),
        ("task:shop.send*", {"task_path__startswith": "shop.send"}),
        ("schedule:nightly", {"schedule": [7]}),
        ("target:shop.order:7", {"target": "shop.order:7"}),
        (f"parent:{ID}", {"parent": ID}),
        ("state:waiting", {"state": 6}),
        (f"workflow:{WORKER}", {"node": [3, 5]}),
        ("fingerprint:AB12", {"fingerprint": "ab12", "state": 3}),
        (f"id:{ID}", {"pk": ID}),
        (ID, {"pk": ID}),
        ("attempts>:3", {"attempt__gt": 3}),
        ("state:failed after:1h", {"all": [FAILED, {
            "state": [3], "finished_at__isnull": False, "finished_at__gt": HOUR_AGO}]}),
        ("state:running before:1h", {"all": [
            {"state": 1, "worker__isnull": False}, {"state": 1, "last_attempted_at__lt": HOUR_AGO},
        ]}),
    ],
)  # fmt: skip
def test_a_search_selects(text: str, selection: dict[str, Any]) -> None:
    search = read(text)

    assert not search.problems
    assert search.selection == selection


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("2d", NOW - timedelta(days=2)),
        ("+30min", NOW + timedelta(minutes=30)),
        ("13:20", datetime(2026, 10, 20, 13, 20, tzinfo=ATHENS)),
        ("2026-10-19", datetime(2026, 10, 19, tzinfo=ATHENS)),
        ("2026-10-19T08:30", datetime(2026, 10, 19, 8, 30, tzinfo=ATHENS)),
        ('"2026-10-19 08:30"', datetime(2026, 10, 19, 8, 30, tzinfo=ATHENS)),
        ("2026-10-19T08:30Z", datetime(2026, 10, 19, 8, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_told_in_many_ways(value: str, moment: datetime) -> None:
    selection = read(f"state:ready after:{value}").selection

    assert selection["all"][1] == {"state": 0, "run_after__gt": moment}


def test_an_argument_is_found_by_name_however_it_was_passed() -> None:
    assert read("args.order_id:7").selection == {
        "any": [
            {"kwargs__order_id__exact": 7},
            {"task_path": [send_invoice.module_path], "args__0__exact": 7},
            {"kwargs__order_id__exact": "7"},
            {"task_path": [send_invoice.module_path], "args__0__exact": "7"},
        ]
    }
    assert read("kwargs.order.customer:Ada").selection == {
        "any": [{"kwargs__order__customer__exact": "Ada"}]
    }


def test_an_argument_is_found_by_place_where_it_is_not_hidden() -> None:
    assert read("args.1:Ada").selection == {
        "any": [{"args__1__exact": "Ada", "not": {"task_path": [open_door.module_path]}}]
    }


@pytest.mark.parametrize("text", ["args.code:1", "kwargs.token:x", "args.order.token:x"])
def test_what_is_hidden_cannot_be_searched(text: str) -> None:
    assert "hidden from everybody" in read(text).problems[0].message
    assert read(text).selection == {}


def test_arguments_are_searched_by_those_who_may_see_them() -> None:
    search = read("args.order_id:7", visibility=Visibility(arguments=False))

    assert "may not see arguments" in search.problems[0].message


@pytest.mark.parametrize("path", ["-1", "0.-1", "9999999999", "x.9999999999", "٣", "1_0"])
def test_a_position_that_no_database_takes_names_no_argument(path: str) -> None:
    assert "does not name an argument" in read(f"args.{path}:x").problems[0].message


def test_a_digit_that_is_no_number_is_a_name() -> None:
    assert read("args.²:1").selection["any"][0] == {"kwargs__²__exact": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state:broken", "ready, scheduled, retrying"),
        ("colour:red", "args."),
        ("queue:", "needs a value"),
        (f"queue:{'x' * 65}", "1 to 64"),
        ("worker:web-9", "host:pid"),
        ("schedule:daily", "no schedule"),
        ("id:xyz", "first six digits"),
        ("id:0199", "first six digits"),
        ("parent:0199", "is no whole id of a task"),
        ("workflow:0199", "is no whole id of a workflow"),
        (f"workflow:{ID}", f"There is no workflow “{ID}”."),
        ("after:yesterday", "such as 1h"),
        ("after:25:99", "such as 1h"),
        ("after:2026-13-45", "such as 1h"),
        ("before:0001-01-01T00:00+14:00", "such as 1h"),
        ("after:999999999999d", "such as 1h"),
        ("wait>:long", "30s"),
        ("wait>:99999999999w", "30s"),
        ("run<:-5s", "30s"),
        ("attempts>:many", "whole number"),
        ("attempts>:99999999999999999999", "whole number"),
        ("args:7", "not a search key"),
        ("args.:7", "does not name an argument"),
        ("args.a__b:7", "does not name an argument"),
        ("args.a..b:7", "does not name an argument"),
        ("args.a.in:7", "does not name an argument"),
        ("queue:a\x00b", "control character"),
    ],
)
def test_nonsense_is_told_with_what_was_expected_and_the_rest_holds(
    text: str, expected: str
) -> None:
    search = read(f"{text} queue:mail")

    assert expected in search.problems[0].message
    assert search.selection == {"queue": "mail"}
    assert search.text == "queue:mail"
    assert search.rest


@pytest.mark.parametrize("text", ["x " * 100, "y" * 5_000])
def test_too_much_is_cut_and_told(text: str) -> None:
    search = read(text)

    assert search.problems
    assert len(search.chips) <= 60


@pytest.mark.parametrize("value", ["1e999", "NaN", "Infinity", "[1]", "{}", "9" * 500])
def test_values_that_are_no_plain_json_are_text(value: str) -> None:
    options = read(f"args.x:{value}").selection["any"]

    assert all(isinstance(text, str) for one in options for text in one.values())


@pytest.mark.parametrize(
    ("text", "is_served", "is_all"),
    [
        ("state:failed", True, True),
        ("state:failed after:1h", True, True),
        ("state:failed queue:mail", True, False),
        ("state:ready queue:mail", True, True),
        ("state:ready after:1h", True, False),
        ("schedule:nightly error:x", True, False),
        (ID, True, True),
        ("queue:mail", False, False),
        (f"parent:{ID}", False, False),
        ("after:1h", False, False),
        ("", False, False),
    ],
)
def test_it_is_known_what_an_index_serves(text: str, is_served: bool, is_all: bool) -> None:
    search = read(text)

    assert (search.index_filter is not None, search.uses_index) == (is_served, is_all)


def test_chips_are_taken_away_and_added() -> None:
    search = read('state:failed error:"it broke"')

    assert search.without(Term(key="state", value="failed")) == 'error:"it broke"'
    assert search.narrowed("queue", "mail") == 'state:failed error:"it broke" queue:mail'
    assert search.in_phase("ready") == 'state:ready error:"it broke"'
    assert search.in_phase("") == 'error:"it broke"'
    assert search.phases == ("failed",)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("state:ready", "queue", "pk"),
        ("state:ready state:retrying queue:mail", "queue", "pk"),
        ("state:failed", "state", "-finished_at"),
        ("state:ready state:failed", "state", "-finished_at"),
        ("fingerprint:00ff", "-pk", "-pk"),
        ("state:failed fingerprint:00ff", "-pk", "-pk"),
        ("schedule:nightly", "-pk", "-pk"),
    ],
)
def test_what_is_found_has_the_order_of_the_leading_index(text: str, first: str, last: str) -> None:
    order = read_search(text, context()).order

    assert (order[0], order[-1]) == (first, last)
