"""Who stands before the door. Every route declares `@public`, `@signed_in(...)` or `@operator(...)`, or it stays shut.

Pages know people by their session, the API by a bearer token, and neither takes the other's: a cookie that worked on
the API would need CSRF protection there, and a token in a browser would be a password in a header.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, g, request
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from exchange.errors import Forbidden, NotFound, Unauthorized, text
from exchange.identity import queries, rules, throttle
from exchange.identity.models import Member

View = TypeVar("View", bound=Callable[..., Any])
Caller = Member | queries.Holder
API_PREFIXES = ("/api/v1/", "/delta-sharing/")
REQUESTS_PER_MINUTE = 1_200

login_manager = LoginManager()


def is_api() -> bool:
    """Whether this request speaks to a program, which gets JSON and brings a token."""
    return request.path.startswith(("/api/", "/delta-sharing", "/webhooks/"))


def me_or_none() -> Member | None:
    """The signed-in member, or None for a stranger; a bad token is `Unauthorized`, not a stranger."""
    if "member" not in g:
        holder = caller_or_none()
        g.member = holder.member if isinstance(holder, queries.Holder) else holder
    return cast("Member | None", g.member)


def me() -> Member:
    """The signed-in member; raises `Unauthorized` for a stranger."""
    caller()
    return cast(Member, me_or_none())


def caller_or_none() -> Caller | None:
    """Who asks: a member, or on the API who holds the token, which is all that most rules want to know of a member."""
    if "caller" not in g:
        g.caller = _by_token() if is_api() else _by_session()
    return cast("Caller | None", g.caller)


def caller() -> Caller:
    """The same; raises `Unauthorized` for a stranger."""
    found = caller_or_none()
    if found is None:
        raise Unauthorized(text("サインインするか、有効な API トークンを付けてください。"))
    return found


def token_id() -> str | None:
    """The id of the API token of this request, if it came with one."""
    found = caller_or_none()
    return found.token_id if isinstance(found, queries.Holder) else None


def _by_session() -> Member | None:
    return current_user.member if current_user.is_authenticated else None


def _by_token() -> queries.Holder | None:
    if not request.headers.get("Authorization"):
        return None
    secret = bearer_secret()
    found = queries.holder_by_secret(secret) if secret else None
    if found is None:
        raise Unauthorized(text("API トークンが正しくないか、期限切れか、取り消されています。"))
    take_turn(found)
    return found


def take_turn(holder: queries.Holder) -> None:
    """Count a request of a token; raises `TooMany` past 1,200 in a minute."""
    throttle.take(f"token/{holder.token_id}", limit=REQUESTS_PER_MINUTE)


def enter(holder: queries.Holder) -> None:
    """Take for this request's caller who was proven to be: by a statement that would not have written otherwise."""
    g.caller = holder


class SignedIn:
    """What Flask-Login keeps of a member: the id with the stamp that ends sessions when the password changes."""

    is_authenticated = is_active = True
    is_anonymous = False

    def __init__(self, member: Member) -> None:
        self.member = member

    def get_id(self) -> str:
        return f"{self.member.id}.{self.member.session_stamp}"


@login_manager.user_loader
def _load(session_id: str) -> SignedIn | None:
    member_id, _, stamp = session_id.partition(".")
    member = queries.member(member_id)
    return SignedIn(member) if member and stamp == member.session_stamp else None


def public(view: View) -> View:
    """Anyone may come in."""
    return _declared(view, "public", lambda: None)


def signed_in(*roles: str) -> Callable[[View], View]:
    """Members come in: anyone signed in, or those of an organization who hold one of the roles."""

    def check() -> None:
        member = caller()
        if roles and (member.is_operator or not rules.has_role(member, *roles)):
            raise Forbidden(text("この操作に必要な役割がありません。組織の責任者にご確認ください。"))

    return lambda view: _declared(view, "signed in" + (f": {', '.join(roles)}" if roles else ""), check)


def operator(*roles: str) -> Callable[[View], View]:
    """Administrators of the exchange come in, those who hold one of the roles if any is named."""

    def check() -> None:
        member = caller()
        if not member.is_operator:
            raise Forbidden(text("運営者だけが行える操作です。"))
        if not rules.has_role(member, *roles):
            raise Forbidden(text("この操作に必要な運営者の役割がありません。"))

    return lambda view: _declared(view, "operator" + (f": {', '.join(roles)}" if roles else ""), check)


def bearer(what: str, check: Callable[[], None]) -> Callable[[View], View]:
    """Whoever brings a credential that a chapter gives out; `check` raises when it is missing or no longer good."""
    return lambda view: _declared(view, f"bearer: {what}", check)


def bearer_secret() -> str | None:
    """The secret in the request's `Authorization: Bearer …`, if there is one of a sensible length."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and 0 < len(secret.strip()) < 200 else None


def shortcut(attempt: Callable[..., Response | None]) -> Callable[[View], View]:
    """Ask `attempt` first, which answers only where it proves all that the view and its access ask; else the view."""

    def declare(view: View) -> View:
        @wraps(view)
        def shorter(*args: Any, **kwargs: Any) -> Any:
            return attempt(*args, **kwargs) or view(*args, **kwargs)

        return cast(View, shorter)

    return declare


def _declared(view: View, access: str, check: Callable[[], None]) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        check()
        return view(*args, **kwargs)

    guarded.access = access  # type: ignore[attr-defined]
    return cast(View, guarded)


def install(app: Flask) -> None:
    """Session cookies and the deny-unless-declared rule."""
    login_manager.init_app(app)
    login_manager.session_protection = None  # addresses change on mobile networks; the stamp ends sessions

    @app.before_request
    def deny_unless_declared() -> Response | None:
        view = app.view_functions.get(request.endpoint or "")
        if view is not None and not hasattr(view, "access"):
            raise NotFound()
        return None
