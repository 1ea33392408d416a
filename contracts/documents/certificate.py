"""The certificate that the exchange seals contracts with, and those it sealed with before.

    HOME/keys/seal.pem            certificate and key for development, made on first use where no other is set
    HOME/keys/seal-certificates/  every certificate this exchange ever sealed with, each with its chain: what was sealed
                                  stays verifiable when the certificate changes

SEAL_CERTIFICATE (PEM, the chain after it) and SEAL_KEY (PEM) name the exchange's own.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from exchange.config import Config, ConfigError, config

NAME = "Nakadachi development seal (not for production)"
KEY_BITS, KEY_BITS_MIN = 3072, 2048
# As long as any clock a demonstration is set to.
DEVELOPMENT_FROM, DEVELOPMENT_UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
log = logging.getLogger("exchange.seal")


@dataclass(frozen=True, repr=False)
class Identity:
    """What seals: a certificate with the chain above it, and the key. Never printed."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: rsa.RSAPrivateKey

    def is_good(self, at: datetime) -> bool:
        """Whether the certificate is in its term."""
        return self.certificate.not_valid_before_utc <= at <= self.certificate.not_valid_after_utc


def identity() -> Identity:
    """What this exchange seals with now; raises `ConfigError` where the files it was told of are of no use."""
    return _identity(config())


@lru_cache(maxsize=4)
def _identity(c: Config) -> Identity:
    if c.seal_certificate and c.seal_key:
        found = _parsed(_text(c.seal_certificate, "SEAL_CERTIFICATE"), _text(c.seal_key, "SEAL_KEY"))
    else:
        found = _development(c)
    _remember(c, found)
    return found


@dataclass(frozen=True)
class Known:
    """In DER: the certificates this exchange seals or ever sealed with, and those above them."""

    own: frozenset[bytes]
    above: frozenset[bytes]


def known() -> Known:
    """What this exchange's seals can have been made with."""
    c = config()
    files = [_certificates(path.read_bytes(), str(path)) for path in sorted(_kept(c).glob("*.pem"))]
    if c.seal_certificate or _development_file(c).exists():
        now = _identity(c)
        files.append([now.certificate, *now.chain])
    above = (each for _, *chain in files for each in chain)
    return Known(frozenset(_der(own) for own, *_ in files), frozenset(map(_der, above)))


# ── where they are ───────────────────────────────────────────────────────────────────────────────────────────────────


def _development_file(c: Config) -> Path:
    return c.home / "keys" / "seal.pem"


def _kept(c: Config) -> Path:
    return c.home / "keys" / "seal-certificates"


def _development(c: Config) -> Identity:
    path = _development_file(c)
    if not path.exists():
        _put(path, _made())
    if not c.embedded_database:
        log.warning("contracts are sealed with a certificate for development: set SEAL_CERTIFICATE and SEAL_KEY")
    pem = path.read_bytes()
    return _parsed(pem, pem)


def _remember(c: Config, found: Identity) -> None:
    """Keep the certificate with its chain, for the day when another seals."""
    pem = b"".join(_pem(each) for each in (found.certificate, *found.chain))
    path = _kept(c) / f"{hashlib.sha256(pem).hexdigest()[:32]}.pem"
    if path.exists():
        return
    try:
        _put(path, pem)
    except OSError as error:  # it seals all the same; who keeps no home keeps the old certificates elsewhere
        log.warning("the certificate of the seal is not kept for later", extra={"error": f"{path}: {error.strerror}"})


def _put(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all. Where two processes come at once, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()


# ── what they are ────────────────────────────────────────────────────────────────────────────────────────────────────


def _made() -> bytes:
    """A new key and a certificate that says it is for development."""
    key = rsa.generate_private_key(65537, KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(DEVELOPMENT_FROM)
        .not_valid_after(DEVELOPMENT_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return _pem(certificate) + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _parsed(certificates: bytes, key: bytes) -> Identity:
    certificate, *chain = _certificates(certificates, "SEAL_CERTIFICATE")
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError("SEAL_KEY must be a private key in PEM without a password") from error
    # An archive PDF (PDF/A-2, ISO 19005-2) is a PDF 1.7, whose signatures know no elliptic curves.
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < KEY_BITS_MIN:
        raise ConfigError(f"SEAL_KEY must be an RSA key of at least {KEY_BITS_MIN} bits")
    if certificate.public_key() != private.public_key():
        raise ConfigError("SEAL_CERTIFICATE must begin with the certificate that belongs to SEAL_KEY")
    return Identity(certificate, tuple(chain), private)


def _certificates(pem: bytes, where: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigError(f"{where} must hold certificates in PEM, the one that seals first") from error


def _text(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: cannot read {path}: {error.strerror}") from error


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
