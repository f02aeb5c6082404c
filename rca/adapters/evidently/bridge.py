"""The one place that imports Evidently, and knows its traps.

- It is heavy (gigabytes, seconds): imported on first use only.
- It imports ``infer_dtype_from_object``, which pandas 3.1 removed: put back before the import.
- Its bundled plotly.js cannot read arrays that plotly 6 and later write as base64, and draws wrong
  bars without an error: arrays are written out while a report is rendered.
- It leaves columns of pandas' nullable dtypes out, and fails on Arrow's: only plain numpy dtypes
  are passed, with an explicit definition of columns.
- Telemetry is switched off (``DO_NOT_TRACK``).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from rca.errors import MissingExtraError

_DTYPES = "pandas.core.dtypes.common"
_REMOVED = "infer_dtype_from_object"


def load() -> SimpleNamespace:
    """Return the parts of Evidently that reports are made of.

    Raises
    ------
    MissingExtraError
        Evidently is not installed.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    _mend_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            core, metrics, presets = (
                import_module(name)
                for name in ("evidently", "evidently.metrics", "evidently.presets")
            )
        except ModuleNotFoundError as error:
            raise MissingExtraError.of(error.name or "evidently", "evidently") from error
    return SimpleNamespace(
        Report=core.Report,
        Dataset=core.Dataset,
        DataDefinition=core.DataDefinition,
        ValueDrift=metrics.ValueDrift,
        DataSummaryPreset=presets.DataSummaryPreset,
    )


def _mend_pandas() -> None:
    common = import_module(_DTYPES)
    if hasattr(common, _REMOVED):
        return

    def infer_dtype_from_object(dtype: Any) -> Any:
        """Return the scalar type of a dtype, as pandas did until 3.0."""
        import numpy as np

        try:
            return np.dtype(dtype).type
        except TypeError:
            return getattr(dtype, "type", np.object_)

    setattr(common, _REMOVED, infer_dtype_from_object)


@contextmanager
def rendering() -> Iterator[None]:
    """Write arrays of figures out as lists, and keep Evidently's own warnings to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base: Any = import_module("plotly.basedatatypes")
        encode = getattr(base, "convert_to_base64", None)
        if encode is None:
            yield
            return
        base.convert_to_base64 = _as_it_is
        try:
            yield
        finally:
            base.convert_to_base64 = encode


def _as_it_is(_: Any) -> None:
    """Leave arrays as they are."""
