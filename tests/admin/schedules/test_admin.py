"""The list of schedules, their buttons, and who may press them."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from djtasks.engine import Engine
from djtasks.models import Schedule, TaskRecord
from djtasks.protocol.states import State
from djtasks.schedules import Crontab, Every
from tests.admin.scheduling import NIGHTLY, TYPED, declared, log, made, page
from tests.languages import translate

pytestmark = pytest.mark.usefixtures("engine")


def user_with(*codenames: str) -> User:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def test_the_list_says_in_words_when_schedules_run(admin: Client) -> None:
    made()
    made(
        name="old",
        rule=Every(timedelta(minutes=5)).as_dict(),
        is_enabled=False,
        paused_by="maria",
        paused_reason="Legal checks",
        next_run_at=None,
    )
    made(name="nonsense", rule={"kind": "moon"}, broken="It is no rule.")

    html = admin.get(page("changelist")).content.decode()

    for text in (
        "Daily at 02:30, Europe/Paris",
        "30 2 * * *",
        "Every 5 minutes",
        "Paused by <b>maria</b>",
        "Legal checks",
        "Broken",
        "It is no rule.",
        "3 schedules",
    ):
        assert text in html


def test_the_list_says_it_in_the_language_of_the_page(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {
        "%(days)s %(times)s": "%(days)s %(times)s",
        "daily": "täglich",
        "at %(times)s": "um %(times)s",
    }
    translate(monkeypatch, words)
    made()

    with override("de"):
        html = admin.get(page("changelist")).content.decode()

    assert "Täglich um 02:30, Europe/Paris" in html


def test_a_list_without_schedules_says_how_to_get_one(admin: Client) -> None:
    assert "@periodic" in admin.get(page("changelist")).content.decode()


def test_an_override_stands_beside_what_the_code_says_until_it_is_reverted(admin: Client) -> None:
    row = declared(rule=Crontab("0 3 * * *", "Europe/Paris").as_dict())

    assert ">changed here<" in admin.get(page("changelist")).content.decode()
    html = admin.get(page("change", row)).content.decode()
    admin.post(page("revert", row))

    assert ">changed here<" not in admin.get(page("changelist")).content.decode()
    assert html.count("The code says:") == 2
    assert "Daily at 02:30, Europe/Paris" in html
    row.refresh_from_db()
    assert row.rule == NIGHTLY.as_dict()
    assert log() == [
        "Reverted to the code: rule: Daily at 03:00, Europe/Paris → Daily at 02:30, Europe/Paris."
    ]


def test_the_name_of_a_schedule_of_the_code_is_the_codes(admin: Client) -> None:
    row = declared()

    admin.post(page("change", row), TYPED | {"name": "mine"})

    row.refresh_from_db()
    assert (row.name, row.overlap) == ("nightly", "skip")


def test_a_schedule_is_paused_with_a_reason_and_resumed(admin: Client) -> None:
    row = made()

    assert admin.get(page("pause", row)).status_code == 200
    admin.post(page("pause", row), {"reason": "Legal checks"})
    row.refresh_from_db()
    assert (row.is_enabled, row.paused_by, row.next_run_at) == (False, "ada", None)

    admin.post(page("resume", row))
    row.refresh_from_db()
    assert row.is_enabled
    assert row.next_run_at is not None
    assert log() == ["Paused: Legal checks", "Resumed, from now."]


def test_run_now_enqueues_and_the_run_is_in_the_history(admin: Client) -> None:
    row = made()

    answer = admin.post(page("run", row), {"back": "list"})

    record = TaskRecord.objects.get()
    assert (record.schedule, record.args) == (row.pk, [1, 2])
    assert answer["Location"].startswith(page("changelist"))
    assert log() == [f"Run by hand: task {record.pk}."]
    assert str(record.pk)[-8:] in admin.get(page("change", row)).content.decode()


def test_save_and_run_now_does_both(admin: Client) -> None:
    admin.post(page("add"), TYPED | {"_save_run": ""})

    assert TaskRecord.objects.get().schedule == Schedule.objects.get().pk


def test_a_task_that_is_gone_is_told_and_nothing_is_run(admin: Client) -> None:
    row = made(task_path="shop.tasks.gone", broken="No task is registered.")

    answer = admin.post(page("run", row), follow=True)

    assert "No task is registered as" in answer.content.decode()
    assert not TaskRecord.objects.exists()


def test_a_row_edited_to_nonsense_can_be_opened_and_mended(admin: Client) -> None:
    row = made(rule={"kind": "moon"}, missed=[1], broken="It is no rule.")

    assert "It is no rule." in admin.get(page("change", row)).content.decode()
    admin.post(page("change", row), TYPED)

    row.refresh_from_db()
    assert (row.rule, row.broken) == (NIGHTLY.as_dict(), "")


def test_a_schedule_of_the_admin_is_deleted_and_one_of_the_code_is_not(admin: Client) -> None:
    ours, codes = made(), declared(name="codes")

    assert admin.get(page("delete", ours)).status_code == 200
    admin.post(page("delete", ours))
    answer = admin.post(page("delete", codes), follow=True)

    assert "would create it again" in answer.content.decode()
    assert [row.name for row in Schedule.objects.all()] == ["codes"]
    assert LogEntry.objects.get().object_repr == "nightly"


@pytest.mark.parametrize("action", ["run", "resume", "revert"])
def test_an_action_needs_a_post(admin: Client, action: str) -> None:
    assert admin.get(page(action, made())).status_code == 405


@pytest.mark.parametrize("name", ["change", "pause", "delete", "run"])
def test_a_schedule_that_does_not_exist_is_not_found(admin: Client, name: str) -> None:
    assert admin.post(page(name, Schedule(pk=999))).status_code == 404


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ((), set()),
        (("view_schedule",), {"changelist", "change"}),
        (("view_schedule", "change_schedule"), {"changelist", "change", "save", "pause", "run"}),
        (("view_schedule", "delete_schedule"), {"changelist", "change", "delete"}),
        (("view_schedule", "add_schedule"), {"changelist", "change", "add"}),
    ],
)
def test_each_page_asks_for_its_own_permission(
    client: Client, permissions: tuple[str, ...], allowed: set[str]
) -> None:
    row = made()
    client.force_login(user_with(*permissions))

    answers = {
        "changelist": client.get(page("changelist")),
        "change": client.get(page("change", row)),
        "add": client.get(page("add")),
        "save": client.post(page("change", row), TYPED),
        "pause": client.get(page("pause", row)),
        "run": client.post(page("run", row)),
        "delete": client.get(page("delete", row)),
    }

    assert {name for name, answer in answers.items() if answer.status_code != 403} == allowed


def test_a_reader_sees_no_buttons(client: Client) -> None:
    row = made()
    client.force_login(user_with("view_schedule"))

    for html in (
        client.get(page("changelist")).content.decode(),
        client.get(page("change", row)).content.decode(),
    ):
        assert "Run now" not in html
        assert ">Save<" not in html
        assert "Pause…" not in html


def test_texts_of_people_are_no_markup(admin: Client) -> None:
    evil = "<script>alert(1)</script>"
    row = made(name=evil, paused_reason=evil, paused_by=evil, is_enabled=False, broken="")

    for name in ("changelist", "change"):
        html = admin.get(page(name, row if name == "change" else None)).content.decode()
        assert evil not in html
        assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("overlap", "state", "is_told"),
    [
        ("skip", State.RUNNING, True),
        ("skip", State.SUCCESSFUL, False),
        ("allow", State.RUNNING, False),
    ],
)
def test_the_list_says_that_runs_are_skipped(
    admin: Client, overlap: str, state: State, *, is_told: bool
) -> None:
    row = made(overlap=overlap)
    admin.post(page("run", row))
    TaskRecord.objects.update(state=state)
    Schedule.objects.update(last_due_at=timezone.now() + timedelta(minutes=1))

    html = admin.get(page("changelist")).content.decode()

    assert ("Runs are skipped until it is over." in html) is is_told


def test_the_list_shows_how_the_last_runs_went(admin: Client, engine: Engine) -> None:
    row = made()
    admin.post(page("run", row))
    TaskRecord.objects.update(state=State.FAILED)
    admin.post(page("run", row))

    (shown,) = admin.get(page("changelist")).context["rows"]

    assert [mark.css for mark in shown.outcomes] == ["bad", "skip"]
    assert shown.failed_count == 1
