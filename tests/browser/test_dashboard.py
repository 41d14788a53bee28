"""The dashboard in a real browser: filters, drill-down, no request, no complaint, hostile text inert, axe."""

from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from caifeng.reports.dashboard import DashboardData, dashboard_html, echarts_source
from tests.browser.chromium import chromium
from tests.golden import invented

pytestmark = pytest.mark.slow

HOSTILE = '</script><script>window.hit=1</script>"><img src=x onerror="window.hit=1">=cmd()'
LIST = "document.querySelectorAll('#list .item').length"


def hostile() -> DashboardData:
    texts = dict.fromkeys(("title", "source_name", "owner_unit", "topic_name"), HOSTILE)
    return invented.dashboard_data(invented.log(numbers=(415,), url="javascript:window.hit=1", **texts))


def write(folder: Path, data: DashboardData) -> str:
    path = folder / "dashboard.html"
    path.write_text(dashboard_html(data, echarts_source()), "utf8")
    assert path.stat().st_size < 5_000_000
    return path.as_uri()


def axe() -> str:
    package = pytest.importorskip("axe_core_python")
    (script,) = Path(str(files(package))).rglob("axe.min.js")
    return script.read_text("utf8")


@pytest.mark.parametrize("period", [None, date(2026, 7, 1)])
def test_filters_and_drill_down(tmp_path, period):
    url = write(tmp_path, replace(invented.dashboard_data(), first=period))
    with chromium(tmp_path / "profile") as page:
        page.open(url)
        assert page.run("document.body.dataset.ready") == "1"
        assert page.run(LIST) == 8
        page.run("(() => { const e = document.querySelector('[name=words]'); e.value = '验证码';"
                 " e.dispatchEvent(new Event('input')); })()")  # fmt: skip
        assert page.run(LIST) == 1
        page.run("document.querySelector('#reset').click()")
        assert page.run(LIST) == 8
        page.run("document.querySelector('#topics-table .cell').click()")
        assert page.run(LIST) == 1
        page.run("document.querySelector('#list .item button').click()")
        assert page.run("document.querySelector('#panel').open")
        assert "YQ-2026-" in page.run("document.querySelector('#panel').innerText")
        link = "document.querySelector('#panel a')"
        assert page.run(f"[{link}.target, {link}.rel].join()") == "_blank,noopener noreferrer"
        page.run("document.querySelector('#panel .close').click()")
        assert not page.run("document.querySelector('#panel').open")
        assert page.run("performance.getEntriesByType('resource').length") == 0
        assert page.errors == []


def test_what_the_page_says_is_what_was_computed(tmp_path):
    data = invented.dashboard_data()
    with chromium(tmp_path / "profile") as page:
        page.open(write(tmp_path, data))
        shown = page.run("[...document.querySelectorAll('#figures b')].map(e => e.innerText)")
    summary = data.summaries.filter(day=invented.DAY).row(0, named=True)
    names = ("observations", "posts_relevant", "issues_new", "issues_tracked", "to_answer")
    assert [int(text.replace(",", "")) for text in shown[:5]] == [summary[name] for name in names]


def test_hostile_text_is_inert(tmp_path):
    with chromium(tmp_path / "profile") as page:
        page.open(write(tmp_path, hostile()))
        page.run("document.querySelector('#list .item button').click()")
        assert HOSTILE in page.run("document.querySelector('#panel').innerText")
        assert page.run("typeof window.hit") == "undefined"
        assert page.run("document.querySelectorAll('img, a[href^=javascript]').length") == 0
        assert page.errors == []


def test_axe_finds_no_violation(tmp_path):
    script = axe()
    with chromium(tmp_path / "profile") as page:
        page.open(write(tmp_path, invented.dashboard_data()))
        for opened in (False, True):
            if opened:
                page.run("document.querySelector('#list .item button').click()")
            page.run(script + ";0")
            page.run("window.found = null; axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"
                     ".then(r => { window.found = r; });0")  # fmt: skip
            for _ in range(200):
                if page.run("!!window.found"):
                    break
            assert page.run("window.found.passes.length") > 10
            assert page.run("window.found.violations.map(v => v.id + ' ' + v.nodes.map(n => n.html).join(' | '))") == []
