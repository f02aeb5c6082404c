"""Did the fix hold? A day watched hour by hour, without crying wolf for looking often."""

from rca.respond.verify.hours import Hour, Measured, read_hours
from rca.respond.verify.judge import verify
from rca.respond.verify.objective import objective_of
from rca.respond.verify.plan import Objective, VerifyPlan, plan_verification
from rca.respond.verify.result import Verification
from rca.respond.verify.state import read_state, watch

__all__ = [
    "Hour",
    "Measured",
    "Objective",
    "Verification",
    "VerifyPlan",
    "objective_of",
    "plan_verification",
    "read_hours",
    "read_state",
    "verify",
    "watch",
]
