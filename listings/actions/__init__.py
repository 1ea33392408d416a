"""What people can do about listings and wants: draft, upload, submit, publish, release, recall, want."""

from listings.actions.drafting import ListingFields, change, draft, new_release, tell_offers
from listings.actions.filing import (
    add_file,
    add_held_files,
    begin_parts,
    complete,
    describe_file,
    discard,
    remove_file,
    sweep_uploads,
)
from listings.actions.placing import (
    change_place,
    check_place,
    check_places,
    close_place,
    look_again,
    register_place,
)
from listings.actions.reading import read, seal_away
from listings.actions.recalling import recall, recipients
from listings.actions.reviewing import Answer, answer_findings, missing, publish, return_, submit, withdraw
from listings.actions.wanting import AnswerFields, WantFields, answer_want, close_want, end_overdue_wants, join, want
from listings.registries import RECIPIENTS, SUBSCRIBERS

__all__ = [
    "RECIPIENTS",
    "SUBSCRIBERS",
    "Answer",
    "AnswerFields",
    "ListingFields",
    "WantFields",
    "add_file",
    "add_held_files",
    "answer_findings",
    "answer_want",
    "begin_parts",
    "change",
    "change_place",
    "check_place",
    "check_places",
    "close_place",
    "close_want",
    "complete",
    "describe_file",
    "discard",
    "draft",
    "end_overdue_wants",
    "join",
    "look_again",
    "missing",
    "new_release",
    "publish",
    "read",
    "recall",
    "recipients",
    "register_place",
    "remove_file",
    "return_",
    "seal_away",
    "submit",
    "sweep_uploads",
    "tell_offers",
    "want",
    "withdraw",
]
