"""Texts are encrypted with the first key, and decrypted with any."""

import sys
from typing import Any

import pytest

from djtasks.errors import MissingKey
from djtasks.formats.encryption import NO_KEYS, Cipher, is_key, new_key

OLD, NEW = new_key(), new_key()


def test_a_text_comes_back_and_no_two_tokens_of_it_are_equal() -> None:
    cipher = Cipher([NEW])

    tokens = {cipher.encrypt("4111 é"), cipher.encrypt("4111 é")}

    assert len(tokens) == 2
    assert not any("4111" in token for token in tokens)
    assert {cipher.decrypt(token) for token in tokens} == {"4111 é"}


def test_the_first_key_encrypts_and_all_keys_decrypt() -> None:
    token = Cipher([OLD]).encrypt("x")

    assert Cipher([NEW, OLD]).decrypt(token) == "x"
    assert Cipher([OLD]).decrypt(Cipher([OLD, NEW]).encrypt("x")) == "x"
    with pytest.raises(MissingKey, match="none of OPTIONS"):
        Cipher([NEW]).decrypt(token)


def test_a_rotated_token_opens_with_the_first_key_and_is_rotated_once() -> None:
    cipher = Cipher([NEW, OLD])

    rotated = cipher.rotated(Cipher([OLD]).encrypt("x"))

    assert Cipher([NEW]).decrypt(rotated) == "x"
    assert cipher.rotated(rotated) == rotated


def test_a_forged_token_is_no_text() -> None:
    token = Cipher([NEW]).encrypt("x")

    for forged in (token[:-4] + "AAA=", "", "é", "nonsense"):
        with pytest.raises(MissingKey):
            Cipher([NEW]).decrypt(forged)


def test_without_keys_or_the_package_the_reason_is_told(monkeypatch: Any) -> None:
    with pytest.raises(MissingKey, match="'encryption_keys'] is empty"):
        NO_KEYS.encrypt("x")
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(MissingKey, match=r"pip install 'djtasks\[encryption\]'"):
        Cipher([NEW]).encrypt("x")
    with pytest.raises(MissingKey, match=r"pip install 'djtasks\[encryption\]'"):
        Cipher([NEW]).decrypt("x")


@pytest.mark.parametrize("value", [None, 7, b"x" * 44, "", "x" * 44, "é" * 44, "x" * 43 + "=="])
def test_what_is_no_fernet_key_is_none(value: object) -> None:
    assert not is_key(value)
    assert is_key("x" * 43 + "=")


def test_a_cipher_prints_no_key() -> None:
    assert NEW not in repr(Cipher([NEW]))
