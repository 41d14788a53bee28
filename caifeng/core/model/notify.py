"""Who is told what, by which channel: config/notify.toml. All numbers are our choice.

The file names where a secret is found (an environment variable, a file), never the secret itself.
"""

from __future__ import annotations

import re
from datetime import time
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from caifeng.core.model.office import RoleId

#: State of a message -> its name on screens, in the order of its life.
OUTBOX_STATE_NAMES: dict[str, str] = {
    "no_channel": "未配置渠道，请在工作台查看",
    "waiting": "待发",
    "muted": "夜间暂缓，到时再发",
    "sending": "发送中",
    "sent": "已发",
    "failed": "未发成，稍后重试",
    "unclear": "是否发出不明",
    "given_up": "未发成，已停发",
    "withdrawn": "已撤，事已办或情况已变",
}
#: Step of the ladder on which a duty stands -> its name in a message.
STAGE_NAMES: dict[str, str] = {
    "half": "时限过半",
    "late": "即将到期",
    "overdue": "已超期",
    "supervise": "超期督办",
    "chief": "超期，报主要领导",
}
#: What waits beside the duties of cases -> its name in a message.
REMIND_NAMES: dict[str, str] = {
    "receipt": "归口报送未见回执",
    "approval": "报审等待审批",
    "log": "政务舆情日志未签发",
    "publication_soon": "主动公开临近到期",
    "publication_overdue": "主动公开已超期",
}
KIND_NAMES: dict[str, str] = {"alert": "早期预警", "duty": "时限提醒", "test": "试发", "watchdog": "系统告警"}

Stage = Literal["half", "late", "overdue", "supervise", "chief"]
ToldLevel = Literal["log_only", "general", "larger", "major", "extreme"]
#: `next` stands for the role that has the next step, `duty` for the role of the account on duty (config/units.toml).
Told = tuple[RoleId, ...]
EnvName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{2,63}$")]
#: A mailbox of a post.
Mailbox = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}$", max_length=254)]

_SECRET_WORDS = re.compile(r"password|passwd|secret|token|key|webhook|access|credential|auth", re.IGNORECASE)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Channel(_Strict):
    """What all channels have."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{1,30}$")
    timeout_seconds: float = Field(default=10, gt=0, le=60)
    """Longest wait for one answer."""
    per_minute: int = Field(default=20, ge=1, le=1000)
    """Most messages in a minute; the robots refuse more than 20."""

    #: Names of the secrets; each is given as `<name>_env` or `<name>_file`.
    secret_names: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _no_secret_stands_here(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in values:
                if name not in cls.model_fields and _SECRET_WORDS.search(str(name)):
                    raise PydanticCustomError(
                        "secret",
                        "{field}: a secret must not stand in this file; name an environment variable or a file "
                        "(token_env, token_file, secret_env, secret_file)",
                        {"field": str(name)},
                    )
        return values

    @model_validator(mode="after")
    def _each_secret_has_one_place(self) -> Self:
        for name in self.secret_names:
            env, file = self.place_of(name)
            if env is not None and file is not None:
                raise PydanticCustomError("secret", "give {name}_env or {name}_file, not both", {"name": name})
            if file is not None and not PurePosixPath(file).is_absolute():
                raise PydanticCustomError("secret", "{name}_file must be an absolute path", {"name": name})
            if env is None and file is None and self.needs(name):
                raise PydanticCustomError("secret", "{name}_env or {name}_file is missing", {"name": name})
        return self

    def place_of(self, name: str) -> tuple[str | None, str | None]:
        """(environment variable, file) of a secret, at most one of them given."""
        return getattr(self, f"{name}_env"), getattr(self, f"{name}_file")

    def needs(self, name: str) -> bool:
        """Whether the channel cannot work without this secret."""
        return name in self.secret_names

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that it reaches."""
        raise NotImplementedError


