"""Mail leaves in a job, from rows written with the deed; without SMTP it is written to the home folder."""

import smtplib
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import Index, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from exchange import clock
from exchange.config import config
from exchange.database import Base, Id, new_id, session

ATTEMPTS_MAX = 12
RETRY_AFTER = timedelta(minutes=5)


class Letter(Base):
    """A mail to be sent, or sent."""

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_waiting", "due_at", postgresql_where="sent_at IS NULL"),)

    id: Mapped[Id]
    to: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]


def send(*, to: str, subject: str, body: str, at: datetime) -> None:
    """Queue a mail with the deed that causes it; it leaves, at least once, after the deed is committed."""
    session.add(Letter(to=to, subject=" ".join(subject.split()), body=body, due_at=at))


def send_each(letters: Sequence[tuple[str, str, str]], *, at: datetime) -> None:
    """Queue many mails at once: to, subject, body of each."""
    rows = [
        {"id": new_id(), "to": to, "subject": " ".join(subject.split()), "body": body, "due_at": at, "attempts": 0}
        for to, subject, body in letters
    ]
    if rows:
        session.execute(insert(Letter), rows)


def deliver_waiting(*, at: datetime, limit: int = 50) -> int:
    """Send what is due; a failure waits five minutes longer each time, twelve times. How many left."""
    query = select(Letter).where(Letter.sent_at.is_(None), Letter.due_at <= at, Letter.attempts < ATTEMPTS_MAX)
    waiting = session.scalars(query.order_by(Letter.due_at).limit(limit).with_for_update(skip_locked=True)).all()
    carrier = _smtp if config().smtp_url else _folder
    return sum(_deliver(letter, carrier, at) for letter in waiting)


def _deliver(letter: Letter, carrier: Callable[[Letter, EmailMessage], None], at: datetime) -> int:
    letter.attempts += 1
    try:
        carrier(letter, _message(letter))
    except (OSError, smtplib.SMTPException) as error:
        letter.last_error = type(error).__name__
        letter.due_at = at + RETRY_AFTER * letter.attempts
        return 0
    letter.sent_at, letter.last_error = at, None
    return 1


def _message(letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = config().mail_sender, letter.to, letter.subject
    message["Date"] = format_datetime(clock.real_now())
    message["Message-ID"] = make_msgid(idstring=letter.id, domain="exchange.local")
    message.set_content(letter.body, charset="utf-8", cte="base64")
    return message


def _folder(letter: Letter, message: EmailMessage) -> None:
    folder = config().home / "mail"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    final = Path(folder / f"{letter.id}.eml")
    part = final.with_suffix(".part")
    part.write_text(f"To: {letter.to}\nSubject: {letter.subject}\nDate: {message['Date']}\n\n{letter.body}\n")
    part.rename(final)


def _smtp(letter: Letter, message: EmailMessage) -> None:
    url = urlsplit(config().smtp_url or "")
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    with kind(url.hostname or "localhost", url.port or (465 if url.scheme == "smtps" else 587), timeout=20) as server:
        if url.scheme == "smtp+tls":
            server.starttls(context=ssl.create_default_context())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
