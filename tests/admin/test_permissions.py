"""Every URL of the admin, with every permission: who may look, and who may do."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client

from djtasks.engine import Engine
from tests.admin.expectations import (
    NOBODY,
    PAGES,
    REDIRECTS,
    address,
    every_permission,
    filled,
    names,
    walked,
)
from tests.admin.opening import staff
from tests.admin.stage import Stage, set_up

# A page, a redirect after an order, and "this address only takes POSTs" to who may post.
SERVED = {200, 302, 405}


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return set_up(engine)


def useful() -> set[str]:
    """Return the permissions that open any page at all."""
    pages = PAGES.values()
    opening = {codename for page in pages for codename in page.get | page.post}
    return opening | {page.besides for page in pages if page.besides}


def ask(client: Client, method: str, name: str, stage: Stage) -> Any:
    """Return the answer of a page; whatever it changed is undone."""
    with transaction.atomic():
        answer = getattr(client, method)(
            address(name, stage), filled(name, stage) if method == "post" else {}
        )
        transaction.set_rollback(True)
    return answer


def sends_away(answer: Any) -> bool:
    return answer.status_code == 302 and "/login/" in answer["Location"]


def outcome(answer: Any) -> str:
    if sends_away(answer):
        return "sign in"
    if answer.status_code == 403:
        return "refused" if b"data-djt-live" in answer.content else "refused on a bare page"
    return "served" if answer.status_code in SERVED else f"broken ({answer.status_code})"


def outcomes(client: Client, stage: Stage) -> dict[tuple[str, str], str]:
    return {
        (method, name): outcome(ask(client, method, name, stage))
        for name in names()
        for method in ("get", "post")
    }


def expected(codenames: set[str]) -> dict[tuple[str, str], str]:
    return {
        (method, name): "served" if PAGES[name].opens(method, codenames) else "refused"
        for name in names()
        for method in ("get", "post")
    }


def test_every_url_says_who_may_open_it() -> None:
    unknown = {
        (one.name, one.route)
        for one in walked()
        if one.name not in PAGES and one.route not in REDIRECTS
    }

    assert not unknown


def test_every_page_that_is_described_exists() -> None:
    assert set(PAGES) == set(names())


def test_strangers_are_asked_to_sign_in(client: Client, stage: Stage) -> None:
    found = outcomes(client, stage)

    assert set(found.values()) == {"sign in"}


def test_staff_without_a_permission_that_opens_anything_open_nothing(
    db: None, stage: Stage
) -> None:
    idle = every_permission() - useful()
    assert idle

    assert outcomes(staff("idle", idle), stage) == expected(set())


@pytest.mark.slow
def test_each_permission_opens_its_own_pages_and_no_other(stage: Stage) -> None:
    assert useful() <= every_permission()

    for codename in sorted(useful()):
        client = staff(codename, {codename})
        client.defaults["HTTP_X_DJTASKS_LIVE"] = "1"  # no frame, which is most of the work
        found = outcomes(client, stage)
        assert found == expected({codename}), codename


def test_some_pages_take_two_permissions(stage: Stage) -> None:
    pair = {"view_taskrecord", "retry_taskrecord"}

    assert outcomes(staff("pair", pair), stage) == expected(pair)


def test_superusers_open_all_pages_but_those_that_are_nobodys(admin: Client, stage: Stage) -> None:
    wanted = {
        (method, name): "refused" if getattr(PAGES[name], method) == NOBODY else "served"
        for name in names()
        for method in ("get", "post")
    }

    assert outcomes(admin, stage) == wanted


@pytest.mark.parametrize("is_active", [True, False], ids=["not-staff", "not-active"])
def test_permissions_alone_open_nothing(stage: Stage, is_active: bool) -> None:
    user = User.objects.create_user("carol", is_staff=not is_active, is_active=is_active)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="djtasks"))
    client = Client()
    client.force_login(user)

    assert set(outcomes(client, stage).values()) == {"sign in"}


def test_what_only_takes_posts_changes_nothing_on_a_get(admin: Client, stage: Stage) -> None:
    for name in names():
        if PAGES[name].is_order:
            assert ask(admin, "get", name, stage).status_code == 405, name


def test_the_reference_tells_of_every_permission_that_opens_a_page() -> None:
    reference = Path(__file__).parents[2] / "docs" / "reference" / "admin.md"
    told = reference.read_text()

    assert not {codename for codename in useful() if f"`{codename}`" not in told}
