"""What listings and wants put on the desk: menu, tasks, figures."""

from exchange.errors import text
from exchange.identity.models import Member
from exchange.identity.rules import has_role
from exchange.web import desk
from listings import queries


def register() -> None:
    """Fill the desk's registries."""
    everyone = ("owner", "data_officer", "accountant", "viewer")
    desk.menu_item(text("掲載"), "/desk/listings", roles=everyone, order=20)
    desk.menu_item(text("自分の保管場所"), "/desk/places", roles=("owner", "data_officer"), order=25)
    desk.menu_item(text("審査"), "/desk/reviews", operator_roles=("approver",), order=10)
    desk.task_source(_tasks)
    desk.figure_source(_figures)


def _tasks(member: Member) -> list[desk.Task]:
    if member.is_operator:
        return [_reviews()] if has_role(member, "approver") else []
    if not has_role(member, "owner", "data_officer"):
        return []
    count, oldest = queries.unfinished_of(member.organization_id)
    wants = queries.wants_for(member.organization) if member.organization.is_verified else []
    due = min((want.until for want in wants), default=None)
    since = min((want.created_at for want in wants), default=None)
    return [
        desk.Task(text("準備中の掲載"), count, oldest, "/desk/listings"),
        desk.Task(text("回答を待っている募集"), len(wants), since, "/needs", due),
    ]


def _reviews() -> desk.Task:
    count, oldest = queries.waiting_reviews()
    return desk.Task(text("掲載の審査"), count, oldest, "/desk/reviews")


def _figures(member: Member) -> list[desk.Figure]:
    if member.is_operator or not member.organization.is_verified:
        return []
    count = queries.published_count(member.organization_id)
    return [desk.Figure(text("公開中の掲載"), str(count), "/desk/listings")] if count else []
