"""From an Arrow table to what estimators take, and back.

Features become one pandas frame: integers stay integers unless values are missing
(then float64 with NaN, booleans too), decimals become float64, text is an object
column with NaN for missing (what the encoders and ``SimpleImputer`` look for), dates
and timestamps stay datetime64 with NaT. Nested, binary and time-of-day columns are
refused: no estimator takes them.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from lineage_graph.errors import InvalidRecord


def require(table: pa.Table, columns: Sequence[str], role: str) -> None:
    """Check that columns exist.

    Raises:
        InvalidRecord: Naming the columns that exist, and the likely one.
    """
    missing = [c for c in columns if c not in table.column_names]
    if missing:
        near = difflib.get_close_matches(missing[0], table.column_names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidRecord(
            f"no column {missing[0]!r}, which is a {role}, in the data.{hint} It has: "
            f"{', '.join(table.column_names)}."
        )


def features(table: pa.Table, names: Sequence[str]) -> pd.DataFrame:
    """Return the feature columns as a frame, in the given order."""
    require(table, names, "feature")
    return pd.DataFrame({name: _series(table, name) for name in names}, copy=False)


def label(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    """Return the label column.

    Raises:
        InvalidRecord: It is absent or has missing values.
    """
    require(table, [name], "label")
    values = np.asarray(_series(table, name))
    missing = int(pd.isna(values).sum())
    if missing:
        raise InvalidRecord(
            f"{missing} of {len(values)} rows have no value in the label {name!r}. Filter them "
            "out first, so that the record says which rows were used."
        )
    return values


def estimator_input(estimator: Any, frame: pd.DataFrame) -> Any:
    """Return the frame, or its only column where a text vectorizer comes first.

    Raises:
        InvalidRecord: A vectorizer comes first and there are several columns.
    """
    if not _takes_text(estimator):
        return frame
    if frame.shape[1] != 1:
        raise InvalidRecord(
            f"{type(estimator).__name__} starts with a text vectorizer, which takes one column, "
            f"but there are {frame.shape[1]} features. Use a ColumnTransformer, or one feature."
        )
    return frame.iloc[:, 0]


def _takes_text(estimator: Any) -> bool:
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[0][1]
        elif hasattr(getattr(estimator, "estimator", None), "fit"):
            estimator = estimator.estimator
        else:
            break
    if not hasattr(estimator, "__sklearn_tags__"):
        return False
    tags = get_tags(estimator).input_tags
    return bool(tags.string and not tags.two_d_array)


def _series(table: pa.Table, name: str) -> Any:
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return column.cast(pa.float64()).to_numpy()
    if pa.types.is_boolean(kind):
        return (column.cast(pa.int8()).cast(pa.float64()) if column.null_count else column
                ).to_numpy()  # fmt: skip
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = column.to_pandas().to_numpy(dtype=object, copy=True)
        values[pd.isna(values)] = np.nan
        return values
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column.to_numpy()
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind):
        return column.to_pandas(date_as_object=False)
    raise InvalidRecord(
        f"column {name!r} is {kind}, which no estimator takes. Turn it into numbers or text "
        "first, or leave it out of the features."
    )


def append(table: pa.Table, columns: dict[str, Any]) -> pa.Table:
    """Return the table with more columns; rows of a 2-d array become lists.

    Raises:
        InvalidRecord: A name is taken.
    """
    for name, values in columns.items():
        if name in table.column_names:
            raise InvalidRecord(
                f"the data already has a column {name!r}. Name the output otherwise, or leave "
                "that column out with keep."
            )
        flat = np.asarray(values)
        array = pa.array(list(flat) if flat.ndim == 2 else flat, from_pandas=False)
        table = table.append_column(name, array)
    return table
