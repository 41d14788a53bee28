"""Own rules of marts.grade_audit."""

from expectations.rule import Rule, expects


def rules() -> tuple[Rule, ...]:
    """Two programs, one level: no document is written from a grade that SQL does not confirm."""
    return (
        expects(
            "expect_column_values_to_be_in_set",
            "agrees",
            name="sql_agrees",
            reason="a level anyone can recompute with one query",
            value_set=[True],
        ),
    )
