"""Own rules of clean.post_metrics."""

from expectations.rule import Rule, expects


def rules() -> tuple[Rule, ...]:
    """Heat has no unit that the baseline could go by."""
    return (
        expects(
            "expect_column_values_to_be_between",
            "heat",
            name="heat_not_negative",
            reason="a heat figure counts something; its scale is the source's own",
            on_fail="quarantine",
            owner="monitor",
            min_value=0,
        ),
    )
