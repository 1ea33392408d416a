"""What every JSON door shares: blueprints, schemas, pages of lists, problems, Idempotency-Key, media types."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import flask_smorest
from flask import Response, current_app, jsonify, make_response, request
from marshmallow import INCLUDE, RAISE, ValidationError, fields, pre_load, validate
from marshmallow import Schema as MarshmallowSchema
from sqlalchemy import delete
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, NotAcceptable, UnsupportedMediaType

from exchange import clock, database
from exchange.database import session
from exchange.errors import Conflict, DomainError, Invalid, Malformed, text
from exchange.identity.models import IdempotencyKey
from exchange.web import access

KEPT_FOR = timedelta(hours=24)
KEY_LENGTH_MAX = 255
View = TypeVar("View", bound=Callable[..., Any])

PROBLEMS = {
    400: "Malformed request",
    401: "No token, or one that is no longer good",
    403: "Known to you, not allowed",
    404: "Unknown, or not yours to know",
    406: "No representation you accept",
    409: "Wrong state, or in conflict with what is there",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid fields",
    429: "Too many requests; wait for Retry-After",
}


class Schema(MarshmallowSchema):
    """What comes in: unknown fields are refused, and so are characters that no database keeps."""

    class Meta:
        unknown = RAISE

    @pre_load
    def refuse_unstorable(self, data: Any, **_: Any) -> Any:
        """NUL and lone surrogates cannot be stored as text."""
        if _unstorable(data):
            raise ValidationError(str(text("使えない文字(制御文字または不正な文字コード)が含まれています。")))
        return data


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _unstorable(value: Any) -> bool:
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, dict):
        return any(_unstorable(k) or _unstorable(v) for k, v in value.items())
    return isinstance(value, list) and any(map(_unstorable, value))


class Answer(MarshmallowSchema):
    """What goes out."""


class Problem(MarshmallowSchema):
    """A refusal (RFC 9457, whose section 3.2 lets a kind of problem add members of its own)."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    state = fields.String()
    allowed = fields.List(fields.String())


class PageArgs(Schema):
    """How lists are asked for."""

    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None, validate=validate.Length(1, 300))


@lru_cache
def page_of(item: type[MarshmallowSchema]) -> type[MarshmallowSchema]:
    """The schema of a list of items: `{"items": […], "next_cursor": …}`."""
    name = item.__name__.removesuffix("Schema").removesuffix("Answer") + "Page"
    parts: dict[str, Any] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
    }
    return Answer.from_dict(parts, name=name)


