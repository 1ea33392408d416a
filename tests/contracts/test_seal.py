"""The seal: a contract as the exchange sealed it is known as such by anybody, and nothing else ever is."""

from __future__ import annotations

import io
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from contracts import commands, queries
from contracts.documents import certificate, pdf, seal, sheets
from contracts.documents.certificate import Identity
from contracts.documents.verdict import PDF_BYTES_MAX, Finding, Mark
from contracts.pages import verifying
from exchange.config import Config, ConfigError, config, load
from exchange.errors import Unavailable
from tests.contracts.conftest import at_state
from tests.world import Person, World

Act = Callable[..., Any]
AT = datetime(2026, 11, 25, 9, 30, 15, tzinfo=UTC)
MARK = Mark("C-2026-000042", 3, "ab" * 32)
SHEET: dict[str, Any] = {
    "title": "データ提供契約書",
    "subtitle": "甲　と　乙",
    "draft": False,
    "operator": "運営事務局",
    "number": MARK.number,
    "version": "3",
    "sha256": MARK.sha256,
    "clauses": [{"heading": "第1条（目的）", "paragraphs": ["本契約は、人口のデータについて定める。"]}],
    "parties": [("甲", "みなと台市")],
    "data": [("名称", "人口")],
    "variables": [],
    "matrix": None,
    "annexes": [],
    "evidence": [("承諾", "あり")],
    "notes": ["注"],
}


@pytest.fixture(scope="module")
def printed(app: Any) -> bytes:
    return pdf.pdf(SHEET)


@pytest.fixture(scope="module")
def sealed(printed: bytes) -> bytes:
    return seal.seal(printed, MARK, at=AT)


@pytest.fixture
def home(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Config]]:
    """Another exchange: a home of its own, and the seal's settings as a test wants them."""

    def use(**settings: Any) -> Config:
        changed = replace(config(), **{"home": tmp_path} | settings)
        monkeypatch.setattr(certificate, "config", lambda: changed)
        return changed

    yield use
    certificate._identity.cache_clear()


def found(file: bytes) -> Finding:
    verdict = seal.verify(file)
    assert verdict.is_genuine or verdict.mark is verdict.sealed_at is verdict.sealed_by is None
    return verdict.finding


# ── genuine ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contract_is_sealed_when_it_becomes_active_and_not_before(ask: Act, act: Act, buyer: Person) -> None:
    path = {"headers": {"Accept": "application/pdf"}}
    draft = ask().json
    assert found(buyer.get(f"/contracts/{draft['id']}/document", **path).data) is Finding.NO_SEAL

    contract = at_state("active", ask, act)
    verdict = seal.verify(buyer.get(f"/contracts/{contract['id']}/document", **path).data)

    assert verdict.is_genuine
    assert verdict.mark == Mark(contract["number"], contract["version"], contract["document"]["sha256"])
    kept = queries.sealed(contract["id"])
    assert kept is not None and verdict.sealed_at == kept.sealed_at.replace(microsecond=0)
    assert verdict.sealed_by == certificate.NAME


def test_a_seal_says_contract_version_content_and_time(sealed: bytes) -> None:
    verdict = seal.verify(sealed)

    assert (verdict.mark, verdict.sealed_at, verdict.sealed_by) == (MARK, AT, certificate.NAME)


