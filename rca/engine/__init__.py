"""The one seam to the query engine: SQL text goes down, small Arrow tables come back.

Analyses write SQL only with the fragments of :mod:`rca.engine.sql` and an engine's
:class:`~rca.engine.dialect.Dialect`, so that another engine can take DuckDB's place.
"""

from rca.engine.base import Engine
from rca.engine.connect import connect
from rca.engine.dialect import Dialect

__all__ = ["Dialect", "Engine", "connect"]
