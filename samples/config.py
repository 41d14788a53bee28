"""A configuration folder for a run on sample or recorded sites: the product's, with other sources."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from caifeng.core.errors import ConfigError, UsageError

HERE = Path(__file__).parent
TOWN_SOURCES = HERE / "town" / "sources"
RECORDED_SOURCES = HERE / "recorded" / "sources"

_PORT = re.compile(r"\{port(?:\+(\d+))?\}")


def write_config(base: Path, target: Path, sources: Mapping[str, str] | Path, port: int) -> None:
    """Copy `base` to `target` and put `sources` in place of its sources/.

    Args:
        base: the product's configuration folder.
        target: where to write; files of the same name are replaced.
        sources: templates by source id, or a folder of <id>.toml; `{port}` and `{port+1}` in them stand for
            the port of the first and the second site. Other braces ({day}, {title}) are left as they are.
        port: port of the first site.

    Raises:
        ConfigError: `base` or the folder of sources does not exist, or has nothing in it.
        UsageError: `target` is or lies inside `base`, a port is not between 1 and 65535, or
            `target` cannot be written.
    """
    if not base.is_dir():
        raise ConfigError(base, "", "no such configuration folder")
    if target.resolve().is_relative_to(base.resolve()):
        raise UsageError(f"{target}: lies inside the configuration {base} that it would be copied from")
    if isinstance(sources, Path):
        templates = {path.stem: path.read_text("utf8") for path in sorted(sources.glob("*.toml"))}
        if not templates:
            raise ConfigError(sources, "", "no source files there")
    else:
        templates = dict(sources)
    filled = {source_id: fill_ports(text, port) for source_id, text in templates.items()}
    try:
        shutil.copytree(base, target, dirs_exist_ok=True)
        shutil.rmtree(target / "sources", ignore_errors=True)
        (target / "sources").mkdir()
        for source_id, text in filled.items():
            (target / "sources" / f"{source_id}.toml").write_text(text, "utf8")
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error}") from error


def fill_ports(text: str, port: int) -> str:
    """Replace `{port}` and `{port+N}` by numbers.

    Raises:
        UsageError: a port is not between 1 and 65535.
    """

    def fill(match: re.Match[str]) -> str:
        number = port + int(match[1] or 0)
        if not 1 <= number <= 65535:
            raise UsageError(f"port {number}: not between 1 and 65535")
        return str(number)

    return _PORT.sub(fill, text)
