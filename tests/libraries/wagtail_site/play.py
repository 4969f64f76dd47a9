"""Create, edit and delete pages, documents and images."""

from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image as Picture
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Page, Site

from tests.libraries.wagtail_site.models import StoryPage

Document, Image = get_document_model(), get_image_model()

# What each task must have done at least once.
_WORKS = (
    "wagtail.tasks.update_reference_index_task",
    "wagtail.tasks.delete_file_from_storage_task",
    "wagtail.contrib.frontend_cache.tasks.purge_urls_from_cache_task",
    "modelsearch.tasks.insert_or_update_object_task",
)
_GONE = ("wagtail.tasks.update_reference_index_task", _WORKS[-1])


def create() -> None:
    """Create things that stay: pages below pages, documents, and an image on a page."""
    home = StoryPage(title="Small site", slug="small", body="home", show_in_menus=True)
    Page.get_first_root_node().add_child(instance=home)
    site = Site.objects.get()
    site.root_page = home
    site.save()
    picture = _image("kept")
    for number in range(5):
        with transaction.atomic():
            story = StoryPage(title=f"Story {number}", body="once", picture=picture)
            home.add_child(instance=story)
            story.save_revision().publish()
            _document(f"kept {number}")


def edit() -> None:
    """Edit, publish, move and unpublish pages; replace the file of a document."""
    first, second, third, *_others = StoryPage.objects.exclude(slug="small").order_by("pk")
    first.body = "twice"
    first.save_revision().publish()
    second.move(first, pos="last-child")
    third.unpublish()
    document = Document.objects.earliest("pk")
    document.title = "renamed"
    document.file = ContentFile(b"other text", name="other.txt")
    document.save()


def delete() -> None:
    """Delete what was created long ago, and what no task has seen yet."""
    home = StoryPage.objects.get(slug="small")
    hasty = StoryPage(title="Hasty", body="gone before anybody reads it")
    home.add_child(instance=hasty)
    hasty.save_revision().publish()
    StoryPage.objects.get(pk=hasty.pk).delete()
    StoryPage.objects.get(title="Story 3").delete()
    _document("hasty").delete()
    _image("hasty").delete()
    Document.objects.latest("pk").delete()
    Image.objects.earliest("pk").delete()


SCENES = (create, edit, delete)


def problems(ended: Counter[tuple[str, str, str]]) -> Iterator[str]:
    """Yield what is not as it must be."""
    for path, state, error in ended:
        is_gone = state == "CANCELLED" and error.endswith("DoesNotExist") and path in _GONE
        if state != "SUCCESSFUL" and not is_gone:
            yield f"A task of {path} ended as {state}: {error}"
    states = {(path, state) for path, state, _error in ended}
    for path in _WORKS:
        if (path, "SUCCESSFUL") not in states:
            yield f"No task of {path} was successful."
    for path in _GONE:
        if (path, "CANCELLED") not in states:
            yield f"No task of {path} was cancelled, although its object was gone."
    found = [page.title for page in Page.objects.live().search("twice")]
    if found != ["Story 0"]:
        yield f"The search finds {found} instead of the page that was edited."


def _document(title: str) -> Any:
    return Document.objects.create(title=title, file=ContentFile(title.encode(), f"{title}.txt"))


def _image(title: str) -> Any:
    data = BytesIO()
    Picture.new("RGB", (4, 4)).save(data, "PNG")
    return Image.objects.create(title=title, file=ContentFile(data.getvalue(), f"{title}.png"))
