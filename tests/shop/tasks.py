"""The tasks that several pages of the documentation use."""

from djtasks import task
from tests.shop.models import Order


@task
def pack(order_id: int) -> str:
    Order.objects.filter(pk=order_id).update(packed=True)
    return f"order {order_id} is packed"
