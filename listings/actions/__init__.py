"""What people can do about listings and wants: draft, upload, submit, publish, release, recall, want."""

from listings.actions.drafting import ListingFields, change, draft, new_release, tell_offers
from listings.actions.filing import (
    add_file,
    begin_parts,
    complete,
    describe_file,
    discard,
    remove_file,
    sweep_uploads,
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
    "answer_findings",
    "answer_want",
    "begin_parts",
    "change",
    "close_want",
    "complete",
    "describe_file",
    "discard",
    "draft",
    "end_overdue_wants",
    "join",
    "missing",
    "new_release",
    "publish",
    "read",
    "recall",
    "recipients",
    "remove_file",
    "return_",
    "seal_away",
    "submit",
    "sweep_uploads",
    "tell_offers",
    "want",
    "withdraw",
]
