"""Public texts: terms, privacy, and what each refusal means."""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, render_template

from exchange import settings
from exchange.errors import N_, DomainError, NotFound, text
from exchange.identity import terms
from exchange.web.access import public
from exchange.web.presentation import locale

blueprint = Blueprint("legal", __name__)
Writer = Callable[[], str]  # the HTML of a text, in the reader's language
_writers: dict[tuple[str, int], Writer] = {}

# Refusals of HTTP itself, which have a name but no class of their own.
OF_HTTP = {
    "method-not-allowed": (
        405,
        N_("この方法ではご利用いただけません"),
        "The address exists, but not with this method.",
    ),
    "not-acceptable": (406, N_("ご希望の形式では応答できません"), "None of the representations you accept exists."),
    "too-large": (413, N_("送信された内容が大きすぎます"), "The request is larger than the stated limit."),
    "unsupported-media-type": (415, N_("この形式の内容は受け取れません"), "The body's media type is not read here."),
}
# What to do, by status; the same for every refusal of that status.
ADVICE = {
    400: N_("送信した内容の形式(JSON の書き方、文字コード、ヘッダー)を確認してください。"),
    401: N_("サインインするか、有効な API トークンを Authorization ヘッダーに付けてください。"),
    403: N_("必要な役割を、組織の責任者に確認してください。同じ内容を送り直しても結果は変わりません。"),
    404: N_("アドレスを確認してください。存在しないものと、閲覧できないものは、同じ応答になります。"),
    405: N_("API の文書で、使える HTTP メソッドを確認してください。"),
    406: N_("Accept ヘッダーを確認してください。"),
    409: N_("現在の状態を読み込み直し、応答の state と allowed を見て、次にできる操作を選んでください。"),
    410: N_("リンクの使用は一度だけで、期限があります。はじめの手続きからやり直してください。"),
    413: N_("内容を小さく分けてください。データのファイルは、アップロード用の URL に直接送ります。"),
    415: N_("Content-Type を確認してください。API は application/json を受け取ります。"),
    422: N_("応答の errors に、項目ごとの理由と直し方があります。直してからもう一度送ってください。"),
    429: N_("Retry-After ヘッダーの秒数を待ってから、もう一度送ってください。"),
    503: N_("しばらく待ってから、もう一度お試しください。続く場合は、参照番号を添えてお問い合わせください。"),
}


@blueprint.get("/terms/providers")
@public
def providers() -> Any:
    """Terms for those who provide data."""
    return _terms("providers")


@blueprint.get("/terms/users")
@public
def users() -> Any:
    """Terms for those who use data."""
    return _terms("users")


@blueprint.get("/privacy")
@public
def privacy() -> Any:
    """What the exchange does with data about people."""
    return _terms("privacy")


@blueprint.get("/terms/<key>/versions/<int:version>")
@public
def version(key: str, version: int) -> Any:
    """A version of the terms as it was published."""
    if key not in terms.IN_FORCE or not 1 <= version <= terms.IN_FORCE[key].version:
        raise NotFound()
    return _terms(key, version)


def written_by(key: str, version: int, writer: Writer) -> None:
    """Let an upper chapter write a version of the terms whose text is its own; other versions are files."""
    _writers[key, version] = writer


def is_written(key: str, version: int) -> bool:
    """Whether an upper chapter writes this version."""
    return (key, version) in _writers


def _terms(key: str, version: int | None = None) -> str:
    in_force = terms.IN_FORCE[key]
    number = version or in_force.version
    writer = _writers.get((key, number))
    file = f"legal/{key}/{number}.{locale()}.html"
    body = writer() if writer else render_template(file, operator=settings.current())
    return render_template(
        "legal/text.html",
        terms=in_force,
        version=number,
        versions=range(in_force.version, 0, -1),
        body=body,
        operator=settings.current(),
    )


@blueprint.get("/problems/<name>")
@public
def problem(name: str) -> Any:
    """What a refusal means, in both languages, at the address that its `type` names."""
    found = _refusals().get(name)
    if found is None:
        raise NotFound()
    status, title, explanation = found
    advice = text(ADVICE.get(status, ADVICE[409]))
    return render_template(
        "legal/problem.html", name=name, status=status, title=text(title), explanation=explanation, advice=advice
    )


@blueprint.get("/problems")
@public
def problems() -> Any:
    """Every refusal there is."""
    listed = sorted(_refusals().items(), key=lambda item: (item[1][0], item[0]))
    return render_template("legal/problems.html", problems=[(name, *facts) for name, facts in listed])


def _refusals() -> dict[str, tuple[int, str, str]]:
    classes = {kind.slug(): (kind.status, kind.title_ja, _first_line(kind)) for kind in _descendants(DomainError)}
    return OF_HTTP | classes


def _first_line(kind: type[DomainError]) -> str:
    return (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


def _descendants(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _descendants(child)
