"""What somebody may put into a task to attack whoever looks at it; how to tell that it worked."""

import re
from html.parser import HTMLParser

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><script src=//evil.example/x.js></script>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "</title><script>alert(1)</script>",
    "</textarea></pre></code><script>alert(1)</script>",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>click</a>",
    "javascript:alert(1)//",
    "data:text/html,<script>alert(1)</script>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<base href=//evil.example/><meta http-equiv=refresh content=0;url=//evil.example>",
    "{{ 71919191|add:7 }}{% load static %}{% now 'Y' %}${71919191*7}",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#60;b&#62;",
    "\u202e<\u017fcript>alert(1)</\u017fcript>\u2028\u2029\ufeff",
    "%3Cscript%3Ealert(1)%3C/script%3E]]><x onclick=alert(1)>\\u003cscript\\u003e",
]
_MARKUP = [payload for payload in PAYLOADS if re.search(r"<\w|</\w|<!", payload)]
_RENDERED = ("71919198", "503434337")  # what a template would have made of the one in braces
_STRANGE = {
    "iframe", "object", "embed", "base", "math", "mtext", "style", "animate", "mglyph", "x"
}  # fmt: skip
_ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "srcdoc", "content"}


class _Inspector(HTMLParser):
    """Collects what none of our pages has, unless a text became markup."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_ours = (given.get("src") or "").startswith(("/static/", "/admin/jsi18n/"))
        if tag in _STRANGE or (tag in ("script", "img") and not is_ours):
            self.found.append(self.get_starttag_text() or tag)
        for name, value in attrs:
            target = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            leads_away = target.startswith(("javascript:", "data:", "vbscript:", "//"))
            if name.startswith("on") or (name in _ADDRESSES and leads_away):
                self.found.append(self.get_starttag_text() or name)


def holes(html: str) -> list[str]:
    """Return what of the payloads became markup in a page: nothing where all was escaped."""
    inspector = _Inspector()
    inspector.feed(html)
    raw = [payload for payload in _MARKUP if payload in html]
    rendered = [result for result in _RENDERED if result in html]
    return [*inspector.found, *raw, *rendered]
