"""Builds the site from the chapters it is handed; imports none of them.

A request's life: proxy headers → request id → locale → access → one transaction around the view → one log line.
"""

import gc
import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from flask import Flask, Request, Response, g, make_response, redirect, render_template, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_babel import Babel
from flask_talisman import Talisman
from jinja2 import StrictUndefined
from sqlalchemy import exc as sqlalchemy_errors
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from exchange import commands, database
from exchange.config import config
from exchange.database import new_id, session
from exchange.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Unauthorized, Unavailable, text
from exchange.web import access, api, doors, forms, presentation
from exchange.web.api import Api
from exchange.web.api import Blueprint as ApiBlueprint

BODY_SIZE_MAX = 6 * 1024 * 1024
SESSION_HOURS = 12
CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": ["'self'", "data:"],
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
log = logging.getLogger("exchange.web")


class Chapter(Protocol):
    """A chapter hands its pages, API, jobs and commands to the house."""

    def install(self, app: "Exchange") -> None: ...


class Sessions(SecureCookieSessionInterface):
    """Cookies are for people: a program's request opens no session and is given none."""

    def open_session(self, app: Flask, request: Request) -> Any:
        """The session of a page; on the API an empty one."""
        return self.session_class() if access.is_api() else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep what a page's session holds; on the API nothing."""
        if not access.is_api():
            super().save_session(app, session, response)


class Policies(Talisman):
    """Talisman with its policy written out once: it has no nonce, so every answer carries the same."""

    def _force_https(self) -> None:
        """The proxy's work."""

    def _make_nonce(self) -> None:
        """None is used."""

    def _parse_policy(self, policy: Any) -> str:
        if not hasattr(self, "_written"):
            self._written: str = super()._parse_policy(policy)
        return self._written


