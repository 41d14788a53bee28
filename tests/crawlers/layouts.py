"""Invented pages in many layouts, each with what a reader would take from it."""

from dataclasses import dataclass

TITLE = "青禾县统计局公布前三季度全县经济运行情况"
WHEN = "2026-10-28 09:16"
PARAGRAPHS = (
    "10月28日，青禾县统计局公布前三季度全县经济运行情况。初步核算，前三季度全县生产总值186.4亿元，同比增长5.6%。",
    "分产业看，第一产业增加值31.2亿元，增长3.9%；第二产业增加值70.5亿元，增长6.4%；第三产业增加值84.7亿元，增长5.5%。",
    "县统计局有关负责人表示，当前外部环境仍然复杂，部分小微企业订单不足，需要继续加强监测，及时回应社会关切。",
    "下一步，统计部门将严格执行统计制度，确保数据真实准确，并按月在政府网站公开主要指标。",
)
BODY = "\n".join(PARAGRAPHS)

NAV = (
    "<div class='top'><a href='/'>首页</a><a href='/a'>政务公开</a><a href='/b'>办事服务</a>"
    "<a href='/c'>互动交流</a></div>"
)
CRUMB = "<div class='weizhi'>您现在的位置：<a href='/'>首页</a> &gt; <a href='/tj'>统计信息</a> &gt; 正文</div>"
SIDE = (
    "<div class='rightbox'><h3>热点信息</h3><ul>"
    + "".join(
        f"<li><a href='/n/{i}.html'>关于做好第{i}季度农业生产统计调查工作的通知</a><span>2026-10-{i:02}</span></li>"
        for i in range(1, 13)
    )
    + "</ul></div>"
)
FOOT = (
    "<div class='dibu'><p>主办单位：青禾县人民政府办公室　承办单位：青禾县数据资源管理局</p>"
    "<p>网站标识码：3400000000　某ICP备00000000号　联系电话：0000-0000000，地址：青禾县人民路1号。</p></div>"
)
PS = "".join(f"<p>　　{text}</p>" for text in PARAGRAPHS)


@dataclass(frozen=True)
class Layout:
    """A page and what it says: `when` is Beijing time to the minute or a day, null where none is shown."""

    html: str
    title: str = TITLE
    when: str | None = WHEN
    body: str = BODY
    url: str = ""


def page(inner: str, title: str = f"{TITLE}_青禾县人民政府", head: str = "") -> str:
    return (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{title}</title>{head}"
        f"<script>var a = '统计。统计。';</script><style>.b {{ }}</style></head><body>{inner}</body></html>"
    )


def framed(inner: str, **kinds: str) -> str:
    return page(NAV + CRUMB + inner + SIDE + FOOT, **kinds)


def comments(count: int) -> str:
    texts = "".join(
        f"<div class='item'><span>网友{i}</span><p>这个数据和我们的感受不太一样，今年生意真的不好做，"
        f"希望统计局多到乡镇看一看，听听老百姓怎么说，不要只看大企业的报表。第{i}次留言了。</p>"
        "<a href='#'>回复</a> <a href='#'>赞(3)</a></div>"
        for i in range(count)
    )
    return f"<div class='comment-list'><h3>网友评论</h3>{texts}</div>"


def _cms_table() -> str:
    """A government site of 2008: tables in tables, spacer rows, text of one cell parted by <br>."""
    text = "<br><br>　　".join(PARAGRAPHS)
    return page(
        "<table><tr><td><a href='/'>首页</a> | <a href='/z'>政务</a> | <a href='/t'>统计</a></td></tr></table>"
        f"<table width='980'><tr><td width='200'><table><tr><td>{SIDE}</td></tr></table></td><td>"
        f"<table><tr><td align='center'><b><font size='4'>{TITLE}</font></b></td></tr>"
        f"<tr><td align='center'>发布时间：2026年10月28日 09:16　来源：县统计局　浏览次数：1,204　"
        "【字体：大 中 小】</td></tr>"
        f"<tr><td><font color='#000'>　　{text}</font></td></tr>"
        "<tr><td align='right'>【打印本页】【关闭窗口】</td></tr></table></td></tr></table>"
        f"<table><tr><td>{FOOT}</td></tr></table>",
        title=f"青禾县人民政府_{TITLE}",
    )


