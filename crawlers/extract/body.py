"""The body: the box with the most content for its furniture, without what the template put around and between."""

import re

from selectolax.lexbor import LexborNode

from crawlers.extract.lines import BOXES, FULL_DATE, Reading, letters, read_lines
from crawlers.pages.values import drop_personal, drop_place, is_byline

#: A body below this many characters sends us looking elsewhere (our choice).
SHORT = 60
#: How far the headline helps: its body begins within this many lines (our choice).
_NEAR = 25
#: Weight of a furniture character against one of content (our choice).
_WEIGHT = 0.5
#: What a box hands on to the one around it (our choice): scattered texts count less than one text.
_DILUTION = 0.9
PUNCTUATION = re.compile(r"[，。！？；：、…,!?;]")
_TEMPLATE = re.compile(
    r"版权所有|著作权|All Rights Reserved|Copyright|©|ICP[备证]|公网安备|网站标识码|技术支持[:：]|主办单位?[:：]|"
    r"承办单位?[:：]|"
    r"未经.{0,12}(?:授权|许可|允许).{0,20}(?:转载|复制|镜像)|违法和不良信息举报|互联网新闻信息服务许可|增值电信业务|"
    r"您?(?:所)?(?:当前|现在|的)的?位置|^免责声明|建议使用.{0,20}浏览器|扫(?:一扫|描).{0,12}(?:二维码|关注|分享|手机|微信)|"
    r"请(?:使用|用|在)?(?:微信|手机)扫|^(?:【|\[)?(?:网站)?(?:免责|版权)(?:声明|说明)|"
    r"仅代表(?:该)?作者(?:本人|个人)|不代表本(?:网|站|平台)|欢迎(?:关注|扫码|下载)|点击(?:下载|关注|查看更多)",
    re.IGNORECASE,
)
#: A line of the template at head or tail of an article.
_EDGE = re.compile(
    r"^[\s\[【(（|·•＞>-]*(?:"
    r"(?:文章|信息|稿件|新闻|本文)?来源\s*[:：].{0,40}|(?:本文)?(?:转载)?(?:来自|出自|摘自)[:：].{0,30}|原标题\s*[:：].{0,80}|"
    r"(?:浏览|阅读|点击|访问|查看)(?:次数|量|数)?\s*[:：(（]?\s*[\d,.万+次)）]*|[\d,.万+]+\s*(?:次)?(?:浏览|阅读|评论|跟帖|赞|人参与).{0,6}|"
    r"字(?:体|号)(?:大小)?\s*[:：]?.{0,16}|[大中小+\-A\s/【】\[\]]{1,16}|分享(?:到|至|本文)?\s*[:：]?.{0,20}|"
    r"打印(?:本页|本文|页面|此页)?.{0,12}|关闭(?:窗口|本页)?.{0,6}|收藏(?:本文|本页)?|纠错|举报|点赞|转发|评论|返回(?:顶部|列表|首页|上一页)|"
    r"复制链接|保护视力色.{0,12}|朗读|语音播报.{0,8}|听新闻|微信|微博|QQ空间|QQ好友|朋友圈|首页|正文|"
    r"上一[篇条页]\s*[:：]?.{0,80}|下一[篇条页]\s*[:：]?.{0,80}|"
    r"(?:责任)?编辑\s*[:：].{0,20}|责编\s*[:：].{0,20}|(?:作者|记者|通讯员|审核|校对|值班编委|监制|撰稿|摄影|来稿)\s*[:：/].{0,30}|"
    r"(?:标签|(?:文章)?关键词|关键字|主题词|分类|栏目|索引号|发布机构|发文机关|文号|信息分类|公开方式|公开范围|有效性|TAGS?)\s*[:：].{0,80}|"
    r"(?:发布|发表|发文|发稿|成文|更新|录入|生成)(?:时间|日期|于)\s*[:：]?.{0,60}|时间\s*[:：].{0,40}|日期\s*[:：].{0,40}"
    r")[\s\]】)）|]*$",
    re.IGNORECASE,
)
#: Headings of what others wrote, and of what follows an article.
_OTHERS = re.compile(
    r"^\W*(?:(?:网友|用户|全部|热门|最新|精彩|发表|我要|我来|相关)(?:评论|留言|跟帖|回复|说两句)|"
    r"(?:评论|跟帖|留言)\s*[(（]?\s*\d*\s*[条)）]*|\d+\s*条(?:评论|留言|跟帖)|评论(?:区|列表)|文明上网.{0,40}|登录后.{0,10}评论.{0,10})\W*$"
)
AFTER = re.compile(
    r"^\W*(?:(?:相关|延伸|推荐|精彩|热门|更多|最新|往期|猜你|为您|大家都在|热点|其他).{0,4}"
    r"(?:阅读|链接|新闻|文章|推荐|内容|资讯|报道|信息|喜欢|专题|看|回顾|稿件|热点|帖子|解读|文件)|"
    r"(?:延伸|推荐)\s*[·•]\s*(?:推荐|阅读)|分享到.{0,20}|(?:阅读)?[上下]一[篇条].{0,60})\W*$"
)
#: The last line of an article; in the first half it may be anything.
_LAST = re.compile(r"^[\s\[【(（]*(?:(?:特别|版权|免责)?声明|责任编辑|责编)\s*[:：]")
_REPLY = re.compile(r"发表于|只看(?:该作者|楼主)|\d+\s*[楼#]|沙发|板凳|举报|回复")
_ATTACHMENT = re.compile(r"^\W{0,2}附件|\.(?:docx?|xlsx?|pptx?|pdf|wps|et|ofd|zip|rar)\W?$", re.IGNORECASE)
_FULL_TIME = re.compile(FULL_DATE.pattern + r"日?\s{0,3}\d{1,2}:\d{2}")
_DATE_ONLY = re.compile(
    r"^[\[(（【]?\s*(?:(?:19|20)\d{2}[-/.年])?\d{1,2}[-/.月]\d{1,2}日?(?:\s*\d{1,2}:\d{2}(?::\d{2})?)?(?:\s.{0,30})?$"
)


