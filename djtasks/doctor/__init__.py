"""Examine one TASKS alias live: use every part once, and report how it works.

All writes are rolled back. A part that fails is explained, and only the parts that depend on it
are skipped.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone
from django.utils.translation import deactivate_all

from djtasks.doctor.broker import check_broker, check_index
from djtasks.doctor.configuration import check_configuration, check_versions
from djtasks.doctor.database import (
    check_clock,
    check_connections,
    check_migrations,
    check_rights,
    check_server,
    check_text,
    check_transactions,
)
from djtasks.doctor.explaining import broker_finding, database_finding
from djtasks.doctor.findings import DEFAULT_ROLE, Examination, Finding, Level
from djtasks.doctor.rights import roles
from djtasks.doctor.roundtrip import make_round_trip
from djtasks.doctor.workers import check_scheduler, check_workers
from djtasks.engine import engine_of
from djtasks.errors import BrokerUnavailable
from djtasks.store.sessions import use_engine_connection

__all__ = ["DEFAULT_ROLE", "Finding", "Level", "examine", "roles"]

Part = Callable[[Examination], Iterator[Finding]]

# All later parts need each of these.
_ESSENTIAL: tuple[Part, ...] = (check_server, check_migrations, check_rights)
_REST: tuple[Part, ...] = (
    check_text,
    check_clock,
    check_connections,
    check_transactions,
    check_index,
    make_round_trip,
    check_workers,
    check_scheduler,
)


def examine(
    alias: str, *, role: str = DEFAULT_ROLE, clock: Callable[[], datetime] = timezone.now
) -> list[Finding]:
    """Return one or more findings for each part, in the order of their dependencies.

    `role` is one of roles(): the one whose database rights are checked.
    """
    found = [*check_versions(), *check_configuration(alias)]
    if any(finding.is_bad for finding in found):
        return found
    examination = Examination(engine=engine_of(alias), role=role, clock=clock)
    # A separate thread has its own connections, with the timeouts of workers.
    with ThreadPoolExecutor(1) as executor:
        return found + executor.submit(_examine, examination).result()


def _examine(examination: Examination) -> list[Finding]:
    database = examination.engine.database
    use_engine_connection(database)
    deactivate_all()  # a new thread uses LANGUAGE_CODE; the terminal's output is English
    try:
        found: list[Finding] = []
        for part in _ESSENTIAL:
            if not _is_broken(found):
                found += _run_part(part, examination)
        is_usable = not _is_broken(found)
        found += _run_part(check_broker, examination)
        for part in _REST if is_usable else ():
            found += _run_part(part, examination)
        return found
    finally:
        connections.close_all()


def _is_broken(found: list[Finding]) -> bool:
    return any(finding.is_bad for finding in found)


def _run_part(part: Part, examination: Examination) -> list[Finding]:
    """Return the findings of one part; a server error becomes a finding."""
    found: list[Finding] = []
    name = part.__name__.removeprefix("check_").removeprefix("make_").replace("_", " ")
    try:
        found.extend(part(examination))
    except (DatabaseError, InterfaceError) as error:
        found.append(database_finding(name, examination.engine.database, error))
        connections[examination.engine.database].close()
    except BrokerUnavailable as error:
        found.append(broker_finding(name, error))
    return found
