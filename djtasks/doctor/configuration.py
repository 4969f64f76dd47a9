"""Check the settings, as `manage.py check` does, and report the installed versions."""

import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

import django
from django.core.checks import ERROR, CheckMessage

import djtasks
from djtasks.checks import check_alias, check_settings
from djtasks.doctor.explaining import in_one_line
from djtasks.doctor.findings import Finding, bad, ok, warn

_PACKAGES = ("django-redis", "redis", "psycopg", "mysqlclient", "kombu")


def check_configuration(alias: str) -> Iterator[Finding]:
    """Run the system checks, which open no connection."""
    found = list(_findings_of([*check_alias(alias), *check_settings()]))
    yield from found
    if not found:
        yield ok("settings", f"The system checks of TASKS[{alias!r}] pass.")


def _findings_of(messages: Sequence[CheckMessage]) -> Iterator[Finding]:
    for message in messages:
        if not message.is_silenced():
            make = bad if message.level >= ERROR else warn
            remedy = in_one_line(message.hint) if message.hint else ""
            yield make("settings", message.id or "check", in_one_line(message.msg), remedy)


def check_versions() -> Iterator[Finding]:
    """Report the versions that are installed here."""
    names = [f"{name} {found}" for name in _PACKAGES if (found := _version(name))]
    parts = [f"djtasks {djtasks.__version__}", f"Python {platform.python_version()}"]
    yield ok("versions", ", ".join([*parts, f"Django {django.__version__}", *names]) + ".")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
