"""Views that enqueue, for tests with Django's test client."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.tasks import add


def enqueue(request: HttpRequest) -> HttpResponse:
    result = add.enqueue(1, 2)
    add.enqueue(3, 4)
    return HttpResponse(result.id)


def enqueue_and_fail(request: HttpRequest) -> HttpResponse:
    add.enqueue(1, 2)
    raise RuntimeError("after the enqueueing")


def enqueue_and_recover(request: HttpRequest) -> HttpResponse:
    result = add.enqueue(1, 2)
    try:
        with transaction.atomic():
            add.enqueue(3, 4)
            raise RuntimeError("in a savepoint")
    except RuntimeError:
        return HttpResponse(result.id)


async def enqueue_async(request: HttpRequest) -> HttpResponse:
    result = await add.aenqueue(1, 2)
    return HttpResponse(result.id)


urlpatterns = [
    path("enqueue/", enqueue),
    path("fail/", enqueue_and_fail),
    path("recover/", enqueue_and_recover),
    path("async/", enqueue_async),
]
