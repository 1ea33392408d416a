"""One deed, one page: what it means, its form, and where the contract stands afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Optional

from contracts import actions, guideline, queries, rules
from contracts.actions.decisions import SCAN_BYTES_MAX, SIGNATURE_TEXT_MAX
from contracts.models import Contract
from contracts.pages import fields, shown, standing
from exchange import clock
from exchange.errors import Words, WrongState, text
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from listings.pages.forms import Day

blueprint = Blueprint("deeds", __name__, url_prefix="/desk/contracts")
SCAN_ENVELOPE_BYTES = 1_500_000  # what is sent beside the scan, and a scan that is a little too large is told so


class ConfirmForm(Form):
    """Nothing but the confirmation."""


class AcceptForm(Form):
    """The version accepted, and what a public body writes on its approval."""

    version = HiddenField()
    approval_reference = StringField(
        text("決裁番号"),
        description=text(
            "自治体など、内部の決裁を経る組織の場合。自治体では、決裁番号、決裁日、契約担当者のすべてを入力すると、記名押印または"
            "電子署名の記録になります。後から記録することもできます。"
        ),
        validators=[fields.longest(100)],
    )
    approved_on = Day(text("決裁日"), validators=[Optional()])
    signatory = StringField(text("契約担当者"), validators=[fields.longest(100)])


class ReasonForm(Form):
    """Why."""

    reason = TextAreaField(
        text("理由"),
        description=text("相手方に伝わります。"),
        validators=[DataRequired(text("理由を入力してください。")), fields.longest(1_000)],
    )


class TerminateForm(ReasonForm):
    """Why, and when."""

    when = RadioField(
        text("いつ解約しますか"),
        choices=[("now", text("いますぐ")), ("after_cure", text("是正の期間を置き、直らないときに解約する"))],
        default="now",
        validate_choice=False,
    )


class SignForm(Form):
    """What was signed, when, by whom, and where it lies."""

    kind = RadioField(
        text("署名の方法"),
        choices=[(key, text(title)) for key, title in standing.SIGNATURE_TITLES.items()],
        default="paper",
        validators=[InputRequired(text("署名の方法を選んでください。"))],
        validate_choice=False,
    )
    signed_on = Day(text("署名した日"), validators=[InputRequired(text("署名した日を入力してください。"))])
    signatory = StringField(
        text("署名した人の職名と氏名"),
        description=text("例：みなと台市長 山田花子"),
        validators=[
            InputRequired(text("記名押印または署名をした人の職名と氏名を入力してください。")),
            fields.longest(SIGNATURE_TEXT_MAX),
        ],
    )
    reference = StringField(
        text("文書番号"),
        description=text("契約書を保管している文書の番号です。PDFを付けるときは、なくてもかまいません。"),
        validators=[fields.longest(SIGNATURE_TEXT_MAX)],
    )
    scan = FileField(
        text("契約書の写し（PDF）"),
        description=text("スキャンしたもの、または電子署名の付いたPDF。10 MB まで。相手方と運営者が見られます。"),
    )


class GroundForm(Form):
    """債務負担行為 or 長期継続契約."""

    ground = TextAreaField(
        text("年度を越える根拠"),
        description=text(
            "債務負担行為（地方自治法第214条）または長期継続契約（同法第234条の3）と、議決や条例の番号を書いてください。"
        ),
        validators=[DataRequired(text("根拠を入力してください。")), fields.longest(1_000)],
    )


class DeletionForm(Form):
    """When and how the data were deleted."""

    deleted_on = Day(text("消去した日"), validators=[InputRequired(text("消去した日を入力してください。"))])
    method = TextAreaField(
        text("消去の方法"),
        description=text(
            "消去した場所（端末、サーバー、バックアップ）と方法を書いてください。例：サーバーと控えから削除し、復元できないことを"
            "確かめた。"
        ),
        validators=[DataRequired(text("消去の方法を入力してください。")), fields.longest(1_000)],
    )


def _confirm(contract: Contract, form: Any) -> Contract:
    return actions.confirm(contract, by=me(), at=clock.now())


def _accept(contract: Contract, form: Any) -> Contract:
    version = form.version.data
    return actions.accept(
        contract,
        version=int(version) if (version or "").isdigit() else None,
        approval_reference=form.approval_reference.data,
        approved_on=form.approved_on.data,
        signatory=form.signatory.data,
        remote=request.remote_addr,
        by=me(),
        at=clock.now(),
    )


def _decline(contract: Contract, form: Any) -> Contract:
    return actions.decline(contract, reason=form.reason.data, by=me(), at=clock.now())


def _sign(contract: Contract, form: Any) -> Contract:
    scan = form.scan.data
    return actions.sign(
        contract,
        kind=form.kind.data,
        reference=form.reference.data,
        signed_on=form.signed_on.data,
        signatory=form.signatory.data,
        scan=scan.read(SCAN_BYTES_MAX + 1) if scan else None,
        by=me(),
        at=clock.now(),
    )


def _suspend(contract: Contract, form: Any) -> Contract:
    return actions.suspend(contract, reason=form.reason.data, by=me(), at=clock.now())


def _resume(contract: Contract, form: Any) -> Contract:
    return actions.resume(contract, reason=form.reason.data, by=me(), at=clock.now())


def _terminate(contract: Contract, form: Any) -> Contract:
    when = form.when.data or "now"
    return actions.terminate(contract, reason=form.reason.data, when=when, by=me(), at=clock.now())


def _refuse_renewal(contract: Contract, form: Any) -> Contract:
    return actions.refuse_renewal(contract, reason=form.reason.data, by=me(), at=clock.now())


def _record_ground(contract: Contract, form: Any) -> Contract:
    return actions.record_renewal_ground(contract, ground=form.ground.data, by=me(), at=clock.now())


def _certify_deletion(contract: Contract, form: Any) -> Contract:
    method, on = form.method.data, form.deleted_on.data
    return actions.certify_deletion(contract, method=method, deleted_on=on, by=me(), at=clock.now())


@dataclass(frozen=True, kw_only=True)
class Deed:
    """A deed's page: where it is, its form, its words, its action."""

    path: str
    form: type[Form]
    button: text
    lead: text
    run: Callable[[Contract, Any], Contract]
    kind: str = "primary"
    done: text | None = None


