"""The treatment of a case, put together: fields, table, guards, projection and next steps under one name."""

from caifeng.cases.fields import FIELDS, FREE_WORDS, Field, checked_payload
from caifeng.cases.guards import CHIEF_LEVELS, GUARDS, REASON_CHARACTERS, USUAL_RULES, Act, CaseRules, overall_outcome
from caifeng.cases.projection import apply, project
from caifeng.cases.steps import NextStep, next_step
from caifeng.cases.table import DUTY_FIELDS, FACT_FIELDS, TABLE, Transition, allowed, row_fits, transition

__all__ = [
    "CHIEF_LEVELS",
    "DUTY_FIELDS",
    "FACT_FIELDS",
    "FIELDS",
    "FREE_WORDS",
    "GUARDS",
    "REASON_CHARACTERS",
    "TABLE",
    "USUAL_RULES",
    "Act",
    "CaseRules",
    "Field",
    "NextStep",
    "Transition",
    "allowed",
    "apply",
    "checked_payload",
    "next_step",
    "overall_outcome",
    "project",
    "row_fits",
    "transition",
]
