import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test.html import parse_html
from django.urls import reverse
from django.utils import timezone

from demo_project.library import keys
from demo_project.library.models import Outcome, Reading, SourceFile
from demo_project.library.readings import order_reading
from djtasks import operations
from djtasks.models import TaskRecord

HOME = "/"
Work = Callable[[Reading], Reading]


def page(client: Any, path: str) -> str:
    """Return a page that is well-formed and keeps its own security policy."""
    answer = client.get(path)
    assert answer.status_code == 200
    return checked(answer)


def checked(answer: Any) -> str:
    text: str = answer.content.decode()
    parse_html(text)
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?! src=)", text)
    return text


def ask_for(client: Any, folder: str) -> Any:
    return client.post(HOME, {"folder": folder})


def long_ago(reading: Reading) -> Reading:
    Reading.objects.filter(pk=reading.pk).update(started_at=timezone.now() - timedelta(minutes=5))
    reading.refresh_from_db()
    return reading


def test_the_first_visitor_is_asked_for_a_folder(engine: Any, client: Any) -> None:
    text = page(client, HOME)

    assert '<input type="text" name="folder"' in text
    assert "Nothing has been read yet." in text
    assert "csrfmiddlewaretoken" in text


def test_a_folder_becomes_a_reading(engine: Any, client: Any, shelf: Path) -> None:
    answer = ask_for(client, f" {shelf} ")

    reading = Reading.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reading.get_absolute_url()
    assert reading.files.count() == 3
    assert TaskRecord.objects.count() == 4


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("", "Which folder?"),
        ("/no-such-folder/<script>alert(1)</script>", "There is no folder"),
        ("/etc/passwd", "is a file. Its folder is /etc."),
        ("relative/path", "Give the whole path"),
        ("/" + "a" * 3_999, "File name too long"),
        ("/" + "a" * 5_000, "at most 4000 characters"),
        ("/tmp/\x00", "Null characters are not allowed."),
        ("/tmp/\ud83d", "There is no folder"),
        ("~root-but-not-there", "Give the whole path."),
        ("'; DROP TABLE library_reading; --", "Give the whole path"),
        ("/tmp/{{ settings.SECRET_KEY }}{% now 'Y' %}", "There is no folder"),
        ("/tmp/../../etc/hostname", "is a file"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}/tmp", "Give the whole path"),
    ],
)
def test_a_folder_that_cannot_be_read_is_explained_at_the_field(
    engine: Any, client: Any, folder: str, said: str
) -> None:
    answer = client.post(
        HOME, {"folder": folder.encode("utf-8", "surrogatepass").decode("utf-8", "replace")}
    )

    assert answer.status_code == 200
    text = checked(answer)
    assert said in text
    assert 'aria-invalid="true"' in text
    assert "<script>alert" not in text
    assert not Reading.objects.exists()


def test_an_empty_folder_is_explained_and_what_was_typed_is_kept(
    engine: Any, client: Any, tmp_path: Path
) -> None:
    text = checked(ask_for(client, str(tmp_path)))

    assert "There are no Python files in" in text
    assert f'value="{tmp_path}"' in text
    assert 'aria-invalid="true"' in text


def test_other_methods_are_refused(engine: Any, client: Any) -> None:
    assert client.put(HOME).status_code == 405
    assert client.post("/readings/1/").status_code == 405
    assert client.get("/readings/1/report/").status_code == 405


