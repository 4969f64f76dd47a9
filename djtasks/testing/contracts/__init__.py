"""What every broker and every store must do, as tests to be subclassed.

A subclass gives a `broker` or a `store` fixture, and pytest runs what it inherits:
docs/guides/writing-a-broker.md. For readable failures, call
`pytest.register_assert_rewrite("djtasks.testing.contracts")` in a conftest.py.
"""

from djtasks.testing.contracts.brokers import BrokerContract
from djtasks.testing.contracts.stores import StoreContract

__all__ = ["BrokerContract", "StoreContract"]
