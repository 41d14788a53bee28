"""The office's own rules of the register: config/register.toml. No document sets these numbers (本单位规定)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from caifeng.core.model.grading import Flag

#: What suspects somebody of the office: a person looks before such an issue is given to a unit.
_SUSPICIONS: tuple[Flag, ...] = ("alleges_fabrication", "alleges_leak", "staff_conduct")


class RegisterRules(BaseModel):
    """What the guards of the register ask for beyond the law, and how the pages shorten the way."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    consult_before_submit: bool = True
    """重大以上或敏感事项: at least one opinion from a consultation before a final answer is submitted (Art. 7)."""
    plan_working_days: int = Field(default=30, ge=1, le=250)
    """Longest time for a rectification plan, in working days after the day on which it is made (Art. 9: 限期)."""
    ordinary_levels: tuple[Literal["general", "log_only"], ...] = Field(default=("general", "log_only"), strict=False)
    """Levels of ordinary issues: only these are assigned with the confirmation and answered in one form."""
    assign_on_agreement: bool = True
    """Whoever agrees to the suggested level of an ordinary issue gives it to the suggested unit in the same step."""
    assign_by_hand: tuple[Flag, ...] = Field(default=_SUSPICIONS, strict=False)
    """Suspicions with which an issue is not assigned by itself, because the suggested unit may be the one meant."""
    tracking_hours: int = Field(default=72, ge=0, le=720)
    """Clock hours for which an answered issue is watched before closing it is proposed; closing is not forbidden."""

    @property
    def switched_off(self) -> tuple[str, ...]:
        """What the office switched off, in words for pages; empty: nothing."""
        return () if self.consult_before_submit else ("本单位规定：重大以上或敏感事项报审正式回应前，不要求先行会商",)
