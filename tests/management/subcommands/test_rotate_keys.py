"""`djtasks rotate-keys`: what it prints, and when it fails."""

import io
import json
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from djtasks import task
from djtasks.formats.encryption import new_key
from tests.settings import ENCRYPTION_KEYS

pytestmark = pytest.mark.usefixtures("engine")


@task(encrypted="card")
def pay(card: str) -> None: ...


def rotate(*keys: str, arguments: Any = ()) -> str:
    tasks = deepcopy(settings.TASKS)
    tasks["default"]["OPTIONS"]["encryption_keys"] = list(keys)
    out = io.StringIO()
    with override_settings(TASKS=tasks):
        call_command("djtasks", "rotate-keys", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_how_many_were_encrypted_anew() -> None:
    pay.enqueue("4111")
    key = new_key()

    told = rotate(key, *ENCRYPTION_KEYS)
    again = json.loads(rotate(key, *ENCRYPTION_KEYS, arguments=["--json"]))

    assert told == "TASKS['default']: 1 encrypted with the first key, 0 had it already.\n"
    assert again == {"default": {"looked_at": 1, "rotated": 0, "current": 1, "unreadable": 0}}


def test_what_cannot_be_decrypted_is_an_error_that_loses_nothing() -> None:
    pay.enqueue("4111")

    with pytest.raises(CommandError, match="1 tasks and schedules cannot be decrypted"):
        rotate(new_key())
    assert "1 had it already" in rotate(*ENCRYPTION_KEYS)


def test_without_keys_there_is_nothing_to_rotate() -> None:
    with pytest.raises(CommandError, match="No OPTIONS"):
        rotate()
