"""Many values as array parameters, so that a statement's text and plan stay the same for any number of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, bindparam, column, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine


def among(column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """Compare with many values at once."""
    return column == any_(bindparam(None, sorted(set(values)), ARRAY(Text), unique=True))


class ArrayRows:
    """A table inside a statement whose rows are given when it is run, one array for each column."""

    def __init__(self, name: str, **columns: type[TypeEngine[Any]]) -> None:
        self._names = {f"{name}_{each}": each for each in columns}
        arrays = (bindparam(f"{name}_{each}", type_=ARRAY(kind)) for each, kind in columns.items())
        self.table: TableValuedAlias = (
            func.unnest(*arrays)
            .table_valued(*(column(each, kind) for each, kind in columns.items()))
            .render_derived(name=name)
        )

    def parameters(self, rows: Iterable[object]) -> dict[str, list[Any]]:
        """Give the parameters that make these objects the rows; each has the columns as attributes."""
        given = list(rows)
        return {parameter: list(map(attrgetter(each), given)) for parameter, each in self._names.items()}