def _spans() -> str:
    """Pasted from Word: every run of text in font and span elements of its own."""
    soup = "".join(
        "<p class='MsoNormal'>"
        + "".join(
            f"<span style='font-family:仿宋'><font>{text[i : i + 7]}</font></span>" for i in range(0, len(text), 7)
        )
        + "<o:p></o:p></p>"
        for text in PARAGRAPHS
    )
    return framed(
        f"<div class='con'><h1>{TITLE}</h1><div class='xx'><span>2026-10-28</span><span>09:16</span></div>"
        f"<div class='TRS_Editor'>{soup}</div></div>"
    )


def _forum() -> str:
    replies = "".join(
        f"<div class='post'><div class='info'>发表于 2026-11-0{i} 10:0{i} <a href='#'>只看该作者</a> {i + 1}#</div>"
        f"<div class='t_f'>楼主说得对，我们村去年也是这样，调查员来了一次就走，后来再也没有人问过。顶一个，{i}。</div>"
        "<a href='#'>回复</a> <a href='#'>举报</a></div>"
        for i in range(1, 6)
    )
    text = "<br>".join(PARAGRAPHS)
    return page(
        f"{NAV}<h1><a href='/t'>{TITLE}</a></h1><div class='threads'><div class='post'>"
        f"<div class='info'>发表于 {WHEN} <a href='#'>只看该作者</a> 1#</div><div class='t_f'>{text}</div>"
        f"<a href='#'>回复</a> <a href='#'>举报</a></div>{replies}</div>{SIDE}{FOOT}",
        title=f"{TITLE} - 青禾论坛 - Powered by Discuz!",
    )


def _sections() -> str:
    """A social account's article: no <p>, sections in sections, an empty page title, time in a script."""
    parts = "".join(
        f"<section><section style='padding:1px'><section><span>{text}</span></section></section></section>"
        for text in PARAGRAPHS
    )
    return (
        f"<html><head><title></title><meta property='og:title' content='{TITLE}'></head><body><div id='page-content'>"
        f"<h2 class='rich_title' id='activity-name'>{TITLE}</h2><div id='meta'><em id='publish_time'></em></div>"
        f"<div id='content' style='visibility: hidden'>{parts}<section>扫描二维码关注我们</section></div></div>"
        "<script>var publish_time = \"2026-10-28 09:16\"; window.d = {'publishTime': '2026-10-28 09:16:40'};"
        "</script></body></html>"
    )


def _news_with_comments() -> str:
    return page(
        f"{NAV}<div class='wrap share-page'><h1>{TITLE}</h1><div class='info'>{WHEN}　来源：青禾日报</div>"
        f"<div class='content'>{PS}</div><div class='share'>分享到：<a href='#'>微信</a><a href='#'>微博</a></div>"
        f"{comments(30)}</div>{FOOT}"
    )


def _unnamed_comments() -> str:
    """A comment block whose class says nothing; its heading does."""
    block = comments(8).replace("comment-list", "mod-b")
    return page(f"{NAV}<div class='a1'><h1>{TITLE}</h1><p>{WHEN}</p><div class='a2'>{PS}</div>{block}</div>{FOOT}")


def _figures() -> tuple[str, str]:
    rows = [("指标", "绝对量（亿元）", "同比增长（%）")] + [
        (name, f"{10 + i}.{i}", f"{i}.5")
        for i, name in enumerate(
            ("生产总值", "第一产业", "第二产业", "第三产业", "固定资产投资", "社会消费品零售总额"), 1
        )
    ]
    table = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows * 3)
    cells = "\n".join(cell for row in rows * 3 for cell in row)
    html = framed(
        f"<div class='m'><h1>{TITLE}</h1><div>发布日期：{WHEN}</div>"
        f"<div class='zw'>{PS}<table>{table}</table></div></div>"
    )
    return html, f"{BODY}\n{cells}"


def _no_paragraphs() -> str:
    inner = "".join(f"<div>{text}</div>" for text in PARAGRAPHS)
    return framed(
        f"<div id='z'><div class='bt'>{TITLE}</div><div class='sj'>时间：{WHEN}:05</div>"
        f"<div id='zw'>{inner}</div></div>"
    )


def _paging() -> str:
    links = "".join(f"<a href='a_{i}.html'>{i}</a>" for i in range(1, 9))
    return framed(
        f"<h1>{TITLE}</h1><div>{WHEN}</div><div class='text'>{PS}"
        f"<div class='pages'>{links}<a href='a_2.html'>下一页</a></div></div>"
    )