@pytest.mark.parametrize("path", ["/readings/999/", "/readings/99999999999999999999/"])
def test_a_reading_that_is_not_there_is_not_found(engine: Any, client: Any, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_reading_shows_how_far_it_is(engine: Any, client: Any, shelf: Path) -> None:
    reading = order_reading([shelf])
    SourceFile.objects.filter(name="main.py").update(
        outcome=Outcome.PARSED, lines=5, finished_at=timezone.now()
    )
    SourceFile.objects.filter(name="poems/broken.py").update(
        outcome=Outcome.FAILED,
        error_class="SyntaxError",
        error="<b>invalid</b> syntax",
        error_line=1,
        error_source="def <i>(:",
        finished_at=timezone.now(),
    )

    text = page(client, reading.get_absolute_url())

    assert '<p class="figure">66<small> %</small></p>' in text
    assert 'aria-valuemax="3" aria-valuenow="2"' in text
    assert "About" in text
    assert "&lt;b&gt;invalid&lt;/b&gt; syntax" in text
    assert "def &lt;i&gt;(:" in text
    assert '<meta http-equiv="refresh" content="2">' in text
    assert "library/live.js" in text


def test_a_reading_that_has_not_begun_waits_for_a_worker(
    engine: Any, client: Any, shelf: Path
) -> None:
    text = page(client, order_reading([shelf]).get_absolute_url())

    assert "Waiting for a worker" in text
    assert "Nothing has moved" not in text


def test_a_reading_that_stands_still_says_why(engine: Any, client: Any, shelf: Path) -> None:
    reading = long_ago(order_reading([shelf]))

    text = page(client, reading.get_absolute_url())

    assert "Nothing has moved for a while. No file is lost" in text
    assert "4 tasks are due. This has lasted" in text


def test_a_reading_in_a_paused_queue_says_who_paused_it(
    engine: Any, client: Any, shelf: Path
) -> None:
    reading = long_ago(order_reading([shelf]))
    operations.pause_queue(engine, "default", by="ada", reason="too hot")

    text = page(client, reading.get_absolute_url())

    assert "is paused by ada: too hot." in text


def test_a_report_that_nobody_writes_can_be_ordered_again(
    engine: Any, client: Any, shelf: Path
) -> None:
    reading = order_reading([shelf])
    operations.cancel(engine, [record.pk for record in TaskRecord.objects.all()])
    path = reading.get_absolute_url()
    assert "none is left to write the report" in page(client, path)

    for _ in range(2):
        answer = client.post(f"{path}report/")

    assert answer["Location"] == path
    assert TaskRecord.objects.filter(unique_key=f"{keys.WRITE_REPORT}:{reading.pk}").count() == 1
    assert "none is left to write the report" not in page(client, path)


def test_a_finished_reading_shows_its_report(work: Work, client: Any, shelf: Path) -> None:
    reading = work(order_reading([shelf]))

    text = page(client, reading.get_absolute_url())

    broken = SourceFile.objects.get(name="poems/broken.py")
    assert "1 file that cannot be read" in text
    assert "<b>SyntaxError</b>" in text
    assert reverse("admin:djtasks_taskrecord_change", args=[broken.task]) in text
    assert '<svg class="treemap wide"' in text
    assert "Most complex functions" in text
    assert "live.js" not in text
    assert "http-equiv" not in text
    assert f'href="{reading.get_absolute_url()}"' in page(client, HOME)


def test_a_report_without_a_line_has_no_picture(work: Work, client: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_bytes(b"")
    (tmp_path / "broken.py").write_bytes(b"def")

    text = page(client, work(order_reading([tmp_path])).get_absolute_url())

    assert "1 file that cannot be read" in text
    assert "treemap" not in text


def test_a_report_without_failures_says_so(work: Work, client: Any, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")

    text = page(client, work(order_reading([tmp_path])).get_absolute_url())

    assert "Every file parses" in text
    assert "No function has more than one way through it." in text


def test_names_with_markup_are_shown_as_they_are(work: Work, client: Any, tmp_path: Path) -> None:
    folder = tmp_path / "<b>&"
    folder.mkdir()
    (folder / "<i>.py").write_text("def f(x):\n    return 1 if x else 2\n")
    (tmp_path / "<u>.py").write_text("def f(\n")

    text = page(client, work(order_reading([tmp_path])).get_absolute_url())

    assert not re.search("<i>|<u>|<b>&", text)
    assert "&lt;b&gt;&amp;" in text


def test_what_could_not_be_looked_into_is_told(engine: Any, client: Any, shelf: Path) -> None:
    reading = order_reading([shelf])
    Reading.objects.filter(pk=reading.pk).update(notes=["/x may not be read by the user ada."])

    assert "/x may not be read by the user ada." in page(client, reading.get_absolute_url())


def test_the_pages_need_as_many_queries_for_many_files_as_for_few(
    engine: Any, client: Any, shelf: Path, django_assert_max_num_queries: Any
) -> None:
    for number in range(50):
        (shelf / f"{number}.py").write_text("x = 1")
    reading = order_reading([shelf])

    with django_assert_max_num_queries(10):
        page(client, reading.get_absolute_url())
    with django_assert_max_num_queries(2):
        page(client, HOME)


def test_the_launcher_recognises_its_own_server(client: Any, settings: Any) -> None:
    settings.DEMO_TOKEN = "sesame"

    assert client.get("/alive/").content == b"sesame"


@pytest.mark.parametrize("model", ["reading", "sourcefile"])
def test_readings_and_files_can_be_looked_at_in_the_admin(
    work: Work, admin_client: Any, shelf: Path, model: str
) -> None:
    reading = work(order_reading([shelf]))
    key = reading.pk if model == "reading" else SourceFile.objects.first().pk

    listing = admin_client.get(reverse(f"admin:library_{model}_changelist"))
    single = admin_client.get(reverse(f"admin:library_{model}_change", args=[key]))

    assert (listing.status_code, single.status_code) == (200, 200)
    assert admin_client.get(reverse(f"admin:library_{model}_add")).status_code == 403