class ArgumentsParser(FlaskParser):
    """Refuses unknown query parameters as it does unknown fields: one misspelt would quietly widen a search.

    `lang`, which every address of the house takes, is none of an operation's.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": RAISE}

    def load_querystring(self, req: Any, schema: MarshmallowSchema) -> Any:
        """The query without `lang`."""
        return self._makeproxy(MultiDict((k, v) for k, v in req.args.items(multi=True) if k != "lang"), schema)


class Blueprint(flask_smorest.Blueprint):
    """A door for programs. Every operation documents the refusals that any of them may give."""

    ARGUMENTS_PARSER = ArgumentsParser()


def blueprint(name: str, description: str) -> Blueprint:
    """A blueprint mounted at /api/v1."""
    return Blueprint(f"api_{name}", name, url_prefix="/api/v1", description=description)


def errors(*statuses: int) -> Callable[[View], View]:
    """Document the refusals of an operation; 400, 406, 415 and 429 are said for every one."""

    def declare(view: View) -> View:
        doc = getattr(view, "_apidoc", {})
        view._apidoc = doc  # type: ignore[attr-defined]
        said = doc.setdefault("problems", set())
        said.update(statuses)
        return view

    return declare


def accepts(*media_types: str) -> Callable[[View], View]:
    """Say that an operation takes bodies of other types than JSON."""

    def declare(view: View) -> View:
        view.accepts = media_types  # type: ignore[attr-defined]
        return view

    return declare


def offers(*media_types: str) -> Callable[[View], View]:
    """Say that an operation answers in other types than JSON."""

    def declare(view: View) -> View:
        view.offers = media_types  # type: ignore[attr-defined]
        return view

    return declare


def holds_secret(view: View) -> View:
    """Say that the answer holds a secret, which is never kept for a replay."""
    view.holds_secret = True  # type: ignore[attr-defined]
    return view


class Api(flask_smorest.Api):
    """OpenAPI for the house; refusals are handled in one place, not here."""

    def _register_error_handlers(self) -> None:
        return None


def check_media_types() -> None:
    """Refuse bodies we do not read (415) and answers nobody asked for (406) before anything else happens."""
    view = current_app.view_functions.get(request.endpoint or "")
    if not request.path.startswith("/api/v1/") or view is None:
        return
    accepted = getattr(view, "accepts", ("application/json",))
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if request.method in ("POST", "PUT", "PATCH") and has_body and request.mimetype not in accepted:
        raise UnsupportedMediaType(str(text("Content-Type は %(types)s にしてください。", types=", ".join(accepted))))
    if request.headers.get("Accept", "*/*") == "*/*":
        return
    offered = (*getattr(view, "offers", ("application/json",)), "application/problem+json")
    if request.accept_mimetypes and not request.accept_mimetypes.best_match(offered):
        raise NotAcceptable()


def answered_once(answer: Callable[[], Any]) -> Any:
    """Answer a POST, and the same POST with the same `Idempotency-Key` with the same answer again.

    Kept 24 hours per token and path, successes only, in the transaction of the deed; a second call at the same time
    waits for the first. The same key with another body, or for an answer that held a secret, is `Conflict`.
    """
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or key is None or not request.path.startswith("/api/v1/"):
        return answer()
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        raise Malformed(text("Idempotency-Key は1文字以上%(max)s文字以内にしてください。", max=KEY_LENGTH_MAX))
    token_id = access.token_id()
    if token_id is None:
        return answer()
    scope = f"{token_id} {request.path}"
    database.lock(f"idempotency/{scope}/{key}")
    body_digest = hashlib.sha256(request.get_data()).hexdigest()
    kept = session.get(IdempotencyKey, (scope, key))
    if kept is not None and clock.real_now() - kept.created_at < KEPT_FOR:
        return _replayed(kept, body_digest)
    response = make_response(answer())
    if response.status_code < 300:
        _keep(scope, key, body_digest, response)
    return response


def _replayed(kept: IdempotencyKey, body_digest: str) -> Response:
    if kept.body_digest != body_digest:
        raise Conflict(text("同じ Idempotency-Key が別の内容で使われています。新しい値を付けてください。"))
    if kept.body is None:
        raise Conflict(text("この応答には秘密の値が含まれるため、再送できません。"))
    headers = {"Idempotency-Replayed": "true"}
    return Response(kept.body, status=kept.status, mimetype="application/json", headers=headers)


def _keep(scope: str, key: str, body_digest: str, response: Response) -> None:
    view = current_app.view_functions[request.endpoint or ""]
    body = None if getattr(view, "holds_secret", False) else response.get_data(as_text=True)
    row = {"body_digest": body_digest, "status": response.status_code, "body": body, "created_at": clock.real_now()}
    session.merge(IdempotencyKey(scope=scope, key=key, **row))


def forget_old_keys() -> None:
    """Drop kept answers that are older than a day."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.real_now() - KEPT_FOR))


Shape = Callable[[DomainError], Response]
_shapes: dict[str, Shape] = {}


def speak(prefix: str, shape: Shape) -> None:
    """Have refusals under an address take the form of the protocol that is spoken there."""
    _shapes[prefix] = shape


def problem(refusal: DomainError) -> Response:
    """A refusal as `application/problem+json`, or as the protocol of the address has it."""
    for prefix, shape in _shapes.items():
        if request.path.startswith(prefix):
            return shape(refusal)
    return _as_problem(refusal)


def answered(deed: Callable[[], Any]) -> Response:
    """A deed's answer as JSON for a page's own script; its refusal as a problem, and undone."""
    try:
        with session.begin_nested():
            return jsonify(deed())
    except DomainError as refusal:
        return problem(refusal)


def _as_problem(refusal: DomainError) -> Response:
    body = refusal.problem() | {"instance": request.path}
    response = Response(json.dumps(body, ensure_ascii=False, default=str), status=refusal.status)
    response.mimetype = "application/problem+json"
    response.headers.extend(refusal.headers())
    return response


def from_http(error: HTTPException) -> DomainError | None:
    """The refusal that an error of a library stands for: schema violations become `Invalid`."""
    messages = getattr(error, "data", {}).get("messages") if hasattr(error, "data") else None
    if error.code == 422 and isinstance(messages, dict):
        found = {path: words for location in messages.values() for path, words in _flat(location)}
        return Invalid(found)
    return None


def _flat(messages: Any, path: str = "") -> list[tuple[str, list[str]]]:
    if isinstance(messages, dict):
        return [item for key, value in messages.items() for item in _flat(value, f"{path}.{key}" if path else str(key))]
    return [(path or "_schema", [str(m) for m in (messages if isinstance(messages, list) else [messages])])]