def _json_ld() -> str:
    body = "\\n".join(PARAGRAPHS)
    data = (
        f'{{"@type": "NewsArticle", "headline": "{TITLE}", "datePublished": "2026-10-28T09:16:00+08:00",'
        f' "articleBody": "{body}"}}'
    )
    return page(f"<div id='app'></div><script type='application/ld+json'>{data}</script>{FOOT}")


def _page_data() -> str:
    inner = "".join(f"<p>{text}</p>" for text in PARAGRAPHS).replace("<", "\\u003c")
    data = f'{{"props":{{"article":{{"title":"{TITLE}","publishTime":"{WHEN}:00","content":"{inner}"}}}}}}'
    return page(
        f"<div id='__next'><div class='loading'>加载中</div></div>"
        f"<script id='data' type='application/json'>{data}</script>",
        title="青禾发布",
    )


def _disclaimers() -> str:
    return framed(
        f"<div class='article'><h1>{TITLE}</h1><p class='time'>{WHEN}　来源：青禾日报　编辑：丙某</p>"
        f"<p>（原标题：{TITLE}）</p>{PS}"
        "<p>来源：青禾日报</p><p>责任编辑：丙某</p><p>声明：本网转载此文出于传递更多信息之目的，不代表本网观点，版权归原作者所有。</p>"
        "<div>上一篇：<a href='1.html'>全县秋粮测产工作启动</a></div>"
        "<div>下一篇：<a href='2.html'>人口变动抽样调查开始</a></div></div>"
    )


def _related() -> str:
    items = "".join(
        f"<div class='card'><a href='/r{i}.html'>青禾县第{i}次研究部署统计工作，县领导出席会议并讲话</a>"
        f"<p>会议强调，要压实责任，防范和惩治统计造假，第{i}期。</p><span>2026-09-1{i} 10:00</span></div>"
        for i in range(6)
    )
    return framed(
        f"<div class='d'><h1>{TITLE}</h1><i>{WHEN}</i><div class='e'>{PS}</div><h3>相关新闻</h3>{items}</div>"
    )


def _captions() -> tuple[str, str]:
    caption = "图为调查员在村民家中核对秋粮产量"
    figure = f"<figure><img src='a.jpg' alt='x'><figcaption>{caption}</figcaption></figure>"
    inner = "".join(f"<p>{text}</p>{figure if i == 1 else ''}" for i, text in enumerate(PARAGRAPHS))
    lines = [*PARAGRAPHS[:2], caption, *PARAGRAPHS[2:]]
    html = page(
        f"{NAV}<article><header><h1>{TITLE}</h1><time datetime='2026-10-28T09:16:00+08:00'>10月28日</time></header>"
        f"{inner}</article>{FOOT}"
    )
    return html, "\n".join(lines)


NOTICE = "因系统升级，10月30日18时至31日8时联网直报平台暂停服务，请各调查单位提前报送。给您带来不便，敬请谅解。"
ATTACHMENTS = (
    "附件：1.青禾县2026年统计年鉴目录.doc",
    "附件：2.主要经济指标统计表.xls",
    "附件：3.指标解释.pdf",
)


def _aspnet() -> str:
    return page(
        f"<form id='aspnetForm' method='post'>{NAV}<div id='c_main'><span id='lblTitle'>{TITLE}</span>"
        f"<div>添加时间：{WHEN}</div><span id='lblContent'><div>{PS}</div></span></div>{SIDE}{FOOT}</form>",
        title=TITLE,
    )


def _question_and_answer() -> tuple[str, str]:
    question = "请问我是个体户，收到经济普查的短信要求上门登记营业收入，这个数据会不会被拿去征税？希望能够答复。"
    answer = (
        "您好！根据统计法规定，普查取得的单位和个人资料只用于普查目的，不作为征税等行政管理的依据，请您放心配合登记。"
    )
    html = framed(
        f"<div class='mail'><h2>普查数据会不会用来征税</h2><table><tr><td>来信时间</td><td>{WHEN}</td></tr></table>"
        f"<div class='q'><p>{question}</p></div><div class='a'><h4>答复内容</h4><p>{answer}</p></div></div>",
        title="互动交流_青禾县人民政府",
    )
    return html, f"{question}\n答复内容\n{answer}"


