"""The desk's registries: what waits for whom, figures, menu. Chapters fill them in `install(app)`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from exchange.errors import Words
from exchange.identity import rules
from exchange.identity.models import Member


@dataclass(frozen=True)
class Task:
    """One kind of thing that waits for someone."""

    title: Words
    count: int
    oldest_at: datetime | None
    url: str
    due_on: date | None = None


@dataclass(frozen=True)
class Figure:
    """One number worth seeing."""

    label: Words
    value: str
    url: str | None = None


@dataclass(frozen=True)
class MenuItem:
    """An entry of the desk's menu, for members with one of the roles, or administrators with one of theirs.

    `kinds` are the kinds of organization it is for, every kind where none is named; `waiting` counts what waits there.
    """

    label: Words
    path: str
    roles: tuple[str, ...]
    operator_roles: tuple[str, ...]
    order: int
    kinds: tuple[str, ...] = ()
    waiting: Callable[[Member], int] | None = None

    def is_for(self, member: Member) -> bool:
        """Whether this entry is someone's own."""
        if self.kinds and member.organization.kind not in self.kinds:
            return False
        wanted = self.operator_roles if member.is_operator else self.roles
        return bool(wanted) and ("*" in wanted or rules.has_role(member, *wanted))


_tasks: list[Callable[[Member], list[Task]]] = []
_figures: list[Callable[[Member], list[Figure]]] = []
_home: list[Callable[[], Figure]] = []
_menu: list[MenuItem] = []


def task_source(source: Callable[[Member], list[Task]]) -> None:
    """Register what lists the tasks of a member."""
    if source not in _tasks:
        _tasks.append(source)


def figure_source(source: Callable[[Member], list[Figure]]) -> None:
    """Register this month's figures of a member."""
    if source not in _figures:
        _figures.append(source)


def home_figure(source: Callable[[], Figure]) -> None:
    """Register a figure for the front page."""
    if source not in _home:
        _home.append(source)


def menu_item(
    label: Words,
    path: str,
    *,
    roles: tuple[str, ...] = (),
    operator_roles: tuple[str, ...] = (),
    order: int = 50,
    kinds: tuple[str, ...] = (),
    waiting: Callable[[Member], int] | None = None,
) -> None:
    """Register a menu entry; `("*",)` means every role. It is shown to nobody else."""
    item = MenuItem(label, path, roles, operator_roles, order, kinds, waiting)
    if all(item.path != known.path or item.label != known.label for known in _menu):
        _menu.append(item)


def tasks_of(member: Member) -> list[Task]:
    """What waits for a member: by deadline, then by age; kinds of which nothing waits are left out."""
    found = [task for source in _tasks for task in source(member) if task.count]
    return sorted(found, key=lambda t: (t.due_on or date.max, t.oldest_at.timestamp() if t.oldest_at else 0.0))


def figures_of(member: Member) -> list[Figure]:
    """This month's figures of a member."""
    return [figure for source in _figures for figure in source(member)]


def home_figures() -> list[Figure]:
    """Figures that are true now, for the front page."""
    return [source() for source in _home]


def menu_of(member: Member) -> list[MenuItem]:
    """The desk's menu for a member."""
    return sorted((item for item in _menu if item.is_for(member)), key=lambda item: item.order)