DEEDS: dict[str, Deed] = {
    "confirm": Deed(
        path="confirm",
        form=ConfirmForm,
        button=text("確認して提供者に送る"),
        lead=text("組織としてこの申込みを行うことを確認します。確認すると、提供者に申込みが伝わります。"),
        run=_confirm,
        done=text("確認しました。提供者の回答をお待ちください。"),
    ),
    "accept": Deed(
        path="accept",
        form=AcceptForm,
        button=text("承諾する"),
        lead=text("この条件で合意します。運営者が承認すると契約が成立し、取り消せません。"),
        run=_accept,
    ),
    "sign": Deed(
        path="signature",
        form=SignForm,
        button=text("記名押印・電子署名を記録する"),
        lead=text(
            "自治体の契約は、記名押印または電子署名があって確定します（地方自治法第234条第5項）。契約書のPDFに記名押印または"
            "電子署名をしてから、その記録をここに入力してください。"
        ),
        run=_sign,
        done=text("記名押印または電子署名を記録しました。"),
    ),
    "decline": Deed(
        path="decline",
        form=ReasonForm,
        button=text("辞退する"),
        lead=text("この申込みを終わりにします。元に戻せません。"),
        run=_decline,
        kind="danger",
    ),
    "suspend": Deed(
        path="suspend",
        form=ReasonForm,
        button=text("停止する"),
        lead=text("データの引渡しをすぐに止めます。再開できるのは、停止した側だけです。"),
        run=_suspend,
        kind="danger",
    ),
    "resume": Deed(
        path="resume",
        form=ReasonForm,
        button=text("再開する"),
        lead=text("データの引渡しを再開します。"),
        run=_resume,
    ),
    "refuse_renewal": Deed(
        path="refuse-renewal",
        form=ReasonForm,
        button=text("更新しない"),
        lead=text("いまの契約期間で契約を終えることを相手方に通知します。取り消せません。"),
        run=_refuse_renewal,
        kind="danger",
        done=text("更新しないことを相手方に通知しました。"),
    ),
    "ground": Deed(
        path="renewal-ground",
        form=GroundForm,
        button=text("年度を越える根拠を記録する"),
        lead=text("利用者が自治体のときは、根拠の記録がなければ、契約は3月31日を越えて更新されません。"),
        run=_record_ground,
        done=text("根拠を記録しました。"),
    ),
    "delete": Deed(
        path="deletion",
        form=DeletionForm,
        button=text("消去を報告する"),
        lead=text(
            "提供データを複製物を含めて消去したことを報告します。証明書が作られ、提供者に伝わります。訂正できません。"
        ),
        run=_certify_deletion,
        done=text("消去を報告しました。証明書をこのページから取得できます。"),
    ),
    "terminate": Deed(
        path="terminate",
        form=TerminateForm,
        button=text("解約する"),
        lead=text("契約を終わらせます。それまでに生じた対価の支払いは残ります。元に戻せません。"),
        run=_terminate,
        kind="danger",
    ),
}
AT_PATH = {page.path: deed for deed, page in DEEDS.items()}