def layouts() -> dict[str, Layout]:
    """All layouts by name."""
    figures, figures_body = _figures()
    captions, captions_body = _captions()
    answered, answered_body = _question_and_answer()
    sentence = "现将2026年统计资料予以公布，请下载附件查看。"
    links = "".join(f"<p><a href='/f/{i}.doc'>{name}</a></p>" for i, name in enumerate(ATTACHMENTS))
    brs = "<br/>\n　　".join(PARAGRAPHS)
    day = "2026-10-28"
    red_head = "青统〔2026〕12号"
    verse = ["秋风起了", "稻子黄了", "统计员又下乡了", "他背着旧挎包", "走过一条一条田埂", "问一声今年收成"] * 4
    claim = "声明：网传“青禾县统计局要求企业虚报”系不实信息。"
    index = "".join(
        f"<tr><td>{name}：</td><td>{value}</td></tr>"
        for name, value in (
            ("索引号", "00300/2026-00012"),
            ("成文日期", "2026-10-27"),
            ("发布日期", WHEN),
            ("名称", TITLE),
        )
    )
    addressed = "各乡镇人民政府，县直有关单位："
    return {
        "cms_table": Layout(_cms_table()),
        "br_in_one_div": Layout(
            framed(f"<h1>{TITLE}</h1><div>{WHEN} 来源：县统计局</div><div class='nr'>　　{brs}</div>")
        ),
        "span_soup": Layout(_spans()),
        "forum": Layout(_forum()),
        "sections": Layout(_sections()),
        "short_notice": Layout(
            framed(
                f"<div class='g'><h1>关于平台暂停服务的通知</h1><p>{WHEN}</p><div><p>{NOTICE}</p></div></div>",
                title="关于平台暂停服务的通知-青禾县统计局",
            ),
            title="关于平台暂停服务的通知",
            body=NOTICE,
        ),
        "comments": Layout(_news_with_comments()),
        "unnamed_comments": Layout(_unnamed_comments()),
        "figures": Layout(figures, body=figures_body),
        "no_paragraphs": Layout(_no_paragraphs()),
        "paging": Layout(_paging()),
        "json_ld": Layout(_json_ld()),
        "page_data": Layout(_page_data()),
        "disclaimers": Layout(_disclaimers()),
        "related": Layout(_related()),
        "captions": Layout(captions, body=captions_body),
        "attachments": Layout(
            framed(
                f"<div class='k'><h1>2026年统计资料公布</h1><p>{WHEN}</p><div class='v'>"
                f"<p>{sentence}</p>{links}</div></div>",
                title="2026年统计资料公布|青禾县统计局",
            ),
            title="2026年统计资料公布",
            body="\n".join((sentence, *ATTACHMENTS)),
        ),
        "aspnet_form": Layout(_aspnet()),
        "question_and_answer": Layout(answered, title="普查数据会不会用来征税", body=answered_body),
        "official_letter": Layout(
            framed(
                f"<h1>{TITLE}</h1><div class='m'><p>{red_head}</p><p>{addressed}</p>{PS}"
                "<p>青禾县统计局</p><p>2026年10月28日</p></div>"
            ),
            when=day,
            body=f"{red_head}\n{addressed}\n{BODY}\n青禾县统计局\n2026年10月28日",
        ),
        "day_in_address": Layout(
            page(f"{NAV}<h1>{TITLE}</h1><div class='p'>{PS}</div>{FOOT}"),
            when=day,
            url="http://www.example.invalid/tj/202610/t20261028_88.html",
        ),
        "quotes_cut_meta": Layout(
            page(
                f'{NAV}<h1>县统计局"开放日"活动举行</h1><p>{WHEN}</p><div>{PS}</div>{FOOT}',
                title='县统计局"开放日"活动举行_青禾新闻',
                head='<meta property="og:title" content="县统计局"开放日"活动举行">',
            ),
            title='县统计局"开放日"活动举行',
        ),
        "day_only_meta": Layout(
            page(
                f"{NAV}<h1>{TITLE}</h1><p>2026年10月28日 上午9:16</p><div>{PS}</div>{FOOT}",
                head="<meta name='PubDate' content='2026-10-28'>",
            ),
        ),
        "meta_only": Layout(
            page(
                f"{NAV}<h1>{TITLE}</h1><div>{PS}</div>{FOOT}", head="<meta name='PubDate' content='2026-10-28 09:16'>"
            ),
        ),
        "year_apart": Layout(
            page(
                f"{NAV}<div class='h'><span>2026</span> <span>10/28</span> <span>09:16:33</span></div>"
                f"<h1>{TITLE}</h1><div>{PS}</div>{FOOT}"
            ),
        ),
        "wrapped_paragraphs": Layout(
            framed(
                f"<h1>{TITLE}</h1><span>{WHEN}</span><main>"
                + "".join(f"<div class='row'><div class='col'><div>{text}</div></div></div>" for text in PARAGRAPHS)
                + "</main>"
            )
        ),
        "sidebar_first": Layout(
            page(
                f"{NAV}<div class='l'>{SIDE}<h3>本站简介</h3>"
                f"<p>青禾县统计局组织领导和协调全县统计工作，确保数据真实、准确、及时。</p>"
                f"</div><div class='r'><h2>{TITLE}</h2><p>{WHEN} 来源：本网</p><div>{PS}</div></div>{FOOT}"
            )
        ),
        "banner_first": Layout(
            page(
                f"{NAV}<div class='app'><p>下载青禾客户端，第一时间了解全县大事、要事、新鲜事，精彩不容错过！</p></div>"
                f"<h1>{TITLE}</h1><p>{WHEN}</p><div class='c'>{PS}</div>{FOOT}"
            )
        ),
        "index_table": Layout(
            framed(f"<div><table>{index}</table><h1>{TITLE}</h1><div>{PS}</div></div>"),
        ),
        "lists_and_subheads": Layout(
            framed(
                f"<h1>{TITLE}</h1><div>{WHEN}</div><div class='c'><h3>一、总体情况</h3><p>{PARAGRAPHS[0]}</p><ul>"
                f"<li>粮食产量稳中有增</li><li>工业生产总体平稳</li></ul><h3>二、下一步打算</h3><p>{PARAGRAPHS[3]}</p></div>"
            ),
            body=f"一、总体情况\n{PARAGRAPHS[0]}\n粮食产量稳中有增\n工业生产总体平稳\n二、下一步打算\n{PARAGRAPHS[3]}",
        ),
        "lines_without_punctuation": Layout(
            framed(
                f"<h1>秋天的统计员</h1><div>{WHEN}</div><div class='c'>"
                + "".join(f"<p>{line}</p>" for line in verse)
                + "</div>",
                title="秋天的统计员",
            ),
            title="秋天的统计员",
            body="\n".join(verse),
        ),
        "inline_links": Layout(
            framed(
                f"<h1>{TITLE}</h1><div>{WHEN}</div><div>"
                + PS.replace("统计", "<a href='x'>统计</a>").replace("全县", "<a href='y'>全县</a>")
                + "</div>"
            )
        ),
        "statement": Layout(
            framed(
                f"<h1>关于网传数据的说明</h1><div>{WHEN}</div><div><p>{claim}</p><p>{PARAGRAPHS[2]}</p><p>特此说明。</p></div>",
                title="关于网传数据的说明-青禾县统计局",
            ),
            title="关于网传数据的说明",
            body=f"{claim}\n{PARAGRAPHS[2]}\n特此说明。",
        ),
        "blog": Layout(
            page(
                f"{NAV}<div class='post'><h2 class='entry-title'><a href='#'>{TITLE}</a></h2>"
                f"<div class='meta'>2026年10月28日 09:16 | 分类：<a>统计</a></div><div class='entry'>{PS}</div>"
                f"<div>标签：<a>统计</a> <a>经济</a></div></div>"
                f"<div id='respond'><h3>发表评论</h3><p>电子邮件地址不会被公开。必填项已用*标注。</p></div>"
                f"{SIDE}{FOOT}",
                title=f"{TITLE} | 青禾笔记",
            )
        ),
        "links_after": Layout(
            framed(
                f"<h1>{TITLE}</h1><div>{WHEN}</div><div>{PS}</div><ul>"
                + "".join(f"<li><a href='/p{i}'><img src='x'>青禾秋收图集之{i}</a></li>" for i in range(20))
                + "</ul>"
            )
        ),
        "hidden_and_ads": Layout(
            page(
                f"{NAV}<h1>{TITLE}</h1><p>{WHEN}</p><div class='x'><p>{PARAGRAPHS[0]}</p>"
                "<div class='ad'>本地优选家装节，全场五折起，名额有限，先到先得！</div>"
                f"<div style='display: none'>页面加载失败，请稍后重试，或者刷新页面。</div>"
                + "".join(f"<p>{text}</p>" for text in PARAGRAPHS[1:])
                + f"</div>{FOOT}"
            ),
        ),
    }
