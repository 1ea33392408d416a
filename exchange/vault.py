"""Secrets that others entrust to the exchange, sealed with a key made from SECRET_KEY, opened only where they are used.

A sealed secret names its owner in what is authenticated: copied into another row it opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange import errors
from exchange.config import config

VERSION = "1"
NONCE_BYTES = 12


class SecretLost(errors.Conflict):
    """A secret was sealed with another SECRET_KEY, or its row was changed by hand; it has to be entered again."""

    title_ja = errors.N_("保存した鍵を開けません")


def seal(secret: str, *, of: str) -> str:
    """A secret as it is kept (AES-256-GCM); `of` names what it belongs to."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return f"{VERSION}:{base64.b64encode(nonce + _cipher().encrypt(nonce, secret.encode(), of.encode())).decode()}"


def unseal(sealed: str, *, of: str) -> str:
    """The secret; raises `SecretLost` where it was not sealed here for the same owner."""
    version, _, body = sealed.partition(":")
    try:
        packed = base64.b64decode(body, validate=True)
        if version != VERSION:
            raise ValueError(version)
        return _cipher().decrypt(packed[:NONCE_BYTES], packed[NONCE_BYTES:], of.encode()).decode()
    except (InvalidTag, ValueError, binascii.Error):
        raise SecretLost(
            errors.text("保存した鍵を開けません。SECRET_KEY が変わったためです。鍵をもう一度登録してください。")
        ) from None


def _cipher() -> AESGCM:
    return AESGCM(_key(config().secret_key))


@lru_cache(maxsize=2)
def _key(secret_key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"entrusted secrets").derive(secret_key.encode())
