"""A page with text and a picture."""

from typing import Any, ClassVar

from django.db import models
from wagtail.admin.panels import FieldPanel
from wagtail.models import Page
from wagtail.search import index


class StoryPage(Page):
    """A page that refers to an image and is found by its body."""

    body = models.TextField(blank=True)
    picture = models.ForeignKey(
        "wagtailimages.Image", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    search_fields: ClassVar[list[Any]] = [*Page.search_fields, index.SearchField("body")]
    content_panels: ClassVar[list[Any]] = [
        *Page.content_panels,
        FieldPanel("body"),
        FieldPanel("picture"),
    ]
