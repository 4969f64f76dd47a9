"""The conformance suite of `djtasks.store.base.Store`, put together from its parts."""

from djtasks.testing.contracts.claiming import ClaimContract
from djtasks.testing.contracts.inserting import InsertContract
from djtasks.testing.contracts.looking import LookContract
from djtasks.testing.contracts.settling import SettleContract


class StoreContract(InsertContract, ClaimContract, SettleContract, LookContract):
    """Subclass it with a pytest fixture `store`: TASKS["default"] in an empty database.

    Each test may stand in a transaction that is rolled back. What several connections do to
    each other at once is not in it.
    """
