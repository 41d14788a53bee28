// Draws the dashboard from the data in the page. Scraped text is hostile: it enters the page as text only.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const levels = new Map(data.levels.map((level) => [level.id, level]));
  const UNKNOWN = "—";

  const byId = (id) => document.getElementById(id);
  const say = (id, text) => { byId(id).textContent = text; };

  /** An element with attributes and children; strings become text nodes, never markup. */
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  /** A table: heads are [text, class] and cells are nodes or text; the first cell of a row names it. */
  function table(caption, heads, rows, empty) {
    const head = el("tr", {}, ...heads.map(([text, kind]) => el("th", { scope: "col", class: kind ?? null }, text)));
    const body = rows.map((cells) => el("tr", {}, ...cells.map((cell, index) =>
      el(index ? "td" : "th", { scope: index ? null : "row", class: heads[index][1] ?? null }, cell))));
    if (!rows.length) body.push(el("tr", {}, el("td", { colspan: heads.length, class: "empty" }, empty)));
    return el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...body));
  }

  function badge(id) {
    const level = levels.get(id);
    const node = el("span", { class: "lv" }, level.text);
    node.style.background = level.fill;
    node.style.color = level.colour;
    return node;
  }

  /** The title, as a link only where the address is http or https. */
  function title(issue) {
    let address = null;
    try { address = new URL(issue.url); } catch { /* no address, or none that can be read */ }
    if (!address || !["http:", "https:"].includes(address.protocol)) return el("span", {}, issue.title);
    return el("a", { href: address.href, rel: "noopener noreferrer" }, issue.title);
  }

  const count = (value) => (value === null ? UNKNOWN : String(value));

  function drawHead() {
    byId("sample").hidden = !data.sample;
    say("sample", data.sample);
    document.title = `政务舆情看板 ${data.day}`;
    say("when", `${data.office}　${data.dayText}　数据截至 ${data.asOf}`);
    say("coverage", data.coverage);
    byId("dots").append(...data.sources.map((source) => el("i", { class: source.status })));
    byId("zero").hidden = !data.zero;
    say("zero", data.zero);
    byId("figures").append(...data.figures.map(({ name, value, note }) =>
      el("div", {}, name, el("b", {}, value), el("small", {}, note))));
    say("trend-range", data.range);
    say("topics-range", data.range);
    say("note", data.note);
  }

  function drawTables() {
    byId("trend-table").append(table("每日数字；— 表示当日未运行", [["日期"], ["涉统计新帖", "num"], ["新增事项", "num"]],
      data.days.map((day) => [day.day, count(day.posts), count(day.issues)]), "没有数据"));
    byId("stack-table").append(table("每日在列事项；— 表示当日未运行",
      [["日期"], ...data.levels.map((level) => [level.name, "num"])],
      data.days.map((day) => [day.day, ...data.levels.map((level) => count(day.levels && day.levels[level.id]))]),
      "没有数据"));
    byId("topics").append(table("同一事项只计一次，按最近一天的级别",
      [["领域"], ...data.levels.map((level) => [level.text, "num"]), ["合计", "num"]],
      data.topics.map((topic) => [topic.name, ...data.levels.map((level) => count(topic.levels[level.id])), count(topic.total)]),
      "期内没有事项"));
    byId("sources").append(table("当日每个来源的巡查结果",
      [["来源"], ["类别", "short"], ["状态", "short"], ["访问", "num"], ["失败", "num"], ["采集", "num"], ["新帖", "num"],
        ["涉统计", "num"], ["最近新帖", "short"], ["说明"]],
      data.sources.map((source) => [source.name, source.kind, el("span", { class: `status-${source.status}` }, source.statusText),
        source.fetches, source.failed, source.observations, source.postsNew, source.postsRelevant, source.lastNew,
        source.reason]), "没有登记来源"));
  }

  function detail(issue) {
    const rows = issue.factors.map((factor) => [factor.name, factor.points, factor.weight, factor.share]);
    rows.push(["合计", "", issue.weights, `${issue.sum} ≈ ${issue.total}`]);
    return el("div", { class: "sum" },
      table("五因素：得分 × 权重 = 计入", [["因素"], ["得分", "num"], ["权重", "num"], ["计入", "num"]], rows, ""),
      ...issue.reasons.map((reason) => el("div", { class: "why" }, reason)),
      el("div", { class: "meta" }, issue.explanation));
  }

  function issueRows(issue, index) {
    const more = el("tr", { id: `detail-${index}`, class: "noprint", hidden: true }, el("td", { colspan: 6 }, detail(issue)));
    const button = el("button", { type: "button", "aria-expanded": "false", "aria-controls": more.id,
      "aria-label": `评级明细 ${issue.number}` }, "评级明细");
    button.addEventListener("click", () => {
      more.hidden = !more.hidden;
      button.setAttribute("aria-expanded", String(!more.hidden));
    });
    const row = el("tr", {},
      el("td", { class: "short" }, badge(issue.level), el("div", { class: "meta" }, issue.standing)),
      el("td", { class: "issue-title" }, el("div", { class: "t" }, title(issue)), el("div", { class: "why" }, issue.why),
        el("div", { class: "meta" }, `${issue.number}　${issue.topic}　${issue.source}　${issue.detected}`)),
      el("td", { class: "num" }, issue.total),
      el("td", { class: "meta" }, issue.spread),
      el("td", { class: "owner" }, issue.owner, el("div", { class: "meta" }, issue.step)),
      el("td", { class: "noprint" }, button));
    return [row, more];
  }

  function drawIssues() {
    const wanted = byId("level").value;
    const shown = data.issues.filter((issue) => !wanted || issue.level === wanted);
    say("issues-count", wanted ? `${shown.length} 件，共 ${data.issues.length} 件` : `${shown.length} 件`);
    const heads = [["级别"], ["事项和评级理由"], ["得分", "num"], ["传播"], ["承办和建议"], ["明细", "noprint"]];
    const view = table("级别高者在前；背景和转办列在最后", heads, [], data.issues.length ? "没有这个级别的事项" : "当日没有事项");
    if (shown.length) view.tBodies[0].replaceChildren(...shown.flatMap(issueRows));
    byId("issues").replaceChildren(view);
  }

  function fillFilter() {
    const present = data.levels.filter((level) => data.issues.some((issue) => issue.level === level.id));
    byId("level").append(el("option", { value: "" }, "全部"), ...present.map((level) => el("option", { value: level.id }, level.text)));
    byId("level").addEventListener("change", drawIssues);
  }

  // Patterns tell the levels apart in grey: solid, triangles, dots, diagonals one way, lines, diagonals the other.
  const decals = {
    extreme: { symbol: "none" },
    major: { symbol: "triangle", symbolSize: 0.9, dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0], rotation: 0, color: "rgba(255,255,255,.45)" },
    larger: { symbol: "circle", symbolSize: 0.7, dashArrayX: [[5, 5], [0, 5, 5, 0]], dashArrayY: [5, 0], rotation: 0, color: "rgba(60,40,0,.5)" },
    general: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 4, color: "rgba(255,255,255,.5)" },
    log_only: { symbol: "none" },
    context: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [1, 5], rotation: 0, color: "rgba(58,70,86,.6)" },
    refer_out: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [1, 5], rotation: -Math.PI / 4, color: "rgba(58,70,86,.6)" },
  };
  const font = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC",sans-serif';
  const base = { textStyle: { fontFamily: font, color: "#4a5768" }, animation: false,
    aria: { enabled: true, label: { enabled: false }, decal: { show: true } } };

  function chart(id, option) {
    const drawn = echarts.init(byId(id), null, { renderer: "svg", locale: "ZH" });
    drawn.setOption({ ...base, ...option });
    // With a viewBox the drawing scales to the paper.
    const fit = () => byId(id).querySelector("svg").setAttribute("viewBox", `0 0 ${drawn.getWidth()} ${drawn.getHeight()}`);
    window.addEventListener("resize", () => { drawn.resize(); fit(); });
    fit();
  }

  function drawCharts() {
    // A day that was not run must not look like a quiet one.
    const days = data.days.map((day) => day.day.slice(5) + (day.levels ? "" : "\n未运行"));
    const axis = (index, show) => ({ type: "category", data: days, gridIndex: index, axisLabel: { show, hideOverlap: true },
      axisTick: { show: false }, axisLine: { lineStyle: { color: "#8794a7" } } });
    const scale = (index, name) => ({ type: "value", gridIndex: index, minInterval: 1, splitNumber: 3, name, nameLocation: "end",
      nameTextStyle: { align: "left", padding: [0, 0, 0, -34] }, splitLine: { lineStyle: { color: "#dfe4ec" } } });
    const line = (index, name, key, colour, symbol, type) => ({ name, type: "line", xAxisIndex: index, yAxisIndex: index,
      data: data.days.map((day) => day[key]), connectNulls: false, symbol, symbolSize: 7, label: { show: days.length <= 10 },
      lineStyle: { color: colour, width: 2, type }, itemStyle: { color: colour } });
    chart("trend", {
      tooltip: { trigger: "axis", renderMode: "richText" },
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      grid: [{ left: 44, right: 16, top: 28, height: 80 }, { left: 44, right: 16, top: 148, height: 80 }],
      xAxis: [axis(0, false), axis(1, true)],
      yAxis: [scale(0, "涉统计新帖（条）"), scale(1, "新增事项（件）")],
      series: [line(0, "涉统计新帖", "posts", "#1864ab", "circle", "solid"), line(1, "新增事项", "issues", "#8a3f00", "triangle", "dashed")],
    });
    const present = data.levels.filter((level) => data.days.some((day) => day.levels && day.levels[level.id]));
    chart("stack", {
      tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" } },
      legend: { top: 0, itemWidth: 22, itemHeight: 13, type: "scroll" },
      grid: { left: 34, right: 16, top: 40, bottom: 42 },
      xAxis: axis(0, true),
      yAxis: { type: "value", minInterval: 1, splitNumber: 4, splitLine: { lineStyle: { color: "#dfe4ec" } } },
      // The gravest level stands at the bottom, on the common base line.
      series: present.map((level) => ({ name: level.text, type: "bar", stack: "levels", barMaxWidth: 44,
        itemStyle: { color: level.fill, decal: decals[level.id], borderColor: "#8794a7", borderWidth: 0.5 },
        data: data.days.map((day) => day.levels && (day.levels[level.id] || null)) })),
    });
  }

  drawHead();
  drawTables();
  fillFilter();
  drawIssues();
  drawCharts();
  document.body.dataset.ready = "1";
})();
