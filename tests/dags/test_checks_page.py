"""What says whether the data can be trusted: the page of the gates, the line on old or scarce data."""

import duckdb

from tests.dags.desk_home import DAY
from tests.dags.test_plugin import asked, browse, home, pristine, web

__all__ = ["asked", "browse", "home", "pristine", "web"]


def test_the_page_of_the_gates_is_linked_and_cannot_act(browse, home):
    office = browse("office")
    assert "/checks" in office.get("/sources").text
    reply = office.get("/checks")
    assert reply.status_code == 200
    assert "数据质量检查" in reply.text
    assert "marts.daily_log" in reply.text
    assert reply.headers["content-security-policy"].startswith("sandbox;")
    (home.home / "data-docs" / "index.html").unlink()
    assert office.get("/checks").status_code == 404


def test_old_or_scarce_data_is_said_on_the_workbench(browse, home):
    office = browse("office")
    with duckdb.connect(str(home.analytics_file)) as published:  # noqa: TID251 - a day on which less came in
        published.execute("UPDATE marts.freshness SET state = 'fresh'")
    assert "数据偏旧或偏少" not in office.get("/").text
    with duckdb.connect(str(home.analytics_file)) as published:  # noqa: TID251
        published.execute(
            "UPDATE marts.freshness SET state = 'volume_low', phrase = '新帖3条，平常20条' "
            "WHERE source_id = 'board' AND day = ?",
            [DAY],
        )
    text = office.get("/").text
    assert "数据偏旧或偏少" in text
    assert "新帖3条，平常20条" in text
