"""The flags of `runbeat`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from djtasks.management.commands import runbeat
from tests.settings import OURS


def refusal_of(*flags: str) -> str:
    with pytest.raises(CommandError) as refusal:
        call_command("runbeat", *flags, stdout=StringIO())
    return str(refusal.value)


def test_an_alias_that_is_not_ours_is_refused() -> None:
    assert "djtasks does not serve TASKS['nowhere']." in refusal_of("--backend", "nowhere")


def test_bad_settings_are_told_and_not_run() -> None:
    bad = {"default": {"BACKEND": OURS, "OPTIONS": {"brokr": "redis"}}}

    with override_settings(TASKS=bad):
        assert "Did you mean 'broker'?" in refusal_of("--skip-checks")


def test_the_help_tells_of_every_flag() -> None:
    text = runbeat.Command().create_parser("manage.py", "runbeat").format_help()

    assert "--backend ALIAS" in text
    assert "--held" in text
    assert "--health-file PATH" in text
    assert "--health-port [HOST:]PORT" in text
    assert "each due time fires once" in " ".join(text.split())
