"""Reads an uploaded file: encoding, header, types, quality, personal data, and the Parquet twin. Pure: files in, facts out."""

from .reading import inspect
from .results import Column, Finding, Inspection, Member, Problem, Sheet, Twin, shown, stored

__all__ = ["Column", "Finding", "Inspection", "Member", "Problem", "Sheet", "Twin", "inspect", "shown", "stored"]
