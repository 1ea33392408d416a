"""How the exchange is running: jobs, queues, mail, the audit log, metrics."""

import hmac
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from exchange import audit, clock, jobs
from exchange.config import config
from exchange.database import session
from exchange.errors import N_, Forbidden, NotFound, Unauthorized, text
from exchange.identity import inquiries, managing, queries, rules
from exchange.identity.models import SignInFailure
from exchange.jobs import Task
from exchange.mail import ATTEMPTS_MAX, Letter
from exchange.web import metrics, watch
from exchange.web.access import me, operator, public
from exchange.web.watch import Reading

blueprint = Blueprint("operations", __name__)
LATE_FACTOR, LATE_SECONDS = 3, 60  # a job is late after three of its turns, and never within a minute


@blueprint.get("/desk/operations")
@operator()
def show() -> Any:
    """The last run of each job, queues, and what the chapters watch."""
    at = clock.now()
    return render_template(
        "operator/operations.html",
        runs=[(job, run, job_state(job, run, at)) for job, run in jobs.runs()],
        readings=watch.readings(at),
        failed=failed_tasks(),
        at=at,
        may_run=rules.has_role(me(), "system"),
    )


def job_state(job: jobs.PeriodicJob, run: jobs.JobRun | None, at: datetime) -> tuple[str, str]:
    """How a job does, in words and kind: never run, failed, late, in order."""
    if run is None:
        return N_("まだ実行されていません"), "warning"
    if run.last_error:
        return N_("失敗しました"), "error"
    late = run.succeeded_at is None or (at - run.succeeded_at).total_seconds() > max(
        LATE_SECONDS, job.seconds * LATE_FACTOR
    )
    return (N_("遅れています"), "warning") if late else (N_("正常"), "success")


def failed_tasks() -> list[Task]:
    """Queued work that was given up, the newest first."""
    query = select(Task).where(Task.failed_at.is_not(None)).order_by(Task.failed_at.desc()).limit(50)
    return list(session.scalars(query))


@blueprint.post("/desk/operations/jobs/<name>/run")
@operator("system")
def run_job(name: str) -> Any:
    """Let the clock's process aside: queue one turn of a job, which the worker takes."""
    if name not in jobs.PERIODIC:
        raise NotFound()
    jobs.enqueue("run-job", {"name": name}, at=clock.now(), key=f"run-job/{name}")
    audit.record("job.run", actor=me().id, subject=f"job/{name}", at=clock.now())
    flash(_("「%(title)s」の実行を予約しました。", title=_(str(jobs.PERIODIC[name].title))), "success")
    return redirect(url_for("operations.show"), 303)


@jobs.handler("run-job")
def run_asked(payload: dict[str, Any], *, at: datetime) -> None:
    """Run a periodic job because an administrator asked for it."""
    job = jobs.PERIODIC.get(str(payload["name"]))
    if job is not None:
        job.run(at=at)


@blueprint.post("/desk/operations/tasks/<task_id>/retry")
@operator("system")
def retry(task_id: str) -> Any:
    """Give failed work another set of tries."""
    task = session.get(Task, task_id, with_for_update=True)
    if task is None or task.failed_at is None:
        raise NotFound()
    task.failed_at, task.attempts, task.due_at = None, 0, clock.now()
    audit.record("task.retry", actor=me().id, subject=f"task/{task.id}", at=clock.now())
    flash(_("処理をもう一度待ち行列に入れました。"), "success")
    return redirect(url_for("operations.show"), 303)


