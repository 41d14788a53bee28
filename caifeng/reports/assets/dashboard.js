// Draws the dashboard from the data in the page. Scraped text is hostile: it enters the page as text only.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { columns: issue, topics, classes, sources, units, states } = data.issues;
  const { axis, levels, log } = data;
  const size = issue.no.length;
  const UNKNOWN = "—";
  const byId = (id) => document.getElementById(id);
  const say = (id, text) => { byId(id).textContent = text; };
  const count = (value) => (value === null || value === undefined ? UNKNOWN : value.toLocaleString("en"));
  const share = (part, whole) => (whole ? `${(100 * part / whole).toFixed(1)}%` : UNKNOWN);
  const tenths = (value) => (value / 10).toFixed(1);
  /** Minutes since 1970 as a time in China (UTC+8, no summer time). */
  const time = (minutes) => (minutes === null ? UNKNOWN : new Date((minutes + 480) * 60000).toISOString().slice(0, 16).replace("T", " "));

  /** An element with attributes and children; strings become text nodes, never markup. */
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  /** A table: heads are [text, class] and cells are nodes or text; the first cell of a row names it. */
  function table(caption, heads, rows, empty, kind = null) {
    const head = el("tr", {}, ...heads.map(([text, style]) => el("th", { scope: "col", class: style ?? null }, text)));
    const body = rows.map((cells) => el("tr", {}, ...cells.map((cell, index) =>
      el(index ? "td" : "th", { scope: index ? null : "row", class: heads[index][1] ?? null }, cell))));
    if (!rows.length) body.push(el("tr", {}, el("td", { colspan: heads.length, class: "empty" }, empty)));
    return el("table", { class: kind }, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...body));
  }

  function badge(index) {
    const level = levels[index];
    const node = el("span", { class: "lv" }, level.text);
    node.style.background = level.fill;
    node.style.color = level.colour;
    return node;
  }

  /** A link only where the address is http or https. */
  function link(text, address) {
    let parsed = null;
    try { parsed = new URL(address); } catch { /* no address, or none that can be read */ }
    if (!parsed || !["http:", "https:"].includes(parsed.protocol)) return el("span", {}, text);
    return el("a", { href: parsed.href, target: "_blank", rel: "noopener noreferrer" }, text);
  }
  const address = (columns, index) => (columns.at1[index] === null ? null : data.addresses[columns.at0[index]] + columns.at1[index]);
  const query = (name) => el("code", {}, data.queries[name]);

  // ---- filters: one pass over the issues, then one over the log -------------------------------------------------
  const bucketOf = new Int32Array(axis.days.length);
  axis.buckets.forEach(([from, to], place) => bucketOf.fill(place, from, to + 1));
  const bucketName = ([from, to]) => (from === to ? axis.days[from] : `${axis.days[from]} 起一周`);
  const lower = issue.no.map((no, index) => `${no} ${issue.title[index]} ${sources[issue.source[index]]}`.toLowerCase());
  const wanted = { level: "", topic: "", cls: "", unit: "", state: "", bucket: "", scope: "", words: "" };
  if (data.kind === "day") wanted.bucket = String(axis.buckets.length - 1);
  const daysOf = Array.from({ length: axis.buckets.length }, () => []);
  for (let row = 0; row < log.i.length; row += 1) {
    const bucket = bucketOf[log.d[row]];
    if (row + 1 < log.i.length && log.i[row + 1] === log.i[row] && bucketOf[log.d[row + 1]] === bucket) continue;
    daysOf[bucket].push(log.i[row]);
  }
  const inLog = daysOf.map((places) => new Set(places));

  function filtered() {
    const passes = new Uint8Array(size);
    const shown = [];
    const words = wanted.words.trim().toLowerCase();
    const here = wanted.bucket === "" ? null : inLog[wanted.bucket];
    const codes = ["level", "topic", "cls", "unit", "state"].filter((name) => wanted[name] !== "")
      .map((name) => [issue[name], Number(wanted[name])]);
    for (let index = 0; index < size; index += 1) {
      if (codes.some(([column, code]) => column[index] !== code)) continue;
      if (wanted.scope && (wanted.scope === "outside") !== levels[issue.level[index]].outside) continue;
      if (words && !lower[index].includes(words)) continue;
      passes[index] = 1;
      if (!here || here.has(index)) shown.push(index);
    }
    return { passes, shown };
  }
  const isFiltered = () => Object.entries(wanted).some(([name, value]) => name !== "bucket" && value !== "");

  function choice(label, name, options) {
    const select = el("select", { name, change: () => { wanted[name] = select.value; update(); } },
      el("option", { value: "" }, "全部"), ...options.map(([value, text]) => el("option", { value }, text)));
    select.value = wanted[name];
    return el("label", {}, label, select);
  }

  function drawFilters() {
    const listed = (words) => words.map((word, place) => [String(place), word]);
    const present = listed(levels.map((level) => level.text)).filter(([place]) => issue.level.includes(Number(place)));
    const search = el("input", { type: "search", name: "words", placeholder: "编号、标题、来源",
      input: () => { wanted.words = search.value; update(); } });
    const form = byId("filters");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.append(
      choice(axis.byWeek ? "周" : "日期", "bucket", axis.buckets.map((b, place) => [String(place), bucketName(b)]).reverse()),
      choice("级别", "level", present), choice("领域", "topic", listed(topics)), choice("来源类别", "cls", listed(classes)),
      choice("承办单位", "unit", listed(units)), choice("状态", "state", listed(states)),
      choice("范围", "scope", [["own", "本单位事项"], ["outside", "背景和转办"]]), el("label", {}, "检索", search),
      el("button", { type: "button", id: "reset", click: () => {
        for (const name of Object.keys(wanted)) wanted[name] = "";
        form.querySelectorAll("select, input").forEach((field) => { field.value = ""; });
        update();
      } }, "清除筛选"));
  }

  /** From a part of a chart to its issues. */
  function drill(changes) {
    for (const [name, value] of Object.entries(changes)) {
      wanted[name] = String(value);
      byId("filters").elements[name].value = String(value);
    }
    update();
    byId("list-title").focus();
    byId("list-title").scrollIntoView();
  }
  const drillButton = (text, changes, kind = "link") => el("button", { type: "button", class: kind, click: () => drill(changes) }, text);

  // ---- charts -----------------------------------------------------------------------------------------------------
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
  const grey = { splitLine: { lineStyle: { color: "#dfe4ec" } } };
  const drawn = new Map();

  function chart(node, option, onClick = null) {
    let picture = drawn.get(node);
    if (!picture) {
      picture = echarts.init(node, null, { renderer: "svg", locale: "ZH" });
      drawn.set(node, picture);
      if (onClick) picture.on("click", onClick);
    }
    picture.setOption({ ...base, ...option }, true);
    fit(node, picture);
  }
  /** With a viewBox the drawing scales to the paper. */
  function fit(node, picture) {
    node.querySelector("svg").setAttribute("viewBox", `0 0 ${picture.getWidth()} ${picture.getHeight()}`);
  }
  window.addEventListener("resize", () => drawn.forEach((picture, node) => { picture.resize(); fit(node, picture); }));

  /** A card with chart, summary in words, table and query. */
  function card(into, id, heading, { withChart = true, closed = withChart } = {}) {
    const view = el("div", { class: "wide", id: `${id}-table`, role: "group", "aria-labelledby": `${id}-title`, tabindex: "0" });
    const sql = data.queries[id] ? el("details", {}, el("summary", {}, "查询（未筛选时）"), query(id)) : null;
    byId(into).append(el("section", { class: withChart ? "card" : "card long", "aria-labelledby": `${id}-title` },
      el("h2", { id: `${id}-title` }, heading), withChart ? el("div", { class: "chart", id, role: "img" }) : null,
      el("p", { class: "text", id: `${id}-text` }), closed ? el("details", {}, el("summary", {}, "查看数据表"), view) : view, sql));
  }
  function words(id, text) {
    say(`${id}-text`, text);
    if (byId(id)) byId(id).setAttribute("aria-label", text);
  }
  const show = (id, ...nodes) => byId(`${id}-table`).replaceChildren(...nodes);

  const sum = (values, [from, to]) => {
    const known = values.slice(from, to + 1).filter((value) => value !== null);
    return known.length ? known.reduce((a, b) => a + b, 0) : null;
  };
  const wasRun = axis.buckets.map((bucket) => sum(axis.posts, bucket) !== null);
  const labels = axis.buckets.map(([from], place) => axis.days[from].slice(5) + (wasRun[place] ? "" : "\n未运行"));

  function drawVolume(passes) {
    const posts = axis.buckets.map((bucket) => sum(axis.posts, bucket));
    let fresh = axis.buckets.map((bucket) => sum(axis.issues, bucket));
    if (isFiltered()) {
      fresh = wasRun.map((run) => (run ? 0 : null));
      for (let row = 0; row < log.i.length; row += 1) if (log.n[row] && passes[log.i[row]]) fresh[bucketOf[log.d[row]]] += 1;
    }
    const releases = axis.buckets.map((_, place) => data.releases.filter(([day]) => bucketOf[day] === place));
    const marks = releases.flatMap((found, place) => (found.length ? [{ xAxis: place, name: `发布：${found.map((r) => r[1]).join("、")}` }] : []));
    const line = (place, name, values, colour, symbol, type) => ({ name, type: "line", xAxisIndex: place, yAxisIndex: place,
      data: values, symbol, symbolSize: 7, label: { show: values.length <= 10 },
      lineStyle: { color: colour, width: 2, type }, itemStyle: { color: colour },
      markLine: { silent: true, symbol: ["none", "diamond"], data: marks, label: { show: place === 0, formatter: "发布" },
        lineStyle: { color: "#6b3fa0", type: "dotted", width: 1.5 } } });
    const days = (place, shown) => ({ type: "category", data: labels, gridIndex: place, axisLabel: { show: shown, hideOverlap: true },
      axisTick: { show: false }, axisLine: { lineStyle: { color: "#8794a7" } } });
    const scale = (place, name) => ({ type: "value", gridIndex: place, minInterval: 1, splitNumber: 3, name, nameLocation: "end",
      nameTextStyle: { align: "left", padding: [0, 0, 0, -34] }, ...grey });
    chart(byId("volume"), {
      tooltip: { trigger: "axis", renderMode: "richText" }, axisPointer: { link: [{ xAxisIndex: "all" }] },
      grid: [{ left: 44, right: 24, top: 34, height: 76 }, { left: 44, right: 24, top: 150, height: 76 }],
      xAxis: [days(0, false), days(1, true)], yAxis: [scale(0, "涉统计新帖（条）"), scale(1, "新增事项（件）")],
      series: [line(0, "涉统计新帖", posts, "#1864ab", "circle", "solid"), line(1, "新增事项", fresh, "#8a3f00", "triangle", "dashed")],
    }, ({ dataIndex }) => drill({ bucket: dataIndex }));
    const known = posts.filter((value) => value !== null);
    const top = posts.indexOf(Math.max(...known));
    words("volume", `${data.range}涉统计新帖 ${count(known.reduce((a, b) => a + b, 0))} 条，最多为 ${bucketName(axis.buckets[top])}（${count(posts[top])} 条）；`
      + `新增事项 ${count(fresh.reduce((a, b) => a + (b ?? 0), 0))} 件；期内数据发布 ${data.releases.length} 次。${isFiltered() ? "帖文数不随筛选变化。" : ""}`);
    show("volume", table("— 表示未运行", [[axis.byWeek ? "周" : "日期"], ["涉统计新帖", "num"], ["新增事项", "num"], ["数据发布"]],
      axis.buckets.map((bucket, place) => [drillButton(bucketName(bucket), { bucket: place }), count(posts[place]), count(fresh[place]),
        releases[place].map(([, name, about, usual]) => `${name}${about ? `（${about}）` : ""}${usual ? "，按惯例" : ""}`).join("；")]), "没有数据"));
  }

  function drawStack(passes) {
    const counts = axis.buckets.map(() => new Int32Array(levels.length));
    for (let row = 0; row < log.i.length; row += 1) {
      const bucket = bucketOf[log.d[row]];
      const again = row + 1 < log.i.length && log.i[row + 1] === log.i[row] && bucketOf[log.d[row + 1]] === bucket;
      if (!again && passes[log.i[row]]) counts[bucket][log.l[row]] += 1;
    }
    const present = levels.map((_, place) => place).filter((place) => counts.some((found) => found[place]));
    chart(byId("stack"), {
      tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" } },
      legend: { top: 0, itemWidth: 22, itemHeight: 13, type: "scroll" }, grid: { left: 34, right: 16, top: 40, bottom: 42 },
      xAxis: { type: "category", data: labels, axisLabel: { hideOverlap: true }, axisTick: { show: false } },
      yAxis: { type: "value", minInterval: 1, splitNumber: 4, ...grey },
      // The gravest level stands at the bottom, on the common base line.
      series: present.map((place) => ({ name: levels[place].text, type: "bar", stack: "levels", barMaxWidth: 44,
        itemStyle: { color: levels[place].fill, decal: decals[levels[place].id], borderColor: "#8794a7", borderWidth: 0.5 },
        data: counts.map((found, bucket) => (wasRun[bucket] ? found[place] || null : null)) })),
    }, ({ dataIndex, seriesIndex }) => drill({ bucket: dataIndex, level: present[seriesIndex] }));
    const last = counts[counts.length - 1];
    words("stack", `${bucketName(axis.buckets[axis.buckets.length - 1])}在列：`
      + (present.map((place) => `${levels[place].name} ${last[place]} 件`).join("，") || "没有事项") + "。按当时的级别。");
    show("stack", table("在列事项按当时的级别；— 表示未运行", [[axis.byWeek ? "周" : "日期"], ...levels.map((level) => [level.name, "num"])],
      axis.buckets.map((bucket, place) => [bucketName(bucket), ...levels.map((_, level) => (wasRun[place] ? count(counts[place][level]) : UNKNOWN))]), "没有数据"));
  }

  function drawTopics(shown) {
    const cells = new Map();
    for (const index of shown) {
      const topic = issue.topic[index];
      if (!cells.has(topic)) cells.set(topic, new Int32Array(levels.length + 1));
      cells.get(topic)[issue.level[index]] += 1;
      cells.get(topic)[levels.length] += 1;
    }
    const order = [...cells.keys()].sort((a, b) => cells.get(b)[levels.length] - cells.get(a)[levels.length] || a - b);
    const most = Math.max(1, ...order.flatMap((topic) => [...cells.get(topic).slice(0, -1)]));
    const cell = (topic, level) => {
      const number = cells.get(topic)[level];
      if (!number) return "0";
      const node = drillButton(String(number), { topic, level }, "cell");
      node.setAttribute("aria-label", `${topics[topic]}，${levels[level].name}，${number} 件`);
      node.style.background = `rgba(24,100,171,${(0.08 + 0.3 * number / most).toFixed(2)})`;
      return node;
    };
    words("topics", order.length ? `事项最多的领域：${order.slice(0, 3).map((t) => `${topics[t]} ${cells.get(t)[levels.length]} 件`).join("，")}。` : "没有事项。");
    show("topics", table("每件只计一次，按现在的级别；帖文为全部所列日期之和，不随筛选变化",
      [["领域"], ...levels.map((level) => [level.text, "num"]), ["合计", "num"], ["帖文", "num"], ["其中转载", "num"]],
      order.map((topic) => [drillButton(topics[topic], { topic }), ...levels.map((_, level) => cell(topic, level)), String(cells.get(topic)[levels.length]),
        ...(data.topicPosts[topics[topic]] ?? [null, null]).map(count)]), "没有事项"));
  }

  function drawClasses(shown) {
    const counts = new Int32Array(classes.length);
    for (const index of shown) counts[issue.cls[index]] += 1;
    const order = [...counts.keys()].filter((place) => counts[place]).sort((a, b) => counts[b] - counts[a]);
    chart(byId("classes"), {
      grid: { left: 84, right: 96, top: 6, bottom: 8 }, tooltip: { renderMode: "richText" },
      xAxis: { type: "value", show: false }, yAxis: { type: "category", inverse: true, data: order.map((place) => classes[place]), axisTick: { show: false } },
      series: [{ type: "bar", barMaxWidth: 22, itemStyle: { color: "#3c6e9f", decal: { symbol: "none" } },
        label: { show: true, position: "right", color: "#1b2430", formatter: ({ value }) => `${value}（${share(value, shown.length)}）` },
        data: order.map((place) => counts[place]) }],
    }, ({ dataIndex }) => drill({ cls: order[dataIndex] }));
    words("classes", order.length ? `${classes[order[0]]}最多，${counts[order[0]]} 件，占 ${share(counts[order[0]], shown.length)}。` : "没有事项。");
    show("classes", table("事项按首发来源类别", [["来源类别"], ["事项", "num"], ["占比", "num"]],
      order.map((place) => [drillButton(classes[place], { cls: place }), String(counts[place]), share(counts[place], shown.length)]), "没有事项"));
  }

  function drawFunnel(shown) {
    const own = shown.filter((index) => !levels[issue.level[index]].outside);
    const rows = [["发现", own.length, UNKNOWN, "无时限"]];
    data.issues.steps.forEach(([name, limited], step) => {
      const done = own.filter((index) => issue.steps[step][index] !== null).length;
      const judged = limited ? own.filter((index) => issue.onTime[step][index] !== null) : [];
      const kept = judged.filter((index) => issue.onTime[step][index]).length;
      rows.push([name, done, limited ? share(kept, judged.length) : UNKNOWN, limited ? `${kept}/${judged.length}` : "无时限"]);
    });
    const bar = (value) => {
      const node = el("span", { class: "bar", "aria-hidden": "true" });
      node.hidden = !value;
      node.style.width = own.length ? `${100 * value / own.length}%` : "0";
      return node;
    };
    words("funnel", `本单位事项 ${own.length} 件：` + rows.slice(1).map(([name, done]) => `${name} ${done}`).join("，") + "。");
    show("funnel", table("背景和转办不计；按时率只算时限已有结论的", [["环节"], [""], ["事项", "num"], ["按时率", "num"], ["按时/应计", "num"]],
      rows.map(([name, done, rate, of]) => [name, bar(done), String(done), rate, of]), "没有事项", "bars"));
  }

  // ---- list: only the rows in sight are in the page -----------------------------------------------------------------
  let listed = [];
  let current = 0;
  const narrow = window.matchMedia("(max-width: 900px)");
  const height = () => (narrow.matches ? 92 : 66);
  const room = el("div", { class: "room", role: "presentation" });

  function drawRows() {
    const box = byId("list");
    const tall = height();
    room.style.height = `${listed.length * tall}px`;
    const from = Math.max(0, Math.floor(box.scrollTop / tall) - 4);
    const to = Math.min(listed.length, Math.ceil((box.scrollTop + (box.clientHeight || 528)) / tall) + 4);
    const held = room.contains(document.activeElement);
    const rows = [];
    for (let place = from; place < to; place += 1) {
      const index = listed[place];
      const button = el("button", { type: "button", "data-place": place, tabindex: place === current || (place === from && (current < from || current >= to)) ? "0" : "-1",
        click: () => { current = place; openIssue(index); } },
      badge(issue.level[index]), el("span", { class: "t" }, issue.title[index]), el("span", { class: "num" }, tenths(issue.total[index])),
      el("span", { class: "two meta" }, el("span", {}, `${units[issue.unit[index]]}　${states[issue.state[index]]}`),
        el("span", {}, `${issue.no[index]}　${time(issue.detected[index])}`)));
      const item = el("div", { class: "item", role: "listitem", "aria-posinset": place + 1, "aria-setsize": listed.length }, button);
      item.style.top = `${place * tall}px`;
      rows.push(item);
    }
    room.replaceChildren(...rows);
    if (!listed.length) room.replaceChildren(el("p", { class: "empty", role: "listitem", style: "padding:8px 12px" }, size ? "没有符合筛选条件的事项" : "没有事项"));
    if (held) room.querySelector(`[data-place="${current}"]`)?.focus({ preventScroll: true });
  }
  function onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 7, PageUp: -7, Home: -size, End: size };
    if (!(event.key in steps) || !listed.length) return;
    event.preventDefault();
    current = Math.min(listed.length - 1, Math.max(0, Number(event.target.dataset.place ?? current) + steps[event.key]));
    const box = byId("list");
    const top = current * height();
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + height() > box.scrollTop + box.clientHeight) box.scrollTop = top + height() - box.clientHeight;
    drawRows();
    room.querySelector(`[data-place="${current}"]`)?.focus({ preventScroll: true });
  }

  /** On paper the list is a table of the first rows. */
  const ON_PAPER = 100;
  function drawPaper() {
    byId("print-list").replaceChildren(table(listed.length > ON_PAPER ? `前 ${ON_PAPER} 件，共 ${listed.length} 件` : `共 ${listed.length} 件`,
      [["编号", "short"], ["级别", "short"], ["事项"], ["得分", "num"], ["承办单位"], ["状态"]],
      listed.slice(0, ON_PAPER).map((index) => [issue.no[index], levels[issue.level[index]].text, issue.title[index], tenths(issue.total[index]),
        units[issue.unit[index]], states[issue.state[index]]]), "没有事项"));
  }

  // ---- one issue ----------------------------------------------------------------------------------------------------
  const rowsOf = (columns, index) => columns.i.flatMap((place, row) => (place === index ? [row] : []));

  function openIssue(index) {
    const panel = byId("panel");
    const heat = rowsOf(data.heat, index);
    const answers = rowsOf(data.answers, index);
    const posts = rowsOf(data.posts.columns, index);
    const factors = data.issues.factors.map(([factor, name, weight]) => [name, tenths(issue[factor][index]), `${weight}%`, (issue[factor][index] * weight / 1000).toFixed(3)]);
    const steps = [["发现", time(issue.detected[index]), ""], ...data.issues.steps.map(([name], step) => [name, time(issue.steps[step][index]),
      { 1: "按时", 0: "超时" }[issue.onTime[step][index]] ?? ""])];
    const picture = el("div", { class: "chart", role: "img", "aria-label": `热度变化 ${heat.length} 天，数据见下表；回应 ${answers.length} 次` });
    const hidden = data.posts.more[index];
    panel.replaceChildren(
      el("button", { type: "button", class: "close", autofocus: true, click: () => panel.close() }, "关闭"), badge(issue.level[index]),
      el("span", { class: "meta" }, ` ${issue.confirmed[index] ? "人工确认" : "系统建议"}　评分级别 ${levels[issue.byScore[index]].name}　${states[issue.state[index]]}`),
      el("h2", { id: "panel-title" }, link(issue.title[index], address(issue, index))),
      el("p", { class: "meta" }, `${issue.no[index]}　${topics[issue.topic[index]]}　${sources[issue.source[index]]}　首发 ${time(issue.published[index])}　`
        + `帖文 ${count(issue.posts[index])}　阅读 ${count(issue.views[index])}　转发 ${count(issue.reposts[index])}　评论 ${count(issue.comments[index])}`),
      el("p", {}, `${data.issues.suggestions[issue.suggestion[index]]}；${data.issues.responses[issue.response[index]]}。承办：${units[issue.unit[index]]}`
        + (data.issues.bodies[issue.body[index]] === UNKNOWN ? "" : `；归口：${data.issues.bodies[issue.body[index]]}`)
        + (issue.nextDuty[index] ? `。下一时限：${issue.nextDuty[index]} ${time(issue.nextDue[index])}` : "")),
      el("h3", {}, "办理"), table("北京时间；— 表示未办或未知", [["环节"], ["时间"], ["时限"]], steps, ""),
      el("h3", {}, "评级"), table(issue.byDay[index] ? "得分 × 权重 = 计入" : "得分 × 权重 = 计入；评级时的规则版本与今日不同，权重可能不同",
        [["因素"], ["得分", "num"], ["权重", "num"], ["计入", "num"]], [...factors, ["合计", "", "", tenths(issue.total[index])]], ""),
      ...issue.overrides[index].map((place) => el("p", { class: "why" }, data.issues.overrides[place].join("　"))),
      el("h3", {}, "热度"), heat.length ? picture : el("p", { class: "empty" }, "没有按日记录"),
      heat.length ? table("竖线为回应；关联，不证明因果", [["日期"], ["新增帖文", "num"], ["累计阅读", "num"], ["累计转发", "num"]],
        heat.map((row) => [axis.days[data.heat.d[row]], count(data.heat.p[row]), count(data.heat.v[row]), count(data.heat.r[row])]), "") : null,
      el("h3", {}, "回应"), answers.length ? el("ul", { class: "links" }, ...answers.map((row) =>
        el("li", {}, link(`${time(data.answers.at[row])}　${data.answers.kind[row]}`, data.answers.url[row])))) : el("p", { class: "empty" }, "尚未登记回应"),
      el("h3", {}, "帖文"), posts.length ? el("ul", { class: "links" }, ...posts.map((row) => el("li", {},
        link(data.posts.columns.title[row] ?? issue.title[index], address(data.posts.columns, row)),
        el("span", { class: "meta" }, `　${data.posts.sources[data.posts.columns.source[row]]}　${time(data.posts.columns.at[row])}`)))) : el("p", { class: "empty" }, "没有可列的帖文"),
      hidden ? el("p", { class: "meta" }, `另有 ${hidden} 条未列出`) : null);
    panel.showModal();
    panel.scrollTop = 0;
    if (heat.length) drawHeat(picture, heat, answers);
  }

  function drawHeat(node, heat, answers) {
    const days = axis.days.slice(data.heat.d[heat[0]]);
    const at = (column) => days.map((_, offset) => {
      const row = heat.find((place) => data.heat.d[place] === data.heat.d[heat[0]] + offset);
      return row === undefined ? null : data.heat[column][row];
    });
    const marks = answers.map((row) => time(data.answers.at[row]).slice(0, 10)).filter((day) => days.includes(day)).map((day) => ({ xAxis: day.slice(5) }));
    chart(node, {
      tooltip: { trigger: "axis", renderMode: "richText" }, legend: { top: 0 }, grid: { left: 48, right: 60, top: 40, bottom: 30 },
      xAxis: { type: "category", data: days.map((day) => day.slice(5)) },
      yAxis: [{ type: "value", name: "帖文", minInterval: 1, ...grey }, { type: "value", name: "阅读", splitLine: { show: false } }],
      series: [{ name: "新增帖文", type: "bar", barMaxWidth: 26, data: at("p"), itemStyle: { color: "#1864ab" },
        markLine: { silent: true, symbol: ["none", "diamond"], data: marks, label: { formatter: "回应" }, lineStyle: { color: "#1d6f42", width: 2 } } },
      { name: "累计阅读", type: "line", yAxisIndex: 1, connectNulls: true, data: at("v"), symbol: "triangle", symbolSize: 8, itemStyle: { color: "#8a3f00" }, lineStyle: { type: "dashed" } }],
    });
  }
  byId("panel").addEventListener("close", () => {
    drawn.forEach((picture, node) => { if (!document.contains(node) || byId("panel").contains(node)) { picture.dispose(); drawn.delete(node); } });
    room.querySelector(`[data-place="${current}"]`)?.focus();
  });

  // ---- the rest -----------------------------------------------------------------------------------------------------
  const opener = (place, text) => (place === null ? text : el("button", { type: "button", class: "link", click: () => openIssue(place) }, text));

  function drawHead() {
    byId("sample").hidden = !data.sample;
    say("sample", data.sample);
    document.title = `政务舆情看板 ${data.kind === "day" ? data.last : `${data.first} 至 ${data.last}`}`;
    say("when", `${data.office}　${data.span}　数据截至 ${data.asOf}　规则版本 ${data.rules}`);
    say("coverage", data.coverage);
    byId("dots").append(...data.sources.map((source) => el("i", { class: source.status })));
    byId("zero").hidden = !data.zero;
    say("zero", data.zero);
    byId("figures").append(...data.figures.map(({ name, value, note, sql }) => el("div", { title: sql }, name, el("b", {}, value), el("small", {}, note))));
    say("note", data.note);
  }

  function drawStill() {
    words("figures-sql", "每个数字与 analytics.duckdb 中下列查询的结果相同。");
    show("figures-sql", table("主要数字", [["数字"], ["值", "num"], ["查询"]], data.figures.map(({ name, value, sql }) => [name, value, el("code", {}, sql)]), ""));
    words("overdue", data.overdue.length ? `${data.overdue.length} 项时限已超期。` : "没有超期时限。");
    show("overdue", table("截至当日", [["编号", "short"], ["事项"], ["级别", "short"], ["时限"], ["到期", "short"], ["已超"], ["单位"], ["责任"]],
      data.overdue.map(([place, no, title, level, duty, due, late, unit, role]) =>
        [no, opener(place, title), level === null ? UNKNOWN : badge(level), duty, due, late, unit, role]), "没有超期时限"));
    const { period, heads, rows } = data.units;
    words("units", period ? `${period} 的考核数字，数据不足的写作 n=件数。` : "期间尚未编制月报、季报或年报，故无单位数字。");
    show("units", table("单位数字", [["单位"], ...heads.map((head) => [head, "num"])], rows.map(([unit, ...cells]) =>
      [unit, ...cells.map(([value, of]) => el("span", {}, value, of ? el("span", { class: "meta" }, ` ${of}`) : ""))]), "尚无单位数字"));
    words("effects", `${data.caution}：以下只说回应前后的变化，不说变化由回应引起。`);
    show("effects", table("首次回应前后", [["编号", "short"], ["事项"], ["回应", "short"], ["窗口已满"], ["声量前后"], ["声量降幅", "num"], ["负面变化", "num"], ["引用回应", "num"], ["新问题", "num"], ["二次高峰"], ["说明"]],
      data.effects.map(([place, no, title, ...cells]) => [no, opener(place, title), ...cells]), "期内没有可观察的回应"));
    words("sources", data.coverage);
    show("sources", table(data.kind === "day" ? "当日巡查结果" : "期内合计；状态为最后一天的", [["来源"], ["类别", "short"], ["状态", "short"], ["巡查天数", "num"], ["访问", "num"], ["失败", "num"], ["采集", "num"], ["新帖", "num"],
      ["涉统计", "num"], ["最近新帖", "short"], ["说明"]],
    data.sources.map((source) => [source.name, source.kind, el("span", { class: `status-${source.status}` }, source.statusText), source.days,
      source.fetches, source.failed, source.observations, source.postsNew, source.postsRelevant, source.lastNew, source.reason]), "没有登记来源"));
  }

  let paper = null;
  function update() {
    const began = performance.now();
    const { passes, shown } = filtered();
    listed = shown;
    current = 0;
    byId("list").scrollTop = 0;
    say("count", shown.length === size ? `${size} 件` : `${shown.length} 件，共 ${size} 件`);
    drawRows();
    document.body.dataset.listMs = (performance.now() - began).toFixed(1);
    drawTopics(shown);
    drawClasses(shown);
    drawFunnel(shown);
    drawVolume(passes);
    drawStack(passes);
    document.body.dataset.filterMs = (performance.now() - began).toFixed(1);
    clearTimeout(paper);
    paper = setTimeout(drawPaper, 300);
  }

  drawHead();
  drawFilters();
  card("charts", "volume", "涉统计帖文和新增事项");
  card("charts", "stack", "在列事项，按级别");
  card("charts", "classes", "来源类别");
  card("charts", "funnel", "办理时效", { withChart: false });
  card("tables", "topics", "领域和级别", { withChart: false });
  card("tables", "overdue", "超期清单", { withChart: false });
  card("tables", "units", "单位数字", { withChart: false });
  card("tables", "effects", "回应效果", { withChart: false });
  card("tables", "sources", "来源状态", { withChart: false });
  card("tables", "figures-sql", "主要数字的查询", { withChart: false, closed: true });
  byId("list").append(room);
  byId("list").addEventListener("scroll", () => drawRows(), { passive: true });
  byId("list").addEventListener("keydown", onKey);
  drawStill();
  update();
  drawPaper();
  document.body.dataset.ready = "1";
})();
