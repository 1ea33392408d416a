"""The exchange's seal on a contract's PDF: made once (PAdES B-B, ETSI EN 319 142-1), read back by anybody.

Sealing appends to the PDF and changes nothing of it, so that it stays the archive PDF (PDF/A-2) that it was. pyHanko
does both sides. Nobody else's machine is asked: what counts is whether this exchange's own certificate sealed it.
"""

from __future__ import annotations

import binascii
import io
import logging
import re
from datetime import datetime
from itertools import islice
from typing import Any

from asn1crypto import cms, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.validation import EmbeddedPdfSignature, SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import CertificateRegistry

from contracts.documents import certificate
from contracts.documents.certificate import Identity, Known
from contracts.documents.verdict import Finding, Mark, Verdict
from exchange.clock import JST
from exchange.config import ConfigError

FIELD = "Seal"
DIGEST = "sha256"
ATTRIBUTES_BYTES_MAX = 2_048  # what the seal holds beside certificates: signed attributes and the signature itself
COVERED = re.compile(rb"/ByteRange \[ ?0 \d{1,9} (\d{1,9}) (\d{1,9})")
SEALS_TRIED_MAX = 4
# It reports at length on what is wrong with files that strangers send; the verdict says it.
for _talkative in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_talkative).setLevel(logging.CRITICAL)
USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})


# ── sealing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def seal(pdf: bytes, mark: Mark, *, at: datetime) -> bytes:
    """The PDF with the exchange's seal behind it. Takes some 60 ms."""
    identity = certificate.identity()
    meta = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        reason=mark.reason,
    )
    field = SigFieldSpec(FIELD, readable_field_name="取引市場の封印")
    signer = _PdfSigner(meta, _Signer(identity), new_field_spec=field)
    signer.at = at.astimezone(JST)
    sealed = signer.sign_pdf(_Appending(io.BytesIO(pdf)), bytes_reserved=_room(identity))
    return bytes(sealed.getvalue())


def _room(identity: Identity) -> int:
    """How many hexadecimal digits the seal may take."""
    certificates = (identity.certificate, *identity.chain)
    return 2 * (ATTRIBUTES_BYTES_MAX + sum(len(c.public_bytes(Encoding.DER)) for c in certificates))


class _Appending(IncrementalPdfFileWriter):
    """Leaves the document's metadata as they were made: they say which archive standard it keeps, in a form of its own,
    and when it was made, by the exchange's clock."""

    def _update_meta(self) -> None:
        pass


class _PdfSigner(PdfSigner):
    """Seals at a time that it is told."""

    at: datetime

    def init_signing_session(self, *arguments: Any, **options: Any) -> PdfSigningSession:
        session = super().init_signing_session(*arguments, **options)
        session.system_time = self.at
        return session


class _Signer(Signer):
    """Signs with the key as it was loaded once. pyHanko's own loads and checks it at every signature, 80 ms each."""

    def __init__(self, identity: Identity) -> None:
        chain = CertificateRegistry.build([_asn1(c.public_bytes(Encoding.DER)) for c in identity.chain])
        super().__init__(signing_cert=_asn1(identity.certificate.public_bytes(Encoding.DER)), cert_registry=chain)
        self._key = identity.key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        assert digest_algorithm == DIGEST
        return self._key.sign(data, PKCS1v15(), hashes.SHA256())


def _asn1(der: bytes) -> x509.Certificate:
    return x509.Certificate.load(der)


# ── reading back ─────────────────────────────────────────────────────────────────────────────────────────────────────


def verify(pdf: bytes) -> Verdict:
    """Whether a file is a contract as this exchange sealed it, and if not, what it is instead."""
    if not pdf.startswith(b"%PDF-"):
        return Verdict(Finding.NOT_A_PDF)
    verdict = _read(pdf)
    if not verdict.is_genuine and any(_read(pdf[:end]).is_genuine for end in _sealed_ends(pdf)):
        return Verdict(Finding.EXTENDED)
    return verdict


