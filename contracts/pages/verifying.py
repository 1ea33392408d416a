"""Is this contract's PDF genuine and unchanged? Anyone may ask; nothing is kept, and only what the seal says is told."""

from typing import Any

from flask import Blueprint, render_template, request
from flask_wtf.file import FileField, FileRequired
from werkzeug.exceptions import RequestEntityTooLarge

from contracts.documents.verdict import PDF_BYTES_MAX, Finding, Verdict
from exchange.errors import text
from exchange.identity import signing_in, throttle
from exchange.web.access import public
from exchange.web.forms import Form, csrf

blueprint = Blueprint("verifying", __name__)
ENVELOPE_BYTES_MAX = 64 * 1024  # what a browser puts around the file
LOOKS_PER_MINUTE = 30
NOT_A_PDF = text("PDFファイルではありません。契約書のPDFを選んでください。")
TOO_LARGE = text("ファイルが大きすぎます。20 MB 以内のPDFを選んでください。")
FINDINGS: dict[Finding, tuple[str, text, text]] = {
    Finding.GENUINE: (
        "success",
        text("本物の契約書です。封印されたときから変更されていません。"),
        text("この取引市場の証明書で封印されたPDFであり、ファイルの全体が封印されたときのままです。"),
    ),
    Finding.NO_SEAL: (
        "warning",
        text("封印がありません。"),
        text("承認される前の案か、印刷や変換で作り直したPDFか、この取引市場のものではないPDFです。"),
    ),
    Finding.FOREIGN: (
        "error",
        text("この取引市場の封印ではありません。"),
        text("電子署名はありますが、この取引市場の証明書によるものではありません。"),
    ),
    Finding.CHANGED: (
        "error",
        text("封印されたあとに変更されています。"),
        text("この取引市場が封印したときの内容ではありません。契約のページから、元のPDFを開いてください。"),
    ),
    Finding.EXTENDED: (
        "error",
        text("封印されたあとに書き加えられています。"),
        text("注釈や署名を加えて保存したPDFも、こうなります。契約のページから、元のPDFを開いてください。"),
    ),
    Finding.NO_CONTRACT: (
        "warning",
        text("契約書ではありません。"),
        text("この取引市場の証明書で封印されたPDFですが、契約書ではありません。"),
    ),
    Finding.BROKEN: (
        "error",
        text("読み取れません。"),
        text("PDFが壊れているか、途中で切れています。契約のページから、元のPDFを開いてください。"),
    ),
}


class VerifyForm(Form):
    """One file. It changes nothing here, so it needs no protection against being sent by another site."""

    class Meta(Form.Meta):
        csrf = False

    file = FileField(text("契約書のPDF"), validators=[FileRequired(text("PDFファイルを選んでください。"))])


# Without the exemption, the protection would look for its token in the body before this view can say how much is read.
@blueprint.route("/verify", methods=["GET", "POST"])
@csrf.exempt
@public
def verify() -> Any:
    """Drop a PDF, read the verdict."""
    request.max_content_length = PDF_BYTES_MAX + ENVELOPE_BYTES_MAX
    try:
        form: Any = VerifyForm()
        given = form.file.data.read(PDF_BYTES_MAX + 1) if form.validate_on_submit() else None
    except RequestEntityTooLarge:
        return _refused(VerifyForm(formdata=None), TOO_LARGE, 413)
    if given is None:
        return _page(form), 422 if form.errors else 200
    if len(given) > PDF_BYTES_MAX:
        return _refused(form, TOO_LARGE, 413)
    throttle.take(f"verify/{signing_in.network_of(request.remote_addr or '')}", limit=LOOKS_PER_MINUTE, lease=5)
    verdict = _look(given)
    return _refused(form, NOT_A_PDF, 422) if verdict.finding is Finding.NOT_A_PDF else _page(form, verdict)


def _look(given: bytes) -> Verdict:
    from contracts.documents import seal  # brings pyHanko, 0.3 s that nobody else should wait for

    return seal.verify(given)


def _refused(form: Any, why: text, status: int) -> Any:
    form.file.errors = [str(why)]
    return _page(form), status


def _page(form: Any, verdict: Verdict | None = None) -> str:
    told = FINDINGS[verdict.finding] if verdict else None
    return render_template("contracts/verify.html", form=form, verdict=verdict, told=told)
