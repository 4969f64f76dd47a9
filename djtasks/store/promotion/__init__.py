"""Open the doors of workflows: what the promoter reads and writes.

`look` decides what goes on in some workflows and writes it, in one transaction. `Sweep` finds the
workflows where something could move, for looks that were lost.
"""

from djtasks.store.promotion.look import look
from djtasks.store.promotion.rounds import Look, Pages
from djtasks.store.promotion.sweep import Sweep

__all__ = ["Look", "Pages", "Sweep", "look"]