def main_box(reading: Reading, headline: int | None, shortest: int = 12) -> int | None:
    """The box with the most content for its furniture; null where no line of the page is content.

    Lines without punctuation count a little, from `shortest` characters on.
    """
    size = len(reading.boxes)
    content, furniture = [0.0] * size, list(reading.furniture)
    first = [len(reading.lines)] * size
    sizes = [0.0] * len(reading.lines)
    start = len(reading.lines) if headline is None else headline
    after, read = False, 0
    for i, line in enumerate(reading.lines):
        own = len(line.text) - line.linked
        # What follows 网友评论 is by others.
        if start <= i and not after and read > SHORT and len(line.text) < 30:
            after = _OTHERS.match(line.text) is not None
        marks = len(PUNCTUATION.findall(line.text)) if own >= 8 else 0
        if _ATTACHMENT.search(line.text):
            content[line.box] += 0.5 * len(line.text)
        elif line.linked > own or (own >= 8 and len(line.text) < 150 and _TEMPLATE.search(line.text)):
            furniture[line.box] += len(line.text)
        elif marks or own >= shortest:
            sizes[i] = (own + 5.0 * marks if marks else 0.3 * own) * (0.3 if after else 1.0)
            read += own if marks and i > start else 0
            content[line.box] += sizes[i]
            if marks or shortest < 12:
                first[line.box] = min(first[line.box], i)
    # What there is to read between the headline and each line: a body follows its headline.
    between, gaps = 0.0, [0.0] * (len(reading.lines) + 1)
    for i in range(start, len(reading.lines)):
        gaps[i] = between
        between += sizes[i]
    best, main = 0.0, None
    whole = list(content)
    # Backwards: every box is complete before its parent, which wins only if it adds more than it dilutes.
    for box in range(size - 1, -1, -1):
        if content[box]:
            near = 1.0
            if start <= first[box] < len(reading.lines):
                near += 3 / (1 + gaps[first[box]] / max(150, content[box] / 3))
            score = content[box] ** 2 / (content[box] + _WEIGHT * furniture[box]) * near
            if score > best:
                best, main = score, box
        if (parent := reading.parents[box]) >= 0:
            content[parent] += _DILUTION * content[box]
            whole[parent] += whole[box]
            furniture[parent] += furniture[box]
            first[parent] = min(first[parent], first[box])
    # Up to where more text stands in boxes of its own, as long as it comes without furniture.
    up = -1 if main is None else reading.parents[main]
    while main is not None and up >= 0 and furniture[up] - furniture[main] <= 0.1 * (whole[up] - whole[main]):
        main = up if whole[up] > whole[main] else main
        up = reading.parents[up]
    return main


def body_text(main: LexborNode, title: str) -> str:
    """Lines of the main box without what the template put around and between them."""
    drop_personal(main)
    lines = read_lines(_first_post(main), title, strict=True).lines
    texts = [line.text for line in lines]
    links = [line.linked > 0.6 * len(line.text) and not _ATTACHMENT.search(line.text) for line in lines]
    heading = letters(title)
    start = 0
    for i, text in enumerate(texts[:_NEAR]):
        timed = len(text) < 80 and "。" not in text and _FULL_TIME.search(text)
        key = letters(text)
        if (
            (heading and heading in key and len(key) < len(heading) + 8)
            or timed
            or _DATE_ONLY.match(text)
            or _is_edge(text)
        ):
            start = i + 1
        elif "。" in text or len(text) > 60:
            break
    stop = _end(texts, links, start)
    kept = []
    for i in range(start, stop):
        # A link alone between paragraphs is part of the text, several are a list.
        listed = links[i] and (i == start or i + 1 == stop or links[i - 1] or links[i + 1])
        if not listed and not is_byline(texts[i]) and (text := drop_place(texts[i])):
            kept.append(text)
    return "\n".join(kept)


def _end(texts: list[str], links: list[bool], start: int) -> int:
    """Number of lines up to the end of the article."""
    total = sum(map(len, texts[start:]))
    seen = 0
    stop = len(texts)
    for i in range(start, len(texts)):
        text, share = texts[i], seen / (total or 1)
        if (
            (seen > SHORT and len(text) < 30 and _OTHERS.match(text))
            or (share > 0.35 and len(text) < 60 and AFTER.match(text))
            or (share > 0.5 and len(text) < 200 and _LAST.match(text))
        ):
            stop = i
            break
        seen += 0 if links[i] else len(texts[i])
    while stop > start and (
        links[stop - 1] or _is_edge(texts[stop - 1]) or _LAST.match(texts[stop - 1]) or is_byline(texts[stop - 1])
    ):
        stop -= 1
    return stop


def _is_edge(text: str) -> bool:
    return bool(_EDGE.match(text) or (len(text) < 300 and _TEMPLATE.search(text)))


def _first_post(main: LexborNode) -> LexborNode:
    """The opening post where the box holds a thread: alike siblings that can be answered."""
    children = [child for child in main.iter() if child.tag in BOXES]
    alike = [
        c
        for c in children
        if c.tag == children[0].tag and c.attributes.get("class") == children[0].attributes.get("class")
    ]
    posts = [child for child in alike if _REPLY.search(child.text())]
    return posts[0] if len(posts) >= 2 and 2 * len(posts) > len(children) else main
