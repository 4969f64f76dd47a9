"""Hostile text in whatever a task can influence: every page shows it as text."""

from typing import Any

import pytest
from django.template import engines
from django.test import Client

from djtasks.engine import Engine
from tests.admin.browser import Browser
from tests.admin.expectations import PAGES, address, filled, names
from tests.admin.hostile import PAYLOADS, holes
from tests.admin.stage import Stage, set_up

SEARCHED = ("q", "task", "group", "queue", "span", "sort", "backend", "stacks", "state", "page")


@pytest.fixture
def stages(engine: Engine) -> list[Stage]:
    return [set_up(engine, text, number=number) for number, text in enumerate(PAYLOADS)]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_that_is_not_escaped_is_found(payload: str) -> None:
    shown = engines["django"].from_string("<p title='{{ it }}'>{{ it }}</p>")
    careless = f'<p title="{payload}"></p><p title=\'{payload}\'></p><a href="{payload}">{payload}'

    assert holes(shown.render({"it": payload})) == []
    # Harmless in HTML: only the third of them would be rendered, by a template of a template.
    if payload.startswith(("&lt;", "{{")):
        careless = engines["django"].from_string(payload).render({}) + "<script>"
    assert holes(careless)


def holes_in(answer: Any) -> list[str]:
    """Return the holes of an answer that a browser would take for a page."""
    if answer.streaming or "html" not in answer["Content-Type"]:
        is_plain = answer["Content-Type"].startswith("text/plain")
        assert is_plain or answer["Content-Disposition"].startswith("attachment")
        return []
    return holes(answer.content.decode())


def seen(client: Client, stages: list[Stage]) -> dict[str, list[str]]:
    """Return the holes of every page, about every row where it is about one."""
    found = {}
    for name in names():
        about = stages if PAGES[name].row or PAGES[name].query else stages[:1]
        for stage in about if PAGES[name].get else []:
            where = address(name, stage)
            answer = client.get(where)
            assert answer.status_code < 500, where
            found[where] = holes_in(answer)
    return found


@pytest.mark.slow
def test_every_page_escapes_what_tasks_say(admin: Client, stages: list[Stage]) -> None:
    found = seen(admin, stages)

    assert len(found) > len(PAYLOADS)
    assert {where: hole for where, hole in found.items() if hole} == {}


def test_the_text_is_there_and_not_merely_left_out(admin: Client, stages: list[Stage]) -> None:
    from django.utils.html import escape

    for name in ("djtasks_overview", "djtasks_failures", "djtasks_workerrecord_changelist"):
        html = admin.get(address(name, stages[0])).content.decode().replace("<wbr>", "")
        assert escape(PAYLOADS[0]) in html, name


@pytest.mark.broad
@pytest.mark.parametrize("payload", [PAYLOADS[1], PAYLOADS[3], PAYLOADS[12], PAYLOADS[16]])
def test_every_page_escapes_what_was_asked_for(admin: Client, engine: Engine, payload: str) -> None:
    stage = set_up(engine)

    for name in names():
        asked = dict.fromkeys(SEARCHED, payload)
        for answer in (
            admin.get(address(name, stage).partition("?")[0], asked),
            admin.post(address(name, stage), {**asked, "reason": payload, "typed": payload}),
        ):
            assert answer.status_code < 500, name
            assert holes_in(answer) == [], name


@pytest.mark.broad
def test_messages_about_what_was_done_escape_it_too(admin: Client, stages: list[Stage]) -> None:
    for name in names():
        answer = admin.post(address(name, stages[1]), filled(name, stages[1]), follow=True)
        assert holes_in(answer) == [], name


@pytest.mark.broad
def test_a_region_that_is_polled_escapes_too(admin: Client, stages: list[Stage]) -> None:
    for name in names(shown=True):
        answer = admin.get(address(name, stages[0]), headers={"X-Djtasks-Live": "1"})
        assert holes_in(answer) == [], name


@pytest.mark.slow
def test_no_script_of_a_task_runs_in_a_browser(browser: Browser, live_engine: Engine) -> None:
    stages = [set_up(live_engine, text, number=number) for number, text in enumerate(PAYLOADS)]

    for place, name in enumerate(names(shown=True)):
        browser.open(address(name, stages[place % len(stages)]))
        # An open alert would raise here; a script, style or picture is stopped by the policy.
        assert browser.find("#main").is_displayed(), name
        assert browser.complaints() == [], name
