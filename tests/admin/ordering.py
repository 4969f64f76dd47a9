"""A task with an argument of every kind, for the form that is made of its signature."""

from datetime import date
from typing import Any, Literal

from djtasks import task

Template = Literal["invoice_2026_en", "invoice_2026_de", "invoice_2026_el"]


@task(queue_name="mail", sensitive=("portal_code",), max_attempts=5, timeout=30, unique=True)
def send_invoice(
    order_id: int,
    template: Template = "invoice_2026_en",
    *,
    attach_terms: bool = False,
    portal_code: str | None = None,
    discount: float = 0.0,
    due: date | None = None,
    lines: list[dict[str, Any]] | None = None,
) -> int:
    """Render the invoice of an order as PDF and mail it to the customer.

    It is sent once, whoever asks for it meanwhile.
    """
    return order_id


@task
def measure(path: str, /, factor: int = 2, *rest: Any, note: str = "plain", **more: Any) -> Any:
    return [path, factor, rest, note, more]
