"""The office's own rules of the register: config/register.toml. No document sets these numbers (本单位规定)."""

from pydantic import BaseModel, ConfigDict, Field


class RegisterRules(BaseModel):
    """What the guards of the register ask for beyond the law."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    consult_before_submit: bool = True
    """重大以上或敏感事项: at least one opinion from a consultation before a final answer is submitted (Art. 7)."""
    plan_working_days: int = Field(default=30, ge=1, le=250)
    """Longest time for a rectification plan, in working days after the day on which it is made (Art. 9: 限期)."""

    @property
    def switched_off(self) -> tuple[str, ...]:
        """What the office switched off, in words for pages; empty: nothing."""
        return () if self.consult_before_submit else ("本单位规定：重大以上或敏感事项报审正式回应前，不要求先行会商",)
