"""A live examination of one TASKS alias: every part is used once, and says how it is.

What it writes it rolls back. Each part that fails is explained, and keeps only those from being
looked at that could not work without it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone
from django.utils.translation import deactivate_all

from djtasks.doctor.broker import look_at_broker, look_at_index
from djtasks.doctor.configuration import look_at_settings, look_at_versions
from djtasks.doctor.database import (
    look_at_clock,
    look_at_connections,
    look_at_migrations,
    look_at_rights,
    look_at_server,
    look_at_transactions,
)
from djtasks.doctor.explaining import broker_finding, database_finding
from djtasks.doctor.findings import DEFAULT_ROLE, Finding, Level, Patient
from djtasks.doctor.rights import roles
from djtasks.doctor.roundtrip import make_round_trip
from djtasks.doctor.workers import look_at_scheduler, look_at_workers
from djtasks.engine import engine_of
from djtasks.errors import BrokerUnavailable
from djtasks.store.sessions import use_engine_connection

__all__ = ["DEFAULT_ROLE", "Finding", "Level", "examine", "roles"]

Part = Callable[[Patient], Iterator[Finding]]

# Each of them is needed by all behind it.
_ESSENTIAL: tuple[Part, ...] = (look_at_server, look_at_migrations, look_at_rights)
_REST: tuple[Part, ...] = (
    look_at_clock,
    look_at_connections,
    look_at_transactions,
    look_at_index,
    make_round_trip,
    look_at_workers,
    look_at_scheduler,
)


def examine(
    alias: str, *, role: str = DEFAULT_ROLE, clock: Callable[[], datetime] = timezone.now
) -> list[Finding]:
    """Return one finding or more for each part, in the order in which they depend.

    `role` is one of roles(): whose rights in the database are asked for.
    """
    found = [*look_at_versions(), *look_at_settings(alias)]
    if any(finding.is_bad for finding in found):
        return found
    patient = Patient(engine=engine_of(alias), role=role, clock=clock)
    # A thread of its own has connections of its own, with the timeouts of workers.
    with ThreadPoolExecutor(1) as executor:
        return found + executor.submit(_examine, patient).result()


def _examine(patient: Patient) -> list[Finding]:
    database = patient.engine.database
    use_engine_connection(database)
    deactivate_all()  # a thread begins with LANGUAGE_CODE; a terminal is spoken to in English
    try:
        found: list[Finding] = []
        for part in _ESSENTIAL:
            if not _is_ill(found):
                found += _look(part, patient)
        is_usable = not _is_ill(found)
        found += _look(look_at_broker, patient)
        for part in _REST if is_usable else ():
            found += _look(part, patient)
        return found
    finally:
        connections.close_all()


def _is_ill(found: list[Finding]) -> bool:
    return any(finding.is_bad for finding in found)


def _look(part: Part, patient: Patient) -> list[Finding]:
    """Return the findings of one part; an error of a server is one of them."""
    found: list[Finding] = []
    name = part.__name__.removeprefix("look_at_").removeprefix("make_").replace("_", " ")
    try:
        found.extend(part(patient))
    except (DatabaseError, InterfaceError) as error:
        found.append(database_finding(name, patient.engine.database, error))
        connections[patient.engine.database].close()
    except BrokerUnavailable as error:
        found.append(broker_finding(name, error))
    return found