def open_to_me(contract: Contract) -> list[str]:
    """What I can do about a contract today."""
    return rules.open_to(me(), contract, clock.today())


@blueprint.url_value_preprocessor
def _room_for_a_scan(endpoint: str | None, values: dict[str, Any] | None) -> None:
    # Before the protection against forged requests looks for its token in the body, and so reads it.
    if values and values.get("path") == DEEDS["sign"].path:
        request.max_content_length = SCAN_BYTES_MAX + SCAN_ENVELOPE_BYTES


@blueprint.route(
    "/<contract_id>/<any(confirm, accept, signature, decline, suspend, resume, terminate, 'refuse-renewal', "
    "'renewal-ground', deletion):path>",
    methods=["GET", "POST"],
)
@signed_in()
def act(contract_id: str, path: str) -> Any:
    """A page that says what the deed means, with its form."""
    contract = queries.contract_seen_by(me(), contract_id)
    deed = AT_PATH[path]
    page = DEEDS[deed]
    if deed not in open_to_me(contract):
        return _not_now(contract, rules.refusal(deed, me(), contract) if deed in rules.WHO else None)
    form: Any = page.form(data={"version": str(contract.version), "when": "now", "kind": "paper"})
    if form.validate_on_submit():
        with attempt(form) as tried:
            page.run(contract, form)
        if tried.ok:
            if page.done:
                flash(str(page.done), "success")
            return _back(contract)
        if isinstance(tried.refusal, WrongState):
            flash(str(tried.refusal.detail), "error")
            return _back(contract)
    return _form_page(contract, deed, page, form), 422 if form.errors else 200


def _form_page(contract: Contract, deed: str, page: Deed, form: Any) -> str:
    content = shown.contract_content(contract)
    return render_template(
        "contracts/deed.html",
        form=form,
        contract=contract,
        deed=deed,
        page=page,
        terms=shown.key_terms(contract, content),
        deviations=shown.deviations(content),
        ahead=rules.renewal(contract),
    )


def _not_now(contract: Contract, why: Words | None) -> Any:
    """Somebody was faster, or it is not theirs to do: say so where the contract stands."""
    flash(str(why) if why else _("いまはこの操作を行えません。現在の状態をご確認ください。"), "warning")
    return _back(contract)


def _back(contract: Contract) -> Any:
    return redirect(url_for("deals.show", contract_id=contract.id), 303)


class CounterForm(Form):
    """A word to the other side, beside the variables."""

    message = TextAreaField(
        text("相手への説明"),
        description=text("何をなぜ変えたいかを書いてください。"),
        validators=[DataRequired(text("相手への説明を入力してください。")), fields.longest(2_000)],
    )


@blueprint.route("/<contract_id>/counter", methods=["GET", "POST"])
@signed_in()
def counter(contract_id: str) -> Any:
    """Other terms: every variable as it stands, to be changed."""
    contract = queries.contract_seen_by(me(), contract_id)
    if "counter" not in rules.allowed(me(), contract):
        return _not_now(contract, rules.refusal("counter", me(), contract))
    template = guideline.template(contract.template_key)
    kind = fields.with_variables(CounterForm, template.variables)
    form: Any = kind(data=fields.standing_data(template.variables, contract.variables))
    if form.validate_on_submit():
        with attempt(form) as tried:
            changed = fields.chosen(form, template.variables, contract.variables)
            message = form.message.data
            actions.counter(
                contract, variables=changed, message=message, remote=request.remote_addr, by=me(), at=clock.now()
            )
        if tried.ok:
            flash(_("条件を提案しました。相手の回答をお待ちください。"), "success")
            return _back(contract)
    page = render_template(
        "contracts/counter.html",
        form=form,
        contract=contract,
        groups=[(clause, template.of_article(clause.article)) for clause in template.clauses],
        said=shown.said,
    )
    return page, 422 if form.errors else 200
