"""Pages that keep themselves current: the same address, asked for its live region only.

The page's script polls with the header below. The answer is the region alone, tagged with a
hash of what it says, so that nothing new costs 304 and no body.
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
    """Return the page, or its live region where that is asked for and not yet known."""
    page = TemplateResponse(request, template, context)
    patch_vary_headers(page, [LIVE_HEADER])
    if not is_live(request):
        return page
    page.render()
    etag = f'"{hashlib.blake2s(page.content, digest_size=16).hexdigest()}"'
    page["ETag"] = etag
    known = get_conditional_response(request, etag=etag, response=page)
    return page if known is None else known
