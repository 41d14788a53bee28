"""The treatment of a case, put together: fields, table, guards, projection and next steps under one name."""

from caifeng.cases.fields import FIELDS, FREE_WORDS, Field, checked_payload
from caifeng.cases.guards import (
    CHIEF_LEVELS,
    GUARDS,
    REASON_CHARACTERS,
    USUAL_RULES,
    Act,
    CaseRules,
    overall_outcome,
    owes_hearing,
)
from caifeng.cases.projection import apply, project
from caifeng.cases.steps import NextStep, next_step, tracked_until
from caifeng.cases.table import DUTY_FIELDS, FACT_FIELDS, TABLE, Transition, allowed, row_fits, transition
from caifeng.cases.ways import WAYS, Way, events_left, way_called

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
    "WAYS",
    "Act",
    "CaseRules",
    "Field",
    "NextStep",
    "Transition",
    "Way",
    "allowed",
    "apply",
    "checked_payload",
    "events_left",
    "next_step",
    "overall_outcome",
    "owes_hearing",
    "project",
    "row_fits",
    "tracked_until",
    "transition",
    "way_called",
]
