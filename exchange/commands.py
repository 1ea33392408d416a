"""The command line: `flask --app wsgi …`. Each command is one transaction, committed here at its edge."""

import json
import signal
import sys
import threading
from datetime import timedelta
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from psycopg import OperationalError
from sqlalchemy.exc import OperationalError as DatabaseAway

from exchange import audit, backup, clock, database, jobs, mail, schema
from exchange.errors import N_, DomainError
from exchange.identity import actions, queries, signing_in
from exchange.web import api

tokens = AppGroup("tokens", help="API tokens.")
admins = AppGroup("admins", help="Administrators of the exchange.")
jobs_group = AppGroup("jobs", help="Timed and queued work.")
audit_group = AppGroup("audit", help="The audit log.")


def fail(message: object) -> None:
    """One clear line on standard error, exit code 1."""
    click.echo(str(message), err=True)
    sys.exit(1)


@tokens.command("issue")
@click.option("--email", required=True)
@click.option("--name", default="command line")
@click.option("--days", default=90, type=int)
def issue_token(email: str, name: str, days: int) -> None:
    """Print a new bearer token, alone, on standard output."""
    with database.transaction():
        member = queries.member_by_email(email)
        if member is None or member.confirmed_at is None:
            return fail(f"no confirmed member has the address {email}")
        try:
            _, secret = actions.issue_token(member, name=name, days=days, at=clock.real_now())
        except DomainError as refusal:
            return fail(refusal.detail)
    click.echo(secret)


@admins.command("create")
@click.option("--email", required=True)
@click.option("--name", default="運営者")
def create_admin(email: str, name: str) -> None:
    """Make an administrator and print the one-time link to set password and second factor."""
    with database.transaction():
        try:
            link = actions.create_administrator(email=email, name=name, at=clock.real_now())
        except DomainError as refusal:
            return fail(refusal.detail)
    click.echo(link)


@jobs_group.command("list")
def list_jobs() -> None:
    """Name every periodic job."""
    for name, job in sorted(jobs.PERIODIC.items()):
        click.echo(f"{name}\tevery {job.seconds:g} s\t{job.title}")


@jobs_group.command("run")
@click.argument("name")
def run_job(name: str) -> None:
    """Run one periodic job now."""
    if name not in jobs.PERIODIC:
        fail(f"no job is called {name}; see `jobs list`")
    if not jobs.run_periodic(name):
        fail(f"{name} failed; see the log")


@jobs_group.command("clock")
def run_clock() -> None:
    """Run periodic jobs when they are due, until stopped."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.blocking import BlockingScheduler

    scheduler = BlockingScheduler(timezone=clock.JST, executors={"default": ThreadPoolExecutor(4)})
    for name, job in jobs.PERIODIC.items():
        scheduler.add_job(
            jobs.run_periodic,
            "interval",
            [name],
            seconds=job.seconds,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    signal.signal(signal.SIGTERM, lambda *_: scheduler.shutdown(wait=False))
    signal.signal(signal.SIGINT, lambda *_: scheduler.shutdown(wait=False))
    scheduler.start()


@jobs_group.command("work")
def work() -> None:
    """Do queued work as it comes, until stopped; what is at hand is finished or given back."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, _stop(stopping))
    signal.signal(signal.SIGINT, _stop(stopping))
    try:
        with jobs.announcements() as wait:
            while not stopping.is_set():
                if not jobs.run_next_task():
                    wait(2.0)
    except (OperationalError, DatabaseAway) as error:
        fail(f"the database went away: {str(error).splitlines()[0]}")  # whoever started this starts it again


def _stop(stopping: threading.Event) -> Any:
    def stop(*_: object) -> None:
        # A second later the process is gone; the row it worked on goes back to the queue with its transaction.
        stopping.set()
        raise SystemExit(0)

    return stop


@audit_group.command("verify")
def verify_audit() -> None:
    """Check the hash chain of the audit log."""
    with database.transaction():
        broken = audit.broken()
        if broken is not None:
            fail(
                json.dumps(
                    {"broken": broken.id, "place": broken.place, "at": broken.at.isoformat(), "deed": broken.deed}
                )
            )
        click.echo(f"intact: {audit.sealed_count()} entries")


@click.command("prepare")
@click.option("--demo/--no-demo", default=False, help="Fill an empty database with the demo market.")
def prepare(demo: bool) -> None:
    """Bring database and bucket to the shape this code needs; safe to run at every start."""
    from exchange.config import config

    schema.upgrade()
    if demo and config().demo and config().embedded_database:
        from flask import current_app

        with database.transaction():
            empty = queries.operator_organization() is None
        if empty:
            current_app.cli.commands["demo"].commands["load"].callback()  # type: ignore[attr-defined]


@jobs.periodic("seal-audit-log", seconds=2, title=N_("監査記録の封印"))
def seal_audit_log(*, at: Any) -> None:
    """Give new audit entries their place in the hash chain."""
    audit.seal()


@jobs.periodic("deliver-mail", seconds=2, title=N_("メールの送信"))
def deliver_mail(*, at: Any) -> None:
    """Send what waits in the outbox."""
    mail.deliver_waiting(at=at)


@jobs.periodic("forget-idempotency-keys", seconds=3600, title=N_("再送防止キーの整理"))
def forget_idempotency_keys(*, at: Any) -> None:
    """Drop idempotency keys older than a day."""
    api.forget_old_keys()


@jobs.periodic("forget-sign-in-failures", seconds=3600, title=N_("サインイン失敗の記録の整理"))
def forget_sign_in_failures(*, at: Any) -> None:
    """Drop failed sign-ins after a day, and links in mails a month after they ended."""
    signing_in.forget_old(at=clock.real_now())


@jobs.periodic("forget-done-work", seconds=3600, title=N_("完了した処理待ち行列の整理"))
def forget_done_work(*, at: Any) -> None:
    """Drop finished pieces of queued work after a week."""
    jobs.forget_done(before=at - timedelta(days=7))


def install(app: Flask) -> None:
    """Hand the ground floor's commands to the house."""
    for command in (tokens, admins, jobs_group, audit_group, backup.backup, prepare):
        app.cli.add_command(command)
