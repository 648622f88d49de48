"""Conditions that several statements share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """Compare with many values through one array, so that the statement's text, and its plan, stays the same."""
    return column == any_(bindparam(None, sorted(set(values)), ARRAY(Text), unique=True))