class SmtpChannel(_Channel):
    """E-mail to the mailboxes of the posts."""

    secret_names: ClassVar[tuple[str, ...]] = ("secret",)

    kind: Literal["smtp"]
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$")
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` is for a relay in the same house, which asks for no password."""
    sender: Mailbox
    user: str | None = None
    """Account at the server; without it nobody signs in."""
    secret_env: EnvName | None = None
    """Password of the account."""
    secret_file: str | None = None
    to: dict[RoleId, Annotated[tuple[Mailbox, ...], Field(min_length=1)]] = Field(min_length=1)
    """Role -> its mailboxes."""

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        if self.security == "none" and self.user is not None:
            raise PydanticCustomError("security", "user: a password is not sent without starttls or tls")
        return self

    def needs(self, name: str) -> bool:
        """The password belongs to an account."""
        return self.user is not None

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that have a mailbox."""
        return tuple(self.to)


class _Robot(_Channel):
    secret_names: ClassVar[tuple[str, ...]] = ("token",)

    token_env: EnvName | None = None
    """Last part of the robot's address: who knows it can write into the group."""
    token_file: str | None = None
    members: tuple[RoleId, ...] = Field(min_length=1)
    """Roles that read the group."""
    base_url: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.\[\]:-]+$")
    """Another host than the maker's: a gateway of the office. No path."""
    proxy: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.\[\]:-]+$")

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that read the group."""
        return self.members


class WecomChannel(_Robot):
    """Robot of a WeCom group."""

    kind: Literal["wecom"]


class _SignedRobot(_Robot):
    secret_names: ClassVar[tuple[str, ...]] = ("token", "secret")

    secret_env: EnvName | None = None
    """Key of the signature."""
    secret_file: str | None = None


class DingtalkChannel(_SignedRobot):
    """Robot of a DingTalk group, signed."""

    kind: Literal["dingtalk"]


class FeishuChannel(_SignedRobot):
    """Robot of a Feishu group, signed."""

    kind: Literal["feishu"]


Channel = SmtpChannel | WecomChannel | DingtalkChannel | FeishuChannel


class RetryRules(_Strict):
    """What happens when a message does not go out."""

    attempts: int = Field(default=6, ge=1, le=50)
    """Tries before it is given up."""
    pauses_minutes: tuple[Annotated[float, Field(gt=0, le=1440)], ...] = Field(default=(1, 5, 15, 60), min_length=1)
    """Pause after the first, second, … failure; the last one for all that follow."""
    unclear_after_minutes: float = Field(default=15, ge=1, le=1440)
    """A send that has not been noted for so long was cut off; nobody knows whether it arrived."""

    @model_validator(mode="after")
    def _pauses_grow(self) -> Self:
        if any(later < earlier for earlier, later in pairwise(self.pauses_minutes)):
            raise PydanticCustomError("pauses", "pauses_minutes must not shrink")
        return self


class AlertRules(_Strict):
    """Who is told of an early warning, by the level now."""

    fresh_hours: float = Field(default=24, gt=0, le=720)
    """Older warnings are not told any more: a first start, or a long interruption."""
    burst: Told = ("openness_office",)
    """Of a topic or a place, without a single issue."""
    log_only: Told = ("openness_office",)
    general: Told = ("openness_office",)
    larger: Told = ("openness_office", "deputy")
    major: Told = ("openness_office", "deputy", "chief", "duty")
    extreme: Told = ("openness_office", "deputy", "chief", "duty")


class DutyRules(_Strict):
    """Who is told of a duty, by the step of the ladder on which it stands (config/deadlines.toml: warning, ladder)."""

    half_and_late_from: ToldLevel = "larger"
    """Below this level nobody is reminded before a duty is overdue."""
    half: Told = ("next",)
    late: Told = ("next", "openness_office")
    overdue: Told = ("next", "openness_office", "deputy")
    supervise: Told = ("next", "section", "openness_office", "deputy")
    """The head of the section gets the 督办单."""
    chief: Told = ("chief", "openness_office")

    @model_validator(mode="before")
    @classmethod
    def _hours_are_elsewhere(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in ("supervise_after_hours", "chief_after_hours"):
                if name in values:
                    raise PydanticCustomError(
                        "duty", "{field}: belongs into [ladder] of deadlines.toml", {"field": name}
                    )
        return values


#: Clock hours after which something that waits is told, each once; ascending.
AfterHours = Annotated[tuple[Annotated[float, Field(gt=0, le=2160)], ...], Field(min_length=1)]


class RemindRules(_Strict):
    """What waits beside the duties of cases: who is told, and after how long. No law sets these hours."""

    receipt_after_hours: AfterHours = (24, 72)
    """归口报送 of which no receipt was registered."""
    receipt: Told = ("openness_office",)
    approval_after_hours: AfterHours = (4, 24)
    """报审 that nobody answered; `next` is whoever decides."""
    approval: Told = ("next", "openness_office")
    log_signed_by: time = time(9, 30)
    """Beijing time of the next working day by which the log of a day is to be signed; a weekend's logs together."""
    log_days: int = Field(default=14, ge=1, le=180)
    """Older logs are not asked for any more."""
    log: Told = ("openness_office", "deputy")
    publication_soon: Told = ("openness_office",)
    publication_overdue: Told = ("openness_office", "deputy")

    @model_validator(mode="after")
    def _hours_ascend(self) -> Self:
        for name in ("receipt_after_hours", "approval_after_hours"):
            if any(later <= earlier for earlier, later in pairwise(getattr(self, name))):
                raise PydanticCustomError("remind", "{name} must ascend", {"name": name})
        return self


class NotifyRules(_Strict):
    """The whole file. Without a channel everything stays on the 工作台."""

    base_link: str = Field(default="http://localhost:8080/caifeng", pattern=r"^https?://[^\s?#@]+[^\s?#@/]$")
    """Address of the pages, as a reader of a message reaches them."""
    retry: RetryRules = RetryRules()
    alert: AlertRules = AlertRules()
    duty: DutyRules = DutyRules()
    remind: RemindRules = RemindRules()
    channel: tuple[Annotated[Channel, Field(discriminator="kind")], ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [channel.id for channel in self.channel]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise PydanticCustomError("channel", "id used twice: {ids}", {"ids": ", ".join(twice)})
        return self
