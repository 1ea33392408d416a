"""The exchange's seal on a contract's PDF: made once (PAdES B-B, ETSI EN 319 142-1), read back by anybody.

Sealing appends to the PDF and changes nothing of it, so that it stays the archive PDF (PDF/A-2) that it was. pyHanko
does both sides. Nobody else's machine is asked: what counts is whether this exchange's own certificate sealed it.
"""

from __future__ import annotations

import asyncio
import binascii
import io
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from asn1crypto import cms, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.validation import (
    SignatureCoverageLevel,
    async_validate_detached_cms,
    validate_pdf_signature,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import CertificateRegistry

from contracts.documents import certificate
from contracts.documents.certificate import Identity, Known
from contracts.documents.verdict import Finding, Mark, Verdict
from exchange.clock import JST
from exchange.errors import Unavailable, text

Done = TypeVar("Done")
FIELD = "Seal"
DIGEST = "sha256"
ATTRIBUTES_BYTES_MAX = 2_048  # what the seal holds beside certificates: signed attributes and the signature itself
BYTE_RANGE = re.compile(rb"/ByteRange\s{0,8}\[\s{0,8}0\s{1,8}(\d{1,9})\s{1,8}(\d{1,9})\s{1,8}(\d{1,9})")
GAP_BYTES_MAX = 128 * 1024  # our seals take some 6 kB, more with a long chain
END_BYTES = 1_024  # within which a PDF says that it ends
SEALS_TRIED_MAX = 4
# It reports at length on what is wrong with files that strangers send; the verdict says it.
for _talkative in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_talkative).setLevel(logging.CRITICAL)
USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})


# ── sealing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def seal(pdf: bytes, mark: Mark, *, at: datetime) -> bytes:
    """The PDF with the exchange's seal behind it, in some 15 ms. `Unavailable` where the certificate ran out."""
    identity = certificate.identity()
    if not identity.is_good(at):
        raise Unavailable(text("契約書を封印する証明書の有効期間が過ぎています。運営者にお知らせください。"))
    meta = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        reason=mark.reason,
    )
    field = SigFieldSpec(FIELD, readable_field_name="取引市場の封印")
    signer = _PdfSigner(meta, _Signer(identity), new_field_spec=field)
    signer.at = at.astimezone(JST)
    sealed = _apart(lambda: signer.sign_pdf(_Appending(io.BytesIO(pdf)), bytes_reserved=_room(identity)))
    return bytes(sealed.getvalue())


def _apart(work: Callable[[], Done]) -> Done:
    """Done in a thread of its own: pyHanko starts an event loop, which no thread that already runs one allows."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


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

# What a file with several seals is, the first of these that any of them is found to be.
_TELLING = (
    Finding.GENUINE,
    Finding.NO_CONTRACT,
    Finding.EXTENDED,
    Finding.CHANGED,
    Finding.BROKEN,
    Finding.FOREIGN,
)


def verify(pdf: bytes) -> Verdict:
    """Whether a file is a contract as this exchange sealed it, and if not, what it is instead.

    Files come from strangers, and reading a PDF made to harm can take minutes. So the seals are looked at first, as
    bytes, and the rest is read as a PDF only where our own key vouches for every byte of it.
    """
    if not pdf.startswith(b"%PDF-"):
        return Verdict(Finding.NOT_A_PDF)
    ranges = [tuple(map(int, found.groups())) for found in islice(BYTE_RANGE.finditer(pdf), SEALS_TRIED_MAX)]
    if not ranges:
        return Verdict(Finding.NO_SEAL if b"%%EOF" in pdf[-END_BYTES:] else Finding.BROKEN)
    known = certificate.known()
    verdicts = [_examined(pdf, start, end, length, known) for start, end, length in ranges]
    return min(verdicts, key=lambda verdict: _TELLING.index(verdict.finding))


def _examined(pdf: bytes, start: int, end: int, length: int, known: Known) -> Verdict:
    """The verdict on one seal, which covers [0, start) and [end, end + length) and lies in the gap between."""
    if not start < end <= end + length <= len(pdf):
        return Verdict(Finding.BROKEN)
    gap = pdf[start:end]
    if len(gap) > GAP_BYTES_MAX or not any(binascii.hexlify(own).upper() in gap for own in known.own):
        return Verdict(Finding.FOREIGN)
    if not _vouches(gap, pdf[:start] + pdf[end : end + length], known):
        return Verdict(Finding.CHANGED)
    if end + length < len(pdf):
        return Verdict(Finding.EXTENDED)
    return _read(pdf, [0, start, end, length], known)


def _vouches(gap: bytes, covered: bytes, known: Known) -> bool:
    """Whether one of our keys signed these bytes, and the gap that no signature can cover holds nothing besides."""
    try:
        signed = cms.ContentInfo.load(binascii.unhexlify(gap[1:-1]))["content"]
        if gap != _plain_gap(signed, known, len(gap)):
            return False
        found = async_validate_detached_cms(covered, signed, _trust(known), key_usage_settings=USAGE)
        status = _apart(lambda: asyncio.run(found))
        return bool(status.intact and status.valid)
    except Exception:  # whatever a container made by anyone can do to its reader, it is none of ours
        return False


def _plain_gap(signed: cms.SignedData, known: Known, length: int) -> bytes | None:
    """The gap as it is where it holds a seal of ours and nothing else.

    A signature is sound whatever its container says of itself. So the container is put together anew from what the
    signature proves (its attributes) and what we know (our certificates), to be compared byte for byte.
    """
    [signer], certificates = signed["signer_infos"], [each.chosen for each in signed["certificates"]]
    own = next(each for each in certificates if each.dump() in known.own)
    if not all(each.dump() in known.own | known.above for each in certificates):
        return None
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
    return b"<" + binascii.hexlify(made).upper().ljust(length - 2, b"0") + b">"


def _trust(known: Known, at: datetime | None = None) -> ValidationContext:
    return ValidationContext(trust_roots=[_asn1(der) for der in known.own], allow_fetching=False, moment=at)


def _read(pdf: bytes, byte_range: list[int], known: Known) -> Verdict:
    """The verdict on a file that our key signed to its end, once read as a PDF."""
    try:
        [signature] = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    except (PdfError, ValueError):
        return Verdict(Finding.CHANGED)
    sealed_at = signature.self_reported_timestamp
    assert sealed_at is not None
    # It must have been good when it sealed; that it ran out since takes nothing from the contract. The time is our own
    # word, as is the whole seal.
    own, trust = signature.signer_cert, _trust(known, sealed_at)
    status = _apart(lambda: validate_pdf_signature(signature, trust, key_usage_settings=USAGE, skip_diff=True))
    good = (
        status.intact and status.valid and status.trusted and own.not_valid_before <= sealed_at <= own.not_valid_after
    )
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE and list(signature.byte_range) == byte_range
    if not (whole and good):
        return Verdict(Finding.CHANGED)
    mark = Mark.read(signature.sig_object.get("/Reason"))
    if mark is None:
        return Verdict(Finding.NO_CONTRACT)
    return Verdict(Finding.GENUINE, mark, sealed_at.astimezone(JST), _name(own))


def _name(own: x509.Certificate) -> str:
    subject = own.subject.native
    return str(subject.get("common_name") or subject.get("organization_name") or own.subject.human_friendly)
