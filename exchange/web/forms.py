"""Forms of the pages. A refused action leaves nothing behind and its reasons on the fields."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from wtforms import ValidationError

from exchange.database import session
from exchange.errors import DomainError, Forbidden, Invalid, NotFound, Unauthorized, text

csrf = CSRFProtect()


class Form(FlaskForm):
    """A form with CSRF protection; text is stripped and may not hold characters a database cannot keep."""

    class Meta(FlaskForm.Meta):
        locales = False  # messages are ours, translated by gettext

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Any:
            filters = unbound_field.kwargs.get("filters", [])
            kind = unbound_field.field_class.__name__
            if kind in ("StringField", "TextAreaField", "EmailField", "SearchField", "TelField"):
                filters = [*filters, _tidy]
            return unbound_field.bind(form=form, filters=filters, **options)


def _tidy(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise ValidationError(str(text("使えない文字が含まれています。")))
    return value.strip().replace("\r\n", "\n")


@dataclass
class Tried:
    """Whether the action went through, and why not."""

    ok: bool = False
    refusal: DomainError | None = None


@contextmanager
def attempt(form: Any) -> Iterator[Tried]:
    """Run an action in a savepoint: a refusal undoes it and puts its reasons on the form, values kept.

    Refusals that are not about the input (a stranger's 404, 403, 401) pass through.
    """
    tried = Tried()
    try:
        with session.begin_nested():
            yield tried
        tried.ok = True
    except (NotFound, Forbidden, Unauthorized):
        raise
    except DomainError as refusal:
        tried.refusal = refusal
        _tell(form, refusal)


def _tell(form: Any, refusal: DomainError) -> None:
    errors = refusal.errors if isinstance(refusal, Invalid) else {}
    for name, messages in errors.items():
        words = [str(message) for message in messages]
        if name in form._fields:
            form[name].errors = [*form[name].errors, *words]
        else:
            form.form_errors.extend(words)
    if not errors:
        form.form_errors.append(str(refusal.detail) or refusal.title)
