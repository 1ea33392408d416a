"""Every refusal of the exchange has a name, and the name is its public address (RFC 9457).

DomainError 409
├── Invalid 422          fields that cannot be taken, all at once
├── Malformed 400        a body or header that cannot be read
├── Unauthorized 401     nobody, or a credential that is no longer good
├── Forbidden 403        known to you, not allowed
├── NotFound 404         unknown, or not yours to know
├── TooLarge 413
├── TooMany 429          with the seconds to wait
├── Unavailable 503
├── WrongState 409       with `state` and `allowed`
└── Conflict 409
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import has_app_context
from flask_babel import gettext


def N_(message: str) -> str:  # gettext's own name for "mark, do not translate yet"
    """Mark a message for translation where it is shown, not where it is written."""
    return message


class text:  # reads like a verb where it is used: raise Conflict(text("…"))
    """A message translated when it is read: in the reader's language inside a request, Japanese outside."""

    def __init__(self, message: str, **values: object) -> None:
        self.message, self.values = message, values

    def __str__(self) -> str:
        template = gettext(self.message) if has_app_context() else self.message
        return template % self.values if self.values else template

    def __repr__(self) -> str:
        return f"text({self.message!r})"


Words = str | text
Fields = Mapping[str, Sequence[Words]]


class DomainError(Exception):
    """The exchange refuses, and says why."""

    status = 409
    title_ja = N_("お受けできません")

    def __init__(self, detail: Words = "", **extra: Any) -> None:
        super().__init__(detail)
        self.detail, self.extra = detail, extra

    @classmethod
    def slug(cls) -> str:
        """The name in addresses: `NotActive` is `not-active`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @property
    def title(self) -> str:
        """The refusal's title in the reader's language."""
        return str(text(self.title_ja))

    def problem(self) -> dict[str, Any]:
        """The body of an `application/problem+json` answer (RFC 9457)."""
        body = {"type": f"/problems/{self.slug()}", "title": self.title, "status": self.status}
        return body | {"detail": str(self.detail) or self.title} | self.extra

    def headers(self) -> dict[str, str]:
        """Headers that belong to this refusal."""
        return {}


class Invalid(DomainError):
    """Fields cannot be taken as they are; each is named with what to do."""

    status = 422
    title_ja = N_("入力内容に誤りがあります")

    def __init__(self, errors: Fields, detail: Words = "", **extra: Any) -> None:
        self.errors = errors
        super().__init__(detail or next((m for ms in errors.values() for m in ms), ""), **extra)

    def problem(self) -> dict[str, Any]:
        return super().problem() | {"errors": {k: [str(m) for m in v] for k, v in self.errors.items()}}


class Malformed(DomainError):
    """The request cannot be read."""

    status = 400
    title_ja = N_("リクエストを読み取れません")


class Unauthorized(DomainError):
    """Nobody is signed in, or the credential is no longer good."""

    status = 401
    title_ja = N_("サインインが必要です")

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(DomainError):
    """You may know of it, but not do this."""

    status = 403
    title_ja = N_("この操作は許可されていません")


class NotFound(DomainError):
    """There is no such thing, or it is not yours to know."""

    status = 404
    title_ja = N_("見つかりません")


class TooLarge(DomainError):
    """The request is larger than the stated limit."""

    status = 413
    title_ja = N_("大きすぎます")


class TooMany(DomainError):
    """Too many requests or attempts; wait and try again."""

    status = 429
    title_ja = N_("回数の上限に達しました")

    def __init__(self, detail: Words = "", *, retry_after: int = 60, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class Unavailable(DomainError):
    """A part the exchange stands on does not answer."""

    status = 503
    title_ja = N_("現在ご利用いただけません")


class Conflict(DomainError):
    """It clashes with what is there already."""

    title_ja = N_("すでにある内容と競合しています")


class WrongState(DomainError):
    """In its present state this cannot be done."""

    title_ja = N_("現在の状態ではできません")

    def __init__(self, detail: Words = "", *, state: str, allowed: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(detail, state=state, allowed=list(allowed), **extra)
        self.state = state