def test_sealing_appends_and_leaves_an_archive_pdf_with_its_text_and_fonts(printed: bytes, sealed: bytes) -> None:
    assert sealed.startswith(printed) and len(sealed) > len(printed)
    reader = pypdf.PdfReader(io.BytesIO(sealed))
    assert "人口のデータ" in reader.pages[0].extract_text()
    fonts = [font for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    descriptors = [f["/DescendantFonts"][0]["/FontDescriptor"] for f in (font.get_object() for font in fonts)]
    assert descriptors and all({"/FontFile2", "/FontFile3"} & d.keys() for d in descriptors)
    # ISO 19005-2: its identification stands, the version is 1.7, the widget is printed and not hidden (6.3.2), the
    # signature covers the whole file (6.4.3).
    metadata = reader.trailer["/Root"]["/Metadata"].get_data()
    assert metadata.count(b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>") == 1
    assert reader.pdf_header == "%PDF-1.7" and "/Version" not in reader.trailer["/Root"]
    [field] = reader.get_fields().values()
    [widget] = reader.pages[0]["/Annots"]
    assert widget["/F"] & 4 and not widget["/F"] & 3 and widget["/Rect"] == [0, 0, 0, 0]
    value = field["/V"]
    start, length, resumed, rest = value["/ByteRange"]
    assert (start, resumed + rest) == (0, len(sealed)) and sealed[length : length + 1] + sealed[
        resumed - 1 : resumed
    ] == b"<>"
    assert value["/SubFilter"] == "/ETSI.CAdES.detached" and MARK.number in value["/Reason"]


def test_the_evidence_names_who_agreed_from_where_and_who_approved(
    ask: Act, act: Act, buyer: Person, company: Person
) -> None:
    contract = at_state("active", ask, act)
    kept = queries.contract_by_id(contract["id"])
    rows = dict(sheets.records(queries.evidence(kept)))
    reader = pypdf.PdfReader(io.BytesIO(queries.document(kept, "application/pdf")))
    whole = "".join(page.extract_text() for page in reader.pages).replace(" ", "").replace("\n", "")

    for side, person, organization in (
        ("提供者", company, "みなとデータ株式会社"),
        ("利用者", buyer, "地図制作株式会社"),
    ):
        row = rows[f"{side}の承諾"]
        for words in (organization, person.name, person.email, "第1版", "送信元 127.0.0.1", "（日本時間）"):
            assert words in row
        assert row.replace(" ", "") in whole
    assert rows["運営者の承認"] == rows["契約の成立"] and "電子証明書で封印されています" in whole
    pages = len(reader.pages)
    assert all(f"{n}/{pages}ページ" in page.extract_text().replace(" ", "") for n, page in enumerate(reader.pages, 1))


# ── anything else ────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=200, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@example(share=0.0, flip=1)
def test_one_changed_byte_anywhere_is_never_genuine(sealed: bytes, share: float, flip: int) -> None:
    changed = bytearray(sealed)
    changed[int(share * len(sealed))] ^= flip
    assert found(bytes(changed)) is not Finding.GENUINE


@settings(max_examples=200, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.sampled_from([1, 2, 4, 8, 0x20]))
def test_not_even_in_the_gap_that_no_signature_covers(sealed: bytes, share: float, flip: int) -> None:
    """There lies the signature: another digit, the same digit in small letters, something hidden in the padding."""
    _, start, end, _ = _range(sealed)
    changed = bytearray(sealed)
    changed[start + int(share * (end - start))] ^= flip
    assert found(bytes(changed)) is not Finding.GENUINE


def _range(file: bytes) -> list[int]:
    [signature] = PdfFileReader(io.BytesIO(file)).embedded_signatures
    return [int(n) for n in signature.byte_range]


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=200))
@example(b"\n")
@example(b"%%EOF\n")
def test_whatever_is_put_behind_a_seal_is_found(sealed: bytes, more: bytes) -> None:
    assert found(sealed + more) is Finding.EXTENDED


def test_a_page_changed_in_an_update_that_any_viewer_shows_is_found(sealed: bytes) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    page, _ = writer.find_page_for_modification(0)
    page.get_object()["/Rotate"] = generic.NumberObject(180)
    writer.mark_update(page.reference)
    changed = io.BytesIO()
    writer.write(changed)

    assert changed.getvalue().startswith(sealed) and found(changed.getvalue()) is Finding.EXTENDED


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_never_genuine(sealed: bytes, share: float) -> None:
    assert found(sealed[: int(share * len(sealed))]) in (Finding.BROKEN, Finding.NO_SEAL, Finding.NOT_A_PDF)


@pytest.mark.parametrize("file", [b"", b"\0", "契約書".encode(), b"PK\x03\x04", b" %PDF-1.7"])
def test_what_is_no_pdf_is_called_so(app: Any, file: bytes) -> None:
    assert found(file) is Finding.NOT_A_PDF


def test_a_seal_of_someone_else_is_called_so(home: Act, printed: bytes) -> None:
    home()
    foreign = seal.seal(printed, MARK, at=AT)
    assert seal.verify(foreign).is_genuine
    certificate._identity.cache_clear()
    home(home=certificate.config().home / "third")

    assert found(foreign) is Finding.FOREIGN


def test_whoever_puts_our_certificate_on_a_seal_of_their_own_does_not_get_through(
    monkeypatch: pytest.MonkeyPatch, printed: bytes
) -> None:
    ours, stolen = certificate.identity(), rsa.generate_private_key(65537, 2048)
    with monkeypatch.context() as patched:
        patched.setattr(certificate, "identity", lambda: Identity(ours.certificate, (), stolen))
        forged = seal.seal(printed, MARK, at=AT)

    assert found(forged) is Finding.CHANGED


def test_what_we_sealed_otherwise_is_no_contract(printed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mark, "reason", "受領しました")
    assert found(seal.seal(printed, MARK, at=AT)) is Finding.NO_CONTRACT


