"""Decrypt the arguments of a claim, for the call of the function. Nothing else does."""

from msgspec.structs import replace

from djtasks.engine import engine_of
from djtasks.enqueueing.encrypting import opened_call
from djtasks.formats.json_values import decode
from djtasks.formats.sealing import encode
from djtasks.protocol.records import Claim
from djtasks.store import Store


def is_plain(claim: Claim) -> bool:
    """Return whether the record holds all arguments in the clear; see `formats.sealing`."""
    return claim.kwargs.startswith("{")


def opened_claim(claim: Claim, store: Store) -> Claim:
    """Return the claim with all arguments as JSON; raise MissingKey if this worker lacks a key."""
    if is_plain(claim):
        return claim
    cipher = engine_of(store.backend).cipher
    call = opened_call(claim.task_path, decode(claim.args), decode(claim.kwargs), cipher)
    args, kwargs = (encode(part).decode() for part in call)
    return replace(claim, args=args, kwargs=kwargs)
