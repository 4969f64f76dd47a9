"""System checks: each id, when it is given and when it is not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connections
from django.db.models.signals import post_save
from django.test import override_settings

from djtasks import checks, enqueue_on, middleware, signals
from djtasks.brokers import Problem
from djtasks.checks import check_alias, check_servers, check_settings
from djtasks.testing.servers import Server
from tests.carriers import Recording, with_broker
from tests.models import Row
from tests.routing import Home
from tests.settings import CACHES, ENCRYPTION_KEYS, OURS, TASKS
from tests.tasks import add

SETTINGS = {"BACKEND": OURS, "QUEUES": [], "OPTIONS": {"encryption_keys": ENCRYPTION_KEYS}}


def with_tasks(**alias: Any) -> AbstractContextManager[None]:
    return override_settings(TASKS={"default": SETTINGS | alias})


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def told(messages: list[Any], id_: str) -> str:
    """Return the one message with this id, which must name a way out."""
    (message,) = [one for one in messages if one.id == id_]
    return f"{message.msg} {message.hint or ''}"


def plain_middleware(run: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(context: Any) -> Any:
        return run(context)

    return wrapped


class Ailing(Recording):
    """A broker with something to complain about."""

    problems: tuple[str, ...] = ()

    def diagnose(self) -> list[Problem]:
        return [Problem(code=code, message="It ails.", remedy="Heal it.") for code in self.problems]


@pytest.mark.usefixtures("servers")
def test_the_settings_of_the_tests_pass() -> None:
    assert [message for alias in TASKS for message in check_alias(alias)] == []
    assert check_settings() == []
    assert check_servers() == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"brokr": "redis"}, "'brokr' is not a djtasks option. Did you mean 'broker'?"),
        ({"max_wait": "long"}, "The option 'max_wait' must be a positive timedelta"),
        ([], "OPTIONS must be a dict, got []."),
    ],
)
def test_e001_an_option_that_is_wrong(options: Any, complaint: str) -> None:
    with with_tasks(OPTIONS=options):
        messages = check_alias("default")

    assert told(messages, "djtasks.E001").startswith(f"TASKS['default']: {complaint}")


def test_e002_moments_without_a_zone() -> None:
    with override_settings(USE_TZ=False):
        assert "USE_TZ = True" in told(check_settings(), "djtasks.E002")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"cache": "nowhere"}, "nowhere"),
        ({"cache": "default"}, "'default', which is not a Redis cache"),
        ({"broker": "tests.carriers.Missing"}, "'tests.carriers.Missing', which cannot be imp"),
        ({"broker": "tests.test_checks.explode"}, "'tests.test_checks.explode' cannot be built: 7"),
    ],
)
def test_e003_a_broker_that_cannot_be_built(options: Any, complaint: str) -> None:
    with with_tasks(OPTIONS=options):
        assert complaint in told(check_alias("default"), "djtasks.E003")


def explode(*_: Any) -> Any:
    raise RuntimeError(7)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("tests.nowhere.middleware", "'tests.nowhere.middleware', which cannot be imported"),
        ("tests.test_checks.plain_middleware", "Return an `async def`"),
    ],
)
def test_e004_a_middleware_that_cannot_wrap(path: str, complaint: str) -> None:
    with with_tasks(OPTIONS={"middleware": [path]}):
        assert complaint in told(check_alias("default"), "djtasks.E004")


def test_a_plain_middleware_is_enough_for_plain_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.registry, "all_tasks", lambda: [add])

    with with_tasks(OPTIONS={"middleware": ["tests.test_checks.plain_middleware"]}):
        assert check_alias("default") == []
        assert middleware.load(["tests.test_checks.plain_middleware"]) == [plain_middleware]


def test_e005_a_database_that_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "oracle")

    assert "DATABASES['default'] is oracle" in told(check_settings(), "djtasks.E005")


@pytest.mark.parametrize("queues", ["default", [""], ["a" * 65], [7], ["a\n"], None, {"mail": 1}])
def test_e006_queues_that_are_no_list_of_names(queues: Any) -> None:
    with with_tasks(QUEUES=queues or ["a", None]):
        message = told(check_alias("default"), "djtasks.E006")

    assert "TASKS['default']['QUEUES'] must be a list of printable names" in message


@pytest.mark.parametrize("name", ["a,b", " a", "a ", " "])
def test_w021_a_queue_that_no_worker_can_be_told_to_serve(name: str) -> None:
    with with_tasks(QUEUES=["default", name]):
        message = told(check_alias("default"), "djtasks.W021")

    assert f"to serve the queue {name!r}" in message


@pytest.mark.parametrize(
    "queues", [[], ["default", "mail"], ("default", "mail"), {"default", "mail"}]
)
def test_queues_may_be_any_collection_of_names(queues: Any) -> None:
    with with_tasks(QUEUES=queues):
        assert check_alias("default") == []


@pytest.mark.parametrize("path", ["shop.jobs", "tests.nowhere", "nowhere", ".tasks", ""])
def test_e007_a_module_that_does_not_exist(path: str) -> None:
    with with_tasks(OPTIONS={"imports": ["tests.tasks", path]}):
        message = told(check_alias("default"), "djtasks.E007")

    assert f"names the module {path!r}, which does not exist." in message


def test_w001_sqlite_as_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        assert "djtasks.W001" not in ids(check_settings())
        monkeypatch.setitem(connections["sqlite"].settings_dict, "OPTIONS", {})
        message = told(check_settings(), "djtasks.W001")

    assert '"transaction_mode": "IMMEDIATE"' in message
    assert "PRAGMA journal_mode=WAL" in message


@pytest.mark.parametrize(
    "changes",
    [{"transaction_mode": "DEFERRED"}, {"timeout": 5}, {"init_command": ""}],
)
def test_each_line_for_sqlite_counts(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = connections["sqlite"].settings_dict["OPTIONS"]
    assert checks.is_sqlite_ready("sqlite")

    monkeypatch.setitem(connections["sqlite"].settings_dict, "OPTIONS", options | changes)

    assert not checks.is_sqlite_ready("sqlite")


def test_w002_tasks_that_live_apart_from_the_data() -> None:
    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        message = told(check_settings(), "djtasks.W002")

    assert "Tasks are stored in 'sqlite', not beside your data in 'default'." in message


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(
    ("pool", "size"),
    [
        (True, 4),
        ({"max_size": 7}, 7),
        ({"min_size": 2}, 2),
        ({"min_size": 2, "max_size": 8}, None),
        ({"max_size": 20}, None),
        (False, None),
        (None, None),
    ],
)
def test_w003_a_pool_smaller_than_a_worker(
    pool: Any, size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {"pool": pool})

    messages = check_settings()

    assert ids(messages) == ([] if size is None else ["djtasks.W003"])
    if size is not None:
        assert f"has {size} connections, fewer than the 8 threads" in messages[0].msg


@pytest.mark.parametrize("owner", ["channels", None])
def test_w004_a_command_of_another_app(owner: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "get_commands", lambda: {"runworker": owner} if owner else {})

    assert "djtasks_worker" in told(check_settings(), "djtasks.W004")


@pytest.fixture
def own_ties(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(signals, "_ties", set())
    receivers = list(post_save.receivers)
    yield
    post_save.receivers = receivers
    post_save.sender_receivers_cache.clear()


@pytest.mark.usefixtures("own_ties")
def test_w005_a_tie_across_databases() -> None:
    enqueue_on(post_save, sender=Row, task=add)
    assert "djtasks.W005" not in ids(check_settings())

    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        messages = check_settings()

    assert "enqueue_on() ties tests.Row to tests.tasks.add" in told(messages, "djtasks.W005")


@contextmanager
def redis_at(location: str) -> Iterator[None]:
    changed = deepcopy(CACHES)
    changed["tasks"]["LOCATION"] = location
    with override_settings(CACHES=changed):
        yield


@pytest.mark.usefixtures("servers")
def test_w010_a_redis_that_does_not_answer() -> None:
    with redis_at("unix:///nowhere/at/all"):
        assert "does not answer" in told(check_servers(), "djtasks.W010")


def test_w012_a_redis_that_forgets(own_valkey: Server) -> None:
    with redis_at(own_valkey.url):
        assert check_servers() == []
        cache: Any = caches["tasks"]
        cache.client.get_client().config_set("maxmemory-policy", "allkeys-lru")

        assert "'allkeys-lru'" in told(check_servers(), "djtasks.W012")


@pytest.mark.parametrize(
    ("code", "id_"),
    [
        ("unreachable", "djtasks.W010"),
        ("too-old", "djtasks.W011"),
        ("eviction", "djtasks.W012"),
        ("full", "djtasks.W013"),
        ("password", "djtasks.W014"),
        ("anything", "djtasks.W019"),
    ],
)
def test_w019_whatever_else_a_broker_complains_of(
    code: str, id_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ailing, "problems", (code,))

    with with_broker("tests.test_checks.Ailing"):
        assert told(check_servers(), id_) == "TASKS['default']: It ails. Heal it."


def test_servers_are_not_asked_where_the_settings_are_wrong() -> None:
    with with_tasks(OPTIONS={"brokr": 1}):
        assert check_servers() == []


def test_a_project_without_our_backend_is_none_of_our_business() -> None:
    with override_settings(TASKS={"default": {"BACKEND": "shop.Backend"}}, USE_TZ=False):
        assert check_settings() == []
        assert check_servers() == []
