"""From which database an instance is loaded, and how."""

import random
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from djtasks.definitions.codecs.references import References, wire_of
from tests.models import Row, Seat
from tests.typed_tasks import RowProxy


class Primary:
    """A router with a primary and several replicas, as Django's documentation has it."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return random.choice(["sqlite", "default"])

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


class Sharded:
    """A router that sends an instance where it came from, and all else to the default."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return hints["instance"]._state.db if "instance" in hints else "default"

    db_for_write = db_for_read


class Archive:
    """A router that knows the default only."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"

    db_for_write = db_for_read


def row_of(database: str | None) -> Row:
    row = Row(pk=7)
    row._state.adding, row._state.db = False, database
    return row


ELSEWHERE = {"pk": 7, "database": "sqlite"}


@pytest.mark.parametrize(
    ("routers", "database", "wire"),
    [
        ([], "default", 7),
        ([], None, 7),
        ([], "sqlite", ELSEWHERE),
        ([Primary()], "default", 7),
        ([Primary()], "sqlite", 7),
        ([Sharded()], "sqlite", ELSEWHERE),
        ([Archive()], "sqlite", ELSEWHERE),
    ],
)
def test_an_instance_names_its_database_if_the_router_would_not(
    routers: list[Any], database: str | None, wire: Any
) -> None:
    with override_settings(DATABASE_ROUTERS=routers):
        assert wire_of(row_of(database)) == wire


def test_a_mirror_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.databases["sqlite"]["TEST"], "MIRROR", "default")

    with override_settings(DATABASE_ROUTERS=[Archive()]):
        assert wire_of(row_of("sqlite")) == 7


@pytest.mark.django_db(databases=["default", "sqlite"])
def test_instances_are_loaded_from_their_databases() -> None:
    rows = [Row.objects.using(alias).create(name=alias) for alias in ("default", "sqlite")]
    references = References()
    found = [references.shell(Row, wire_of(row)) for row in rows]

    references.load()

    assert [(one.name, one._state.db) for one in found] == [  # type: ignore[attr-defined]
        ("default", "default"),
        ("sqlite", "sqlite"),
    ]


@pytest.mark.django_db
def test_many_instances_take_one_query_and_the_same_key_is_the_same_instance() -> None:
    keys = [Row.objects.create(name=str(number)).pk for number in range(20)]
    references = References()
    found = [references.shell(Row, key) for key in [*keys, *keys]]

    with CaptureQueriesContext(connections["default"]) as queries:
        references.load()

    assert len(queries) == 1
    assert found[:20] == found[20:]
    assert all(one is other for one, other in zip(found[:20], found[20:], strict=True))
    assert len(set(found)) == 20


@pytest.mark.django_db
def test_a_key_as_text_finds_its_row() -> None:
    row = Row.objects.create(name="x")
    references = References()
    found = references.shell(Row, str(row.pk))

    references.load()

    assert found == row


@pytest.mark.django_db
def test_a_deferred_instance_loads_itself_when_more_than_its_key_is_read() -> None:
    row = Row.objects.create(name="x")

    found: Any = References().shell(Row, row.pk)

    assert (found.pk, found.name) == (row.pk, "x")


@pytest.mark.django_db
def test_a_base_manager_may_return_subclasses(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row.objects.create(name="x")
    monkeypatch.setattr(Row._meta, "base_manager", RowProxy._base_manager)
    references = References()
    found = references.shell(Row, row.pk)

    references.load()

    assert type(found) is RowProxy


@pytest.mark.django_db
def test_missing_objects_are_named_all_of_them_up_to_five() -> None:
    references = References()
    for number in range(1, 8):
        references.shell(Seat, ["B", number])

    with pytest.raises(Seat.DoesNotExist, match=r"^tests.Seat #\('B', 1\), .*and 2 more do not"):
        references.load()


@pytest.mark.parametrize(
    "wire", [None, [], ["A"], ["A", None], ["A", 1, 2], "A", {"pk": ["A", 1]}, 5, ["A", "x"]]
)
def test_what_is_no_key_is_refused(wire: Any) -> None:
    with pytest.raises(ValueError, match=r"^Expected the primary key of a tests\.Seat"):
        References().shell(Seat, wire)
