"""The conformance suite of `djtasks.store.base.Store`, put together from its parts."""

from tests.store.contract.claiming import ClaimContract
from tests.store.contract.inserting import InsertContract
from tests.store.contract.looking import ScanContract
from tests.store.contract.settling import SettleContract


class StoreContract(InsertContract, ClaimContract, SettleContract, ScanContract):
    """Subclass it with a pytest fixture `store`: TASKS["default"] in an empty database.

    Each test may stand in a transaction that is rolled back. What several connections do to
    each other at once is not in it.
    """
