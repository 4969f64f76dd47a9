"""Encrypt and decrypt texts with Fernet keys. Only this module knows `cryptography`.

The package is optional, so it is imported when the first text is encrypted or decrypted.
"""

import base64
import importlib.util
import re
import secrets
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from djtasks.errors import MissingKey

INSTALL = "pip install 'djtasks[encryption]'"
_KEY_BYTES = 32
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")


def is_available() -> bool:
    """Return whether the package `cryptography` is installed."""
    return importlib.util.find_spec("cryptography") is not None


def is_key(value: object) -> bool:
    """Return whether this is a Fernet key: 32 bytes as URL-safe base64."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def new_key() -> str:
    """Return a random key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


class Cipher:
    """Fernet keys: the first one encrypts, all of them decrypt. Thread-safe."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        """Whether it has a key."""
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"<Cipher of {len(self._keys)} keys>"

    @cached_property
    def _fernet(self) -> Any:
        if not self._keys:
            raise MissingKey("OPTIONS['encryption_keys'] is empty")
        try:
            from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415
        except ImportError:
            raise MissingKey(f"the package cryptography is missing ({INSTALL})") from None
        return MultiFernet([Fernet(key) for key in self._keys])

    def encrypt(self, text: str) -> str:
        """Return the text encrypted with the first key; raise MissingKey without one."""
        token: bytes = self._fernet.encrypt(text.encode())
        return token.decode()

    def decrypt(self, token: str) -> str:
        """Return what was encrypted; raise MissingKey if none of the keys opens it."""
        fernet = self._fernet
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            text: bytes = fernet.decrypt(token.encode())
        except InvalidToken:
            raise MissingKey("none of OPTIONS['encryption_keys'] decrypts them") from None
        return text.decode()

    def rotated(self, token: str) -> str:
        """Return the token encrypted with the first key: itself if that key opens it already."""
        try:
            Cipher(self._keys[:1]).decrypt(token)
        except MissingKey:
            return self.encrypt(self.decrypt(token))
        return token


NO_KEYS = Cipher(())
