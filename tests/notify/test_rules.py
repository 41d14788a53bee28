"""config/notify.toml: no secret stands in it, and every fault is one line with file and field."""

import pytest

from caifeng.core.errors import ConfigError, UsageError
from caifeng.jobs.notify import load_notify, send_test
from caifeng.notify.channels import HOSTS, Parcel, request_of, secrets_of
from caifeng.notify.message import Message
from tests.notify.desk import NOW, mail_table, open_desk, robot_table

ROBOT = '[[channel]]\nid = "group"\nkind = "{kind}"\nmembers = ["openness_office"]\n'
MAIL = mail_table(25)
PASTED = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"


def rules(config, text):
    (config / "notify.toml").write_text(text, "utf8")
    return load_notify(config)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROBOT.format(kind="wecom") + f'key = "{PASTED}"', "key: a secret must not stand in this file"),
        (ROBOT.format(kind="wecom") + f'token = "{PASTED}"', "token: a secret must not stand"),
        (ROBOT.format(kind="wecom") + f'webhook = "https://x/?key={PASTED}"', "webhook: a secret must not stand"),
        (ROBOT.format(kind="dingtalk") + f'token_env = "A_B"\nsecret = "{PASTED}"', "secret: a secret must not stand"),
        (MAIL.replace("[channel.to]", f'password = "{PASTED}"\n[channel.to]'), "password: a secret must not stand"),
        (ROBOT.format(kind="wecom") + f'token_env = "{PASTED}"', "token_env"),
        (ROBOT.format(kind="wecom") + f'token_env = "A_B"\nbase_url = "https://h/send?key={PASTED}"', "base_url"),
        (ROBOT.format(kind="wecom") + f'token_env = "A_B"\nbase_url = "https://u:{PASTED}@h"', "base_url"),
        (ROBOT.format(kind="wecom"), "token_env or token_file is missing"),
        (ROBOT.format(kind="dingtalk") + 'token_env = "A_B"', "secret_env or secret_file is missing"),
        (ROBOT.format(kind="feishu") + 'token_env = "A_B"', "secret_env or secret_file is missing"),
        (ROBOT.format(kind="wecom") + 'token_env = "A_B"\ntoken_file = "/x"', "not both"),
        (ROBOT.format(kind="wecom") + 'token_file = "x"', "absolute path"),
        (ROBOT.format(kind="sms"), "channel.0"),
        (MAIL.replace('security = "none"', 'security = "none"\nuser = "u"\nsecret_env = "A_B"'), "starttls or tls"),
        (MAIL.replace('security = "none"', 'user = "u"'), "secret_env or secret_file is missing"),
        (MAIL.replace("zwgk@example.gov.cn", "zwgk"), "to.openness_office"),
        (MAIL + MAIL, "id used twice: mail"),
        ("[retry]\npauses_minutes = [5, 1]", "must not shrink"),
        ("[duty]\nchief_after_hours = 3", "duty: chief_after_hours: belongs into [ladder] of deadlines.toml"),
        ("[remind]\nreceipt_after_hours = [24, 24]", "receipt_after_hours must ascend"),
        ('base_link = "http://x/y/"', "base_link"),
        ("[alert]\nmajr = []", "alert.majr"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(config_copy, text, said):
    with pytest.raises(ConfigError) as error:
        rules(config_copy, text)
    assert said in str(error.value)
    assert str(error.value).startswith(str(config_copy / "notify.toml"))
    assert PASTED not in str(error.value)


def test_secrets_come_from_environment_or_file(config_copy, tmp_path):
    file = tmp_path / "sign"
    file.write_text("the key\n", "utf8")
    text = ROBOT.format(kind="feishu") + f'token_env = "A_B"\nsecret_file = "{file}"'
    (channel,) = rules(config_copy, text).channel
    assert secrets_of(channel, config_copy, {"A_B": " hook "}) == {"token": "hook", "secret": "the key"}
    with pytest.raises(ConfigError, match="A_B is not set"):
        secrets_of(channel, config_copy, {"A_B": " "})
    file.unlink()
    with pytest.raises(ConfigError, match="sign cannot be read"):
        secrets_of(channel, config_copy, {"A_B": "hook"})


def test_a_relay_in_the_house_needs_no_password(config_copy):
    (channel,) = rules(config_copy, MAIL).channel
    assert secrets_of(channel, config_copy, {}) == {}


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
def test_robots_go_to_their_maker_unless_another_host_is_named(config_copy, kind):
    parcel = Parcel("k", ("openness_office",), Message("s", "t"), NOW)
    secrets = {"token": "a/b", "secret": "s"}
    named = robot_table(kind, "https://gate.example.gov.cn")
    plain = "\n".join(line for line in named.splitlines() if not line.startswith("base_url"))
    for text, host in ((plain, HOSTS[kind]), (named, "https://gate.example.gov.cn")):
        (channel,) = rules(config_copy, text).channel
        address, body = request_of(channel, secrets, parcel)
        assert address.startswith(host + "/")
        assert "a%2Fb" in address
        assert "t" in str(body)
    assert HOSTS[kind].startswith("https://")


def test_the_examples_in_the_file_are_valid(config_copy):
    lines = (config_copy / "notify.toml").read_text("utf8").splitlines()
    start = lines.index("# [[channel]]")
    text = "\n".join(line.removeprefix("# ").removeprefix("#") for line in lines[start:])
    found = rules(config_copy, "\n".join(lines[:start]) + "\n" + text).channel
    assert [channel.kind for channel in found] == ["smtp", "wecom", "dingtalk", "feishu"]


def test_an_unknown_channel_is_named_with_the_known_ones(tmp_path, config_copy):
    env = open_desk(tmp_path, config_copy, MAIL)
    with pytest.raises(UsageError, match=r"no channel 'sms' .* \(known: mail\)"):
        send_test(env, NOW, "sms")
