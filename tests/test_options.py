"""TASKS[alias]["OPTIONS"]: what is taken, and what is refused in which words."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from djtasks.errors import InvalidOption
from djtasks.options import Options, parse_options
from djtasks.protocol.states import State

WEEK, MONTH, DAY = timedelta(days=7), timedelta(days=30), timedelta(days=1)
DEFAULT_RETENTION = {
    State.SUCCESSFUL: WEEK,
    State.FAILED: MONTH,
    State.CANCELLED: WEEK,
    State.EXPIRED: WEEK,
}


def test_without_options_everything_has_its_default() -> None:
    assert parse_options({}) == Options()
    assert Options().broker == "database"
    assert Options().retention == DEFAULT_RETENTION


def test_a_cache_alone_chooses_the_redis_broker() -> None:
    assert parse_options({"cache": "tasks"}).broker == "redis"


def test_a_broker_url_alone_chooses_the_kombu_broker() -> None:
    assert parse_options({"broker_url": "amqp://rabbit/"}).broker == "kombu"


def test_the_kombu_broker_needs_its_url() -> None:
    with pytest.raises(InvalidOption, match="needs 'broker_url'"):
        parse_options({"broker": "kombu"})


def test_a_url_is_never_shown() -> None:
    options = parse_options({"broker_url": "amqp://shop:swordfish@rabbit/"})
    with pytest.raises(InvalidOption) as refused:
        parse_options({"broker_url": "shop:swordfish@rabbit", "broker": "kombu"})

    assert "swordfish" not in repr(options)
    assert "swordfish" not in str(refused.value)


def test_encryption_keys_are_fernet_keys_and_appear_nowhere() -> None:
    key = "swordfish" + "x" * 34 + "="
    options = parse_options({"encryption_keys": [key]})

    assert options.encryption_keys == (key,)
    for wrong in (key, [key[:-1]], [key.encode()], {key: 1}):
        with pytest.raises(InvalidOption, match="must be a list of Fernet keys") as caught:
            parse_options({"encryption_keys": wrong})
        assert "swordfish" not in f"{caught.value} {options}"


@pytest.mark.parametrize(
    ("name", "given", "parsed"),
    [
        ("broker_url", "sqla+sqlite:///hints", "sqla+sqlite:///hints"),
        ("broker_options", {"region": "eu-central-1"}, {"region": "eu-central-1"}),
        ("broker", "database", "database"),
        ("broker", "memory", "memory"),
        ("broker", "shop.brokers.Carrier", "shop.brokers.Carrier"),
        ("cache", "tasks", "tasks"),
        ("private_errors", True, True),
        ("namespace", "shop-7_a.b", "shop-7_a.b"),
        ("imports", ["shop.jobs"], ("shop.jobs",)),
        ("imports", (), ()),
        ("policies", {"shop.*": {"timeout": 3}}, {"shop.*": {"timeout": 3}}),
        ("middleware", ["shop.traced", "shop.timed"], ("shop.traced", "shop.timed")),
        ("retention", None, dict.fromkeys(DEFAULT_RETENTION)),
        ("retention", DAY, dict.fromkeys(DEFAULT_RETENTION, DAY)),
        ("retention", {}, DEFAULT_RETENTION),
        ("retention", {"failed": None}, DEFAULT_RETENTION | {State.FAILED: None}),
        ("retention", {"Expired": 86_400}, DEFAULT_RETENTION | {State.EXPIRED: DAY}),
        ("max_wait", None, None),
        ("max_wait", 1.5, timedelta(seconds=1.5)),
        ("max_wait", DAY, DAY),
        ("max_arguments", 1, 1),
        ("max_arguments", 1_000_000, 1_000_000),
        ("max_result", 2_000, 2_000),
        ("heartbeat", 0.1, timedelta(seconds=0.1)),
        ("heartbeat", timedelta(seconds=9), timedelta(seconds=9)),
        ("reuse_connections", False, False),
    ],
)
def test_a_good_option_is_taken(name: str, given: Any, parsed: Any) -> None:
    assert getattr(parse_options({name: given}), name) == parsed


@pytest.mark.parametrize(
    ("name", "given", "complaint"),
    [
        ("broker", "", "The option 'broker' must be a non-empty string, got ''."),
        ("broker", 7, "The option 'broker' must be a non-empty string, got 7."),
        ("broker", "reddis", "got 'reddis'. Did you mean 'redis'?"),
        ("broker", "kafka", "got 'kafka'. Known: redis, kombu, database, memory."),
        ("broker", "redis", "The broker 'redis' needs 'cache': the alias in CACHES"),
        ("cache", None, "'cache' must be a non-empty string, got None."),
        ("namespace", "a b", "'namespace' must be letters, digits, '-', '_' or '.', got 'a b'."),
        ("namespace", "{a}", "must be letters"),
        ("namespace", "", "must be a non-empty string"),
        ("imports", "shop.jobs", "'imports' must be a list of dotted paths, got 'shop.jobs'."),
        (
            "policies",
            ["shop.*"],
            "The option 'policies' must be a dict with text keys, got 'list'.",
        ),
        ("policies", {"": {}}, "The option 'policies' must be a non-empty string, got ''."),
        (
            "policies",
            {"a": 3},
            "The option 'policies[a]' must be a dict with text keys, got 'int'.",
        ),
        ("imports", [7], "must be a list of dotted paths, got [7]."),
        ("middleware", "shop.traced", "'middleware' must be a list of dotted paths"),
        ("retention", "week", "must be None, a timedelta or a dict of them by state name"),
        ("retention", {"finished": DAY}, "'retention' names the unknown state 'finished'."),
        ("retention", {"succesful": DAY}, "Did you mean 'successful'?"),
        ("retention", {"ready": DAY}, "names the unknown state 'ready'. Known: successful"),
        (
            "retention",
            {"failed": -DAY},
            "The option 'retention[failed]' must be a positive timedelta",
        ),
        ("max_wait", 0, "must be a positive timedelta or number of seconds, got 0."),
        ("max_wait", timedelta(0), "a positive timedelta"),
        ("max_wait", timedelta.max, "a positive timedelta"),
        ("max_wait", True, "got True."),
        ("max_wait", "60", "got '60'."),
        ("max_wait", float("nan"), "got nan."),
        ("max_wait", float("inf"), "got inf."),
        ("max_arguments", 0, "must be from 1 to 1,000,000 bytes, got 0."),
        ("max_arguments", 1_000_001, "must be from 1 to 1,000,000 bytes, got 1000001."),
        ("max_arguments", True, "must be a number of bytes, got True."),
        ("max_arguments", 6.4, "must be a number of bytes, got 6.4."),
        ("max_result", "1", "'max_result' must be a number of bytes, got '1'."),
        ("heartbeat", 0.01, "'heartbeat' must be at least 0.1 seconds, got 0.01."),
        ("heartbeat", None, "'heartbeat' must be a positive timedelta"),
        ("reuse_connections", 0, "'reuse_connections' must be True or False, got 0."),
    ],
)
def test_a_bad_option_is_refused_in_a_sentence(name: str, given: Any, complaint: str) -> None:
    with pytest.raises(InvalidOption) as refusal:
        parse_options({name: given})

    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("brokr", "'brokr' is not a djtasks option. Did you mean 'broker'?"),
        ("retentions", "Did you mean 'retention'?"),
        ("zzz", "'zzz' is not a djtasks option. Known: broker, cache, namespace"),
        (7, "7 is not a djtasks option."),
    ],
)
def test_an_unknown_option_is_refused_with_a_suggestion(name: Any, complaint: str) -> None:
    with pytest.raises(InvalidOption) as refusal:
        parse_options({name: 1})

    assert complaint in str(refusal.value)


@pytest.mark.parametrize("raw", [None, [], "broker"])
def test_options_that_are_no_dict_are_refused(raw: Any) -> None:
    with pytest.raises(InvalidOption, match="OPTIONS must be a dict"):
        parse_options(raw)


def test_the_docstring_names_every_option() -> None:
    missing = [o.name for o in fields(Options) if f"`{o.name}`" not in (Options.__doc__ or "")]

    assert not missing
