"""Back to a version that worked: planned, confirmed, probed, audited and timed."""

from rca.respond.rollback.bundle import Bundle, VersionStore, digest_of, read_versions, record
from rca.respond.rollback.execute import execute
from rca.respond.rollback.flagfile import FlagFileTarget
from rca.respond.rollback.haproxy import HAProxyTarget
from rca.respond.rollback.mlflow_alias import MLflowAliasTarget
from rca.respond.rollback.plan import RollbackPlan, plan_rollback
from rca.respond.rollback.probe import FlagdProbe, HttpProbe, Probe
from rca.respond.rollback.readiness import Readiness, readiness
from rca.respond.rollback.report import RollbackReport
from rca.respond.rollback.target import RollbackTarget

__all__ = [
    "Bundle",
    "FlagFileTarget",
    "FlagdProbe",
    "HAProxyTarget",
    "HttpProbe",
    "MLflowAliasTarget",
    "Probe",
    "Readiness",
    "RollbackPlan",
    "RollbackReport",
    "RollbackTarget",
    "VersionStore",
    "digest_of",
    "execute",
    "plan_rollback",
    "read_versions",
    "readiness",
    "record",
]