class Exchange(Flask):
    """The site: a request is one transaction, and the edge commits it."""

    api: Api
    session_interface = Sessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view or hook of the house is a coroutine, so that none is asked whether it is: a dozen times a request."""
        return func

    def dispatch_request(self) -> Any:
        """Answer inside one transaction: returning commits, raising rolls back."""
        if request.endpoint in ("static", "health.alive"):
            return super().dispatch_request()
        with database.transaction():
            return api.answered_once(super().dispatch_request)

    def register_api(self, blueprint: ApiBlueprint) -> None:
        """Mount a JSON door."""
        forms.csrf.exempt(blueprint)
        self.api.register_blueprint(blueprint)


def build(chapters: Iterable[Chapter]) -> Exchange:
    """The house, put together from the ground floor and the chapters, in their order."""
    app = Exchange(
        "exchange",
        root_path=str(Path(__file__).resolve().parent.parent),
        template_folder="templates",
        static_folder="static",
    )
    log_to_stderr()
    _configure(app)
    database.connect()
    _guard(app)
    app.api = Api(app)
    presentation.install(app)
    access.install(app)
    doors.install(app)
    commands.install(app)
    for chapter in chapters:
        chapter.install(app)
    presentation.document(app)
    # What was built now stays: a full collection that walks over it holds up a large request by 100 ms.
    gc.freeze()
    return app


def _configure(app: Exchange) -> None:
    c = config()
    app.config.update(
        SECRET_KEY=c.secret_key,
        MAX_CONTENT_LENGTH=BODY_SIZE_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_SIZE_MAX,
        SESSION_COOKIE_NAME="exchange_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=c.url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=SESSION_HOURS * 3600,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session; a form may be left open over lunch
        BABEL_DEFAULT_LOCALE="ja",
        BABEL_DEFAULT_TIMEZONE="Asia/Tokyo",
        API_TITLE="Nakadachi",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=c.trusted_proxies, x_proto=c.trusted_proxies, x_host=c.trusted_proxies)  # type: ignore[method-assign]
    Babel(app, locale_selector=presentation.locale)
    secure = c.url.startswith("https://")
    upload_to = [c.s3_public_url] if c.s3_public_url else []
    # Uploads go straight to the store; a download button is answered with a redirect to it, a payment button with one
    # to the page where people pay.
    form_action = ["'self'", *upload_to, *c.payment_pages]
    csp = CSP | {"connect-src": ["'self'", *upload_to], "form-action": form_action}
    Policies(
        app,
        force_https=False,  # the proxy's work
        strict_transport_security=secure,
        session_cookie_secure=secure,
        content_security_policy=csp,
        referrer_policy="same-origin",
        x_xss_protection=False,
    )
    forms.csrf.init_app(app)


def _guard(app: Exchange) -> None:
    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request.headers.get("X-Request-Id", "")[:64] or new_id()
        if "\0" in request.path:
            raise NotFound()
        pairs = request.args.items(multi=True) if request.query_string else ()
        unstorable = [key for key, value in pairs if "\0" in key + value]
        if unstorable:
            raise Invalid({key.replace("\0", ""): [text("使えない文字が含まれています。")] for key in unstorable})
        request.encoding_errors = "replace"  # type: ignore[attr-defined]
        api.check_media_types()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store" if access.is_api() else "no-cache, private")
            _log_request(response)
        return response

    @app.teardown_appcontext
    def release(_: BaseException | None) -> None:
        session.remove()

    app.register_error_handler(DomainError, refused)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(sqlalchemy_errors.IntegrityError, _stale)
    app.register_error_handler(sqlalchemy_errors.OperationalError, _database_away)
    app.register_error_handler(sqlalchemy_errors.DataError, _unstorable)
    app.register_error_handler(Exception, _unexpected)


def refused(refusal: DomainError) -> Any:
    """A refusal as a problem for programs, as a page for people; strangers at a page are sent to sign in."""
    if access.is_api():
        return api.problem(refusal)
    if isinstance(refusal, Unauthorized) and request.method in ("GET", "HEAD"):
        here = request.full_path.rstrip("?")
        return redirect(f"/sign-in?next={quote(here)}", 303)
    page = render_template(
        "errors/error.html", refusal=refusal, status=refusal.status, reference=g.get("request_id", "")
    )
    return page, refusal.status, refusal.headers()


def http_error(error: HTTPException) -> Any:
    """An error of HTTP itself, in the same two forms; redirects pass."""
    if error.code is None or error.code < 400:
        return error
    refusal = api.from_http(error) or _named(error)
    answer = make_response(refused(refusal))
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers[name] = value
    return answer


HTTP_TITLES = {
    400: text("リクエストを読み取れません"),
    404: text("ページが見つかりません"),
    405: text("この方法ではご利用いただけません"),
    406: text("ご希望の形式では応答できません"),
    413: text("送信された内容が大きすぎます"),
    415: text("この形式の内容は受け取れません"),
}
HTTP_SLUGS = {405: "method-not-allowed", 406: "not-acceptable", 413: "too-large", 415: "unsupported-media-type"}


def _named(error: HTTPException) -> DomainError:
    known: dict[int, type[DomainError]] = {400: Malformed, 404: NotFound, 422: Invalid}
    code = error.code or 500
    detail = HTTP_TITLES.get(code, text("処理できませんでした"))
    kind = known.get(code, DomainError)
    refusal = Invalid({}, detail) if kind is Invalid else kind(detail)
    refusal.status = code
    if code in HTTP_TITLES:
        refusal.title_ja = HTTP_TITLES[code].message
    if code in HTTP_SLUGS:
        refusal.slug = lambda: HTTP_SLUGS[code]  # type: ignore[method-assign]
    return refusal


def _stale(error: Exception) -> Any:
    log.warning("conflict", extra={"error": type(error).__name__, "request_id": g.get("request_id")})
    return refused(Conflict(text("ほかの操作と重なりました。画面を読み込み直して、もう一度お試しください。")))


def _unstorable(_: Exception) -> Any:
    return refused(Invalid({}, text("保存できない値が含まれています。")))


def _database_away(error: Exception) -> Any:
    log.error("database away", extra={"error": str(error)[:300], "request_id": g.get("request_id")})
    g.caller = g.member = (
        None  # who asks is in the database, too: the page is shown as to a stranger, or it could not be shown
    )
    return refused(Unavailable(text("データベースに接続できません。しばらくしてからもう一度お試しください。")))


def _unexpected(error: Exception) -> Any:
    """Our own mistake: told without detail, logged with all of it."""
    if isinstance(error, HTTPException):
        return http_error(error)
    log.exception("unexpected", extra={"request_id": g.get("request_id"), "route": request.endpoint})
    mistake = Unavailable(text("予期しない問題が起きました。参照番号を添えてお問い合わせください。"))
    mistake.status = 500
    return refused(mistake)


def _log_request(response: Response) -> None:
    member = g.get("caller")
    log.info(
        "request",
        extra={
            "request_id": g.get("request_id"),
            "person": member.id if member else None,
            "method": request.method,
            "route": request.endpoint,
            "path": request.path
            if not request.path.startswith(("/welcome/", "/reset/", "/confirm/"))
            else request.endpoint,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
        },
    )


class JsonLines(logging.Formatter):
    """One JSON object a line; only fields we put there, so that no secret slips in."""

    FIELDS = (
        "request_id",
        "person",
        "method",
        "route",
        "path",
        "status",
        "milliseconds",
        "job",
        "task",
        "error",
        "trace",
    )

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")}
        line["level"] = record.levelname
        line["message"] = record.getMessage()
        told = vars(record)
        line |= {name: told[name] for name in self.FIELDS if told.get(name) is not None}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)[-4000:]
        return json.dumps(line, ensure_ascii=False)


class Straight(logging.Handler):
    """Writes each line by one system call. No lock: threads that log would queue for it, and a line is whole anyway."""

    def createLock(self) -> None:
        """None."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; where nobody reads them, lines are lost and requests go on."""
        with suppress(OSError):
            os.write(2, (self.format(record) + "\n").encode(errors="backslashreplace"))


def log_to_stderr() -> None:
    """Log lines as JSON on standard error."""
    handler = Straight()
    handler.setFormatter(JsonLines())
    # What no line shows is not looked up: caller, thread, process (logging's own chapter on optimization).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger("exchange")
    root.handlers, root.propagate = [handler], False
    root.setLevel(logging.INFO)
