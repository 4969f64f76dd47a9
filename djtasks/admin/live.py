"""Live pages: the page's script requests the same address, but only its live region.

The page's script polls with the header below. The answer is the region alone, tagged with a
hash of its content, so that an unchanged region costs a 304 without a body.
"""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

LIVE_HEADER = "X-Djtasks-Live"


def is_live(request: HttpRequest) -> bool:
    """Return whether the page's own script asks for the live region."""
    return LIVE_HEADER in request.headers


def live_response(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Return the page, its live region if the script asks for it, or a 304 if that is unchanged."""
    page = TemplateResponse(request, template, context)
    patch_vary_headers(page, [LIVE_HEADER])
    if not is_live(request):
        return page
    page.render()
    etag = f'"{hashlib.blake2s(page.content, digest_size=16).hexdigest()}"'
    page["ETag"] = etag
    known = get_conditional_response(request, etag=etag, response=page)
    return page if known is None else known