@watch.source
def own_readings(at: datetime) -> list[Reading]:
    """Queues, mail, sign-ins and letters of the ground floor."""
    waiting = jobs.waiting_count()
    failed = _count(Task.id, Task.failed_at.is_not(None))
    unsent = _count(Letter.id, Letter.sent_at.is_(None), Letter.attempts < ATTEMPTS_MAX)
    given_up = _count(Letter.id, Letter.sent_at.is_(None), Letter.attempts >= ATTEMPTS_MAX)
    unsealed = _count(audit.AuditEntry.id, audit.AuditEntry.seal.is_(None))
    failures = _count(SignInFailure.id)
    pending, _oldest = managing.waiting()
    letters, _since = inquiries.waiting()
    return [
        _counted("exchange_tasks_waiting", N_("待ち行列にある処理"), waiting, at_most=100),
        _counted("exchange_tasks_failed", N_("あきらめた処理"), failed, at_most=0),
        _counted("exchange_mail_waiting", N_("送信を待つメール"), unsent, at_most=50),
        _counted("exchange_mail_failed", N_("送信できなかったメール"), given_up, at_most=0),
        _counted("exchange_audit_unsealed", N_("封印を待つ監査記録"), unsealed, at_most=10_000),
        _counted("exchange_sign_in_failures", N_("24時間のサインイン失敗"), failures, at_most=1_000),
        _counted("exchange_organizations_waiting", N_("確認を待つ組織"), pending, at_most=50),
        _counted("exchange_inquiries_waiting", N_("回答を待つお問い合わせ"), letters, at_most=50),
    ]


def _counted(name: str, title: str, value: int, *, at_most: int) -> Reading:
    return Reading(name, text(title), value, text(N_("%(n)s件"), n=f"{value:,}"), in_order=value <= at_most)


def _count(column: Any, *conditions: Any) -> int:
    return session.scalar(select(func.count(column)).where(*conditions)) or 0


@blueprint.get("/desk/audit")
@operator()
def audit_log() -> Any:
    """The audit log, the newest first, and how its chain stands."""
    asked = {name: request.args.get(name, "").strip()[:100] for name in ("deed", "subject", "email")}
    actor = queries.member_by_email(asked["email"]) if asked["email"] else None
    page = audit.entries(
        deed=asked["deed"],
        subject=asked["subject"],
        actor=actor.id if actor else ("-" if asked["email"] else ""),
        cursor=request.args.get("cursor"),
    )
    first: dict[str, Any] = {name: value for name, value in asked.items() if value}
    return render_template(
        "operator/audit.html",
        page=page,
        asked=asked,
        names=queries.names_of({entry.actor for entry in page.items if entry.actor}),
        sealed=audit.sealed_count(),
        next_url=url_for("operations.audit_log", **first, cursor=page.next_cursor) if page.next_cursor else None,
        first_url=url_for("operations.audit_log", **first) if request.args.get("cursor") else None,
    )


@blueprint.post("/desk/audit/verify")
@operator("system")
def verify_audit() -> Any:
    """Check the whole hash chain now."""
    broken = audit.broken()
    if broken is None:
        flash(_("監査記録の連鎖に欠けや改変はありません(%(n)s件)。", n=f"{audit.sealed_count():,}"), "success")
    else:
        flash(_("監査記録 %(id)s 番から先の連鎖が合いません。すぐに調査してください。", id=broken.id), "error")
    return redirect(url_for("operations.audit_log"), 303)


@blueprint.get("/metrics")
@public
def show_metrics() -> Any:
    """Numbers for Prometheus, for whoever brings METRICS_TOKEN or an administrator's API token."""
    _demand_metrics_token()
    at = clock.now()
    states = [(job.name, run) for job, run in jobs.runs()]
    return Response(metrics.exposition(watch.readings(at), states, at), mimetype="text/plain; version=0.0.4")


def _demand_metrics_token() -> None:
    scheme, _sep, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthorized(text("トークンを Authorization: Bearer に付けてください。"))
    own = config().metrics_token
    if own and hmac.compare_digest(own.encode(), secret.encode()):
        return
    holder = queries.holder_by_secret(secret) if len(secret) < 200 else None
    if holder is None:
        raise Unauthorized(text("トークンが正しくありません。"))
    if not holder.is_operator or not rules.has_role(holder, "system"):
        raise Forbidden(text("運営者のシステム担当だけが利用できます。"))
