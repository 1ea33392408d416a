"""How things are shown: language, dates, money, bytes, and what every template may use."""

from datetime import date, datetime
from typing import Any

from flask import Flask, g, has_request_context, request, session
from markupsafe import Markup

from exchange import clock, settings
from exchange.config import config
from exchange.errors import text
from exchange.web import access, desk, slots

LANGUAGES = ("ja", "en")
WEEKDAYS_JA = "月火水木金土日"
EMPTY = "–"


def locale() -> str:
    """The reader's language: `?lang=`, what was chosen before, the member's own; programs by Accept-Language."""
    if not has_request_context():
        return "ja"
    if "lang" not in g:
        g.lang = _locale()
    return str(g.lang)


def _locale() -> str:
    asked = request.args.get("lang")
    if access.is_api():
        return asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or "ja"
    if asked in LANGUAGES:
        if session.get("lang") != asked:
            session["lang"] = asked
        return asked
    chosen = session.get("lang")
    return chosen if chosen in LANGUAGES else "ja"


def yen(amount: int | None) -> str:
    """`12,345円`, in English `¥12,345`."""
    if amount is None:
        return EMPTY
    return f"¥{amount:,}" if locale() == "en" else f"{amount:,}円"


def number(value: Any) -> str:
    """A number with its thousands apart."""
    return EMPTY if value is None else f"{value:,}"


def jdate(value: date | datetime | None) -> str:
    """`2026年11月23日`, in English `23 November 2026`; moments by Japan's calendar."""
    if value is None:
        return EMPTY
    day = clock.day_of(value) if isinstance(value, datetime) else value
    if locale() == "en":
        return f"{day.day} {day:%B} {day.year}"
    return clock.words(day)


def jmonth(month: str) -> str:
    """A month `YYYY-MM` in words: `2026年11月`, in English `November 2026`."""
    first = date.fromisoformat(f"{month}-01")
    return f"{first:%B} {first.year}" if locale() == "en" else f"{first.year}年{first.month}月"


def weekday_date(value: date | datetime | None) -> str:
    """A date with its weekday, for deadlines: `2026年11月23日（月）`."""
    if value is None:
        return EMPTY
    day = clock.day_of(value) if isinstance(value, datetime) else value
    return f"{day:%A}, {jdate(day)}" if locale() == "en" else f"{jdate(day)}（{WEEKDAYS_JA[day.weekday()]}）"


def jdatetime(value: datetime | None) -> str:
    """A moment in Japan, to the minute."""
    if value is None:
        return EMPTY
    local = value.astimezone(clock.JST)
    return f"{jdate(local)} {local:%H:%M}"


def bytes_(size: int | None) -> str:
    """A size in decimal units, as prices count them: 1 GB is 10⁹ bytes."""
    if size is None:
        return EMPTY
    if size < 1000:
        return f"{size} " + ("bytes" if locale() == "en" else "バイト")
    value, unit, units = float(size), "", ["kB", "MB", "GB", "TB"]
    while value >= 1000 and units:
        value, unit = value / 1000, units.pop(0)
    return f"{value:.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def translated(words: Any) -> str:
    """Words marked for translation, in the reader's language."""
    return str(text(words)) if isinstance(words, str) else str(words)


def install(app: Flask) -> None:
    """Filters and globals of every template."""
    app.jinja_env.filters |= {
        "yen": yen,
        "number": number,
        "jdate": jdate,
        "jmonth": jmonth,
        "jdatetime": jdatetime,
        "weekday_date": weekday_date,
        "bytes": bytes_,
        "t": translated,
    }
    app.jinja_env.globals |= {"slot": slots.slot, "config_url": config().url, "Markup": Markup}

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {"me": _me_shown(), "lang": locale(), "desk_menu": _menu(), "operator_settings": settings.current}


def _me_shown() -> Any:
    """Who is signed in, for the header; an error page must not fail on a bad credential."""
    return g.get("member") if access.is_api() else access.me_or_none()


def _menu() -> list[dict[str, Any]]:
    member = _me_shown()
    if member is None or not request.path.startswith("/desk"):
        return []
    items = desk.menu_of(member)
    matching = [i.path for i in items if request.path == i.path or request.path.startswith(i.path + "/")]
    current = max(matching, key=len, default="")
    return [
        {
            "label": str(i.label) if not isinstance(i.label, str) else translated(i.label),
            "url": i.path,
            "current": i.path == current,
            "count": i.waiting(member) if i.waiting else None,
        }
        for i in items
    ]


def document(app: Any) -> None:
    """Say in the OpenAPI document what holds for every operation: tokens and refusals."""
    from exchange.web import api_document

    api_document.finish(app)