def _sealed_ends(pdf: bytes) -> list[int]:
    """Where seals in a file say that what they cover ends, if more follows: what was put behind it may be anything."""
    found = (int(end[1]) + int(end[2]) for end in islice(COVERED.finditer(pdf), SEALS_TRIED_MAX))
    return [end for end in found if end < len(pdf)]


def _read(pdf: bytes) -> Verdict:
    try:
        signatures = list(PdfFileReader(io.BytesIO(pdf)).embedded_signatures)
        if not signatures:
            return Verdict(Finding.NO_SEAL)
        known = certificate.known()
        ours = next((each for each in signatures if each.signer_cert.dump() in known.own), None)
        return Verdict(Finding.FOREIGN) if ours is None else _judged(ours, known, pdf)
    except ConfigError:
        raise
    except Exception:
        # Whatever a file made by anyone can do to a reader, it is no contract of ours.
        return Verdict(Finding.BROKEN)


def _judged(signature: EmbeddedPdfSignature, known: Known, pdf: bytes) -> Verdict:
    """The verdict on a seal that names one of our certificates. Anybody can name it: what follows is the proof."""
    sealed_at = signature.self_reported_timestamp
    assert sealed_at is not None
    # The certificate was good when it sealed; that it ran out since takes nothing from the contract. The time is our
    # own word, as is the whole seal.
    roots = [_asn1(der) for der in known.own]
    trust = ValidationContext(trust_roots=roots, allow_fetching=False, moment=sealed_at)
    status = validate_pdf_signature(signature, trust, key_usage_settings=USAGE, skip_diff=True)
    if not (status.intact and status.valid):
        return Verdict(Finding.CHANGED)
    if status.coverage == SignatureCoverageLevel.ENTIRE_REVISION:
        return Verdict(Finding.EXTENDED)
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    if not (status.trusted and whole and _is_plain(signature, known, pdf)):
        return Verdict(Finding.CHANGED)
    mark = Mark.read(signature.sig_object.get("/Reason"))
    if mark is None:
        return Verdict(Finding.NO_CONTRACT)
    return Verdict(Finding.GENUINE, mark, sealed_at.astimezone(JST), _name(signature.signer_cert))


def _name(own: x509.Certificate) -> str:
    subject = own.subject.native
    return str(subject.get("common_name") or subject.get("organization_name") or own.subject.human_friendly)


def _is_plain(signature: EmbeddedPdfSignature, known: Known, pdf: bytes) -> bool:
    """Whether the gap in the file that no signature can cover, because it holds the signature, holds nothing else.

    A signature is sound whatever its container says of itself, so the container is put together anew from what is
    proven (attributes, signature) and what we know (certificates), and compared byte for byte.
    """
    signer, own = signature.signer_info, signature.signer_cert
    certificates = [own, *signature.other_embedded_certs]
    if not all(each.dump() in known.own | known.above for each in certificates):
        return False
    issuer = {"issuer": own.issuer, "serial_number": own.serial_number}
    digest = {"algorithm": DIGEST}
    plain = {
        "version": "v1",
        "digest_algorithms": [digest],
        "encap_content_info": {"content_type": "data"},
        "certificates": [cms.CertificateChoices("certificate", each) for each in certificates],
        "signer_infos": [
            {
                "version": "v1",
                "sid": cms.SignerIdentifier("issuer_and_serial_number", issuer),
                "digest_algorithm": digest,
                "signed_attrs": signer["signed_attrs"],
                "signature_algorithm": {"algorithm": "sha256_rsa"},
                "signature": signer["signature"].native,
            }
        ],
    }
    made = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(plain)}).dump()
    _, start, end, _ = signature.byte_range
    digits = binascii.hexlify(made).upper().ljust(end - start - 2, b"0")
    return pdf[start:end] == b"<" + digits + b">"
