"""SQL that Django does not provide: the clock in UTC, exact names, and partial indexes."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


def utc_moment(value: Any) -> datetime:
    """Return what a database's clock in UTC answered as an aware datetime."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _UtcMoment(models.DateTimeField):  # type: ignore[type-arg] # not subscriptable at run time
    """The type of a clock in UTC.

    Django reads a DateTimeField as a moment in DATABASES[alias]["TIME_ZONE"].
    """

    def get_internal_type(self) -> str:
        return "UtcMoment"

    def from_db_value(self, value: Any, *_: Any) -> datetime:
        return utc_moment(value)


class DatabaseNow(Now):
    """The database's clock in UTC, at the start of the statement. Select it, never store it.

    A database with a TIME_ZONE stores moments in that zone, so write and compare what
    `store.now()` returned. As a default it is a last resort: our inserts name every moment.

    Not Django's `Now()`: on MySQL and MariaDB, that uses the session's time zone, hours away from
    the UTC that Django stores.
    """

    output_field = _UtcMoment()

    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra)


if TYPE_CHECKING:
    # Django's fields are generic for type checkers only, and cannot be subscripted.
    ExactCharField = models.CharField
else:

    class ExactCharField(models.CharField):
        """A name or key that every database compares character by character.

        By default, MySQL and MariaDB treat "Mail", "mail" and "mail " as equal.
        """

        def db_parameters(self, connection):
            parameters = super().db_parameters(connection)
            if connection.vendor == "mysql":
                is_mariadb = connection.mysql_is_mariadb
                parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
            return parameters


class WhereIndex(models.Index):
    """A partial index; on MySQL and MariaDB, a full index that starts with other columns.

    `where` is the condition, `elsewhere` the fields on databases without partial indexes.
    Not `Index(condition=…)`: Django skips that on MySQL, and warns at every migrate.
    """

    def __init__(self, *, name: str, fields: Any, where: Q, elsewhere: Any) -> None:
        super().__init__(name=name, fields=fields)
        self.where = where
        self.elsewhere = tuple(elsewhere)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"where": self.where, "elsewhere": self.elsewhere}

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        if schema_editor.connection.features.supports_partial_indexes:
            plain = models.Index(name=self.name, fields=self.fields, condition=self.where)
        else:
            plain = models.Index(name=self.name, fields=self.elsewhere)
        return plain.create_sql(model, schema_editor, using, **kwargs)


class UniqueWhenSet(models.UniqueConstraint):
    """Unique among rows where the field is not NULL; rows where it is NULL have no entry."""

    def _partial(self, schema_editor: Any) -> models.UniqueConstraint:
        condition = Q(**{f"{self.fields[0]}__isnull": False})
        supported = schema_editor.connection.features.supports_partial_indexes
        return models.UniqueConstraint(
            name=self.name, fields=self.fields, condition=condition if supported else None
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._partial(schema_editor).constraint_sql(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._partial(schema_editor).create_sql(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._partial(schema_editor).remove_sql(model, schema_editor)