def test_a_file_made_to_keep_a_reader_busy_is_not_read(app: Any) -> None:
    nested = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/AcroForm<</Fields[" + b"<</T(a)>>" * 2_000_000
    nested += b"]>>>>\nendobj\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n"
    start = nested.index(b"xref")
    nested += b"trailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
    began = datetime.now(UTC)

    assert found(nested) is Finding.NO_SEAL
    assert datetime.now(UTC) - began < timedelta(seconds=5)  # a minute and a half where it is read


# ── the certificate ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_processes_that_start_at_once_make_one_certificate_that_only_its_owner_reads(home: Act) -> None:
    c, made = home(), []
    threads = [threading.Thread(target=lambda: made.append(certificate._development(c))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({each.certificate.serial_number for each in made}) == 1 and len(made) == 6
    assert [path.name for path in (c.home / "keys").iterdir()] == ["seal.pem"]
    assert stat.S_IMODE((c.home / "keys" / "seal.pem").stat().st_mode) == 0o600
    assert "not for production" in made[0].certificate.subject.rfc4514_string()


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _issued(folder: Path, *, key: Any = None, days: int = 365) -> tuple[Path, Path]:
    """A certificate from a certification authority with its chain, and its key, as files."""
    authority, key = rsa.generate_private_key(65537, 2048), key or rsa.generate_private_key(65537, 2048)
    pems = []
    for subject, holder, is_ca in (("みなと取引市場", key, False), ("検証認証局", authority, True)):
        built = x509.CertificateBuilder().subject_name(_named(subject)).issuer_name(_named("検証認証局"))
        built = built.public_key(holder.public_key()).serial_number(x509.random_serial_number())
        built = built.not_valid_before(AT - timedelta(days=days)).not_valid_after(AT + timedelta(days=1))
        built = built.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        usage = [not is_ca, not is_ca, False, False, False, is_ca, is_ca, False, False]
        built = built.add_extension(x509.KeyUsage(*usage), critical=True)
        pems.append(built.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(pems))
    encodings = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*encodings))
    return chain, private


def test_the_exchanges_own_certificate_seals_with_its_chain_and_outlives_its_replacement(
    home: Act, tmp_path: Path, printed: bytes
) -> None:
    chain, key = _issued(tmp_path)
    home(seal_certificate=chain, seal_key=key)
    before = seal.seal(printed, MARK, at=AT)
    assert len(list(PdfFileReader(io.BytesIO(before)).embedded_signatures[0].other_embedded_certs)) == 1
    assert seal.verify(before).sealed_by == "みなと取引市場"
    certificate._identity.cache_clear()

    (tmp_path / "new").mkdir()
    chain, key = _issued(tmp_path / "new")
    home(seal_certificate=chain, seal_key=key)
    now = seal.seal(printed, MARK, at=AT)

    assert seal.verify(before).is_genuine and seal.verify(now).is_genuine


def test_a_certificate_that_ran_out_seals_no_more_and_a_seal_dated_later_is_not_genuine(
    home: Act, tmp_path: Path, printed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = _issued(tmp_path)
    home(seal_certificate=chain, seal_key=key)
    with pytest.raises(Unavailable):
        seal.seal(printed, MARK, at=AT + timedelta(days=2))
    monkeypatch.setattr(Identity, "is_good", lambda *_: True)

    assert found(seal.seal(printed, MARK, at=AT + timedelta(days=2))) is Finding.CHANGED


def test_a_certificate_of_no_use_is_named_at_the_start(home: Act, tmp_path: Path) -> None:
    chain, key = _issued(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = _issued(tmp_path / "other")
    (tmp_path / "curve").mkdir()
    curve, curve_key = _issued(tmp_path / "curve", key=ec.generate_private_key(ec.SECP256R1()))
    for certificate_file, key_file, words in (
        (chain, other, "belongs to SEAL_KEY"),
        (curve, curve_key, "RSA"),
        (chain, chain, "private key in PEM"),
        (key, key, "certificates in PEM"),
        (chain, tmp_path / "none.pem", "SEAL_KEY: cannot read"),
    ):
        home(seal_certificate=certificate_file, seal_key=key_file)
        with pytest.raises(ConfigError, match=words):
            certificate.identity()
    with pytest.raises(ConfigError, match="belong together"):
        load({"SEAL_KEY": str(key), "SECRET_KEY": "x" * 32}, at_rest=True)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def dropped(client: Any, file: bytes, name: str = "契約書.pdf") -> Any:
    """The answer to a stranger without scripts who drops a file."""
    return client.post("/verify", data={"file": (io.BytesIO(file), name)})


def test_a_stranger_learns_that_a_contract_is_genuine_and_nothing_else(
    ask: Act, act: Act, client: Any, sealed: bytes
) -> None:
    contract = at_state("active", ask, act)
    kept = queries.document(queries.contract_by_id(contract["id"]), "application/pdf")
    answer = dropped(client, kept)
    page = answer.get_data(as_text=True)

    assert answer.status_code == 200 and "本物の契約書です。" in page
    assert contract["number"] in page and "第1版" in page and contract["document"]["sha256"] in page
    for secret in (contract["id"], "地図制作株式会社", "みなとデータ株式会社", "地区別人口", "10,000"):
        assert secret not in page


def test_the_page_says_what_a_file_is_instead(client: Any, printed: bytes, sealed: bytes) -> None:
    for file, words in (
        (printed, "封印がありません。"),
        (sealed + b"\n", "封印されたあとに書き加えられています。"),
        (sealed.replace(b"/Reason", b"/Resaon"), "封印されたあとに変更されています。"),
        (sealed[:-100], "読み取れません。"),
    ):
        answer = dropped(client, file)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200 and words in page
        assert MARK.number not in page and "本物の契約書です。" not in page


@pytest.mark.parametrize("file", [b"", "契約書".encode()])
def test_what_is_no_pdf_is_refused_with_a_clear_message(client: Any, file: bytes) -> None:
    answer = dropped(client, file)
    assert answer.status_code == 422 and "PDFファイルではありません。" in answer.get_data(as_text=True)


def test_sending_nothing_is_refused_with_a_clear_message(client: Any) -> None:
    answer = client.post("/verify", data={}, content_type="multipart/form-data")
    assert answer.status_code == 422 and "PDFファイルを選んでください。" in answer.get_data(as_text=True)


def test_a_file_may_be_larger_here_than_elsewhere_but_not_too_large(client: Any) -> None:
    large = b"%PDF-1.7\n" + bytes(PDF_BYTES_MAX - 100) + b"\n%%EOF\n"
    assert "封印がありません。" in dropped(client, large).get_data(as_text=True)
    answer = dropped(client, large + bytes(200))
    assert answer.status_code == 413 and "20 MB 以内" in answer.get_data(as_text=True)


class Untouched(io.RawIOBase):
    """A body that nobody may read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: Any) -> int:
        raise AssertionError("the body was read")


def test_two_hundred_megabytes_are_refused_without_being_read(client: Any) -> None:
    answer = client.post(
        "/verify",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"wsgi.input": io.BufferedReader(Untouched()), "CONTENT_LENGTH": "200000000"},
    )
    assert answer.status_code == 413 and "20 MB 以内" in answer.get_data(as_text=True)


def test_the_page_is_found_from_the_contract_and_from_every_footer(
    ask: Act, act: Act, buyer: Person, client: Any
) -> None:
    contract, link = at_state("active", ask, act), 'href="/verify"'
    assert client.get("/").get_data(as_text=True).split("<footer")[1].count(link) == 1
    assert link in buyer.see(f"/desk/contracts/{contract['id']}").split("<footer")[0]
    assert client.get("/verify").status_code == 200


def test_every_finding_has_its_words() -> None:
    assert set(verifying.FINDINGS) == set(Finding) - {Finding.NOT_A_PDF}
    assert set(commands.WORDS) == set(Finding) - {Finding.GENUINE}


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_says_it_in_a_line_and_in_its_exit_code(
    app: Any, tmp_path: Path, printed: bytes, sealed: bytes
) -> None:
    huge = tmp_path / "huge.pdf"
    with huge.open("wb") as file:
        file.truncate(200_000_000)
    for content, code, words in (
        (
            sealed,
            0,
            f"genuine and unchanged: contract {MARK.number}, version 3, content SHA-256 {MARK.sha256}, sealed 2026-11-25T18:30:15+09:00",
        ),
        (printed, 1, "no seal"),
        (sealed + b"x", 1, "something was added after it was sealed"),
        (b"", 1, "not a PDF"),
        (None, 1, "larger than"),
    ):
        path = tmp_path / "file.pdf" if content is not None else huge
        if content is not None:
            path.write_bytes(content)
        done = app.test_cli_runner().invoke(args=["contracts", "verify", str(path)])
        assert done.exit_code == code and words in done.output and done.output.count("\n") == 1, done.output
    missing = app.test_cli_runner().invoke(args=["contracts", "verify", str(tmp_path / "none.pdf")])
    assert missing.exit_code == 1 and "cannot read" in missing.output


def test_what_we_keep_is_what_we_serve(ask: Act, act: Act, world: World, buyer: Person) -> None:
    contract = at_state("active", ask, act)
    kept = queries.sealed(contract["id"])
    page = buyer.browser.get(f"/desk/contracts/{contract['id']}/document.pdf")

    assert kept is not None and page.data == kept.pdf and seal.verify(kept.pdf).is_genuine
