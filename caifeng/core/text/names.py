"""Personal names in running text, found by what stands beside them: 局长张三, 张局长, 李某某, 王五（男，45岁）.

This system grades issues, never people, so office holders' names go as well as citizens'; the role stays. Without
such a neighbour a name is left alone: no list tells 高峰 the man from 高峰 the rush hour, and titles naming
celebrities are none of our business.

Evidence is a role before or after, a surname, one or two characters that can be a given name, and what follows;
counter-evidence are words that begin like a name (安排, 向往, 高度). Surnames that hardly begin or end a word
(`_PLAIN`) need less evidence than those that do (`_WORDLIKE`).

The rules need look-around and a word list, which the Rust regex engine of Polars has not: `NAME_HINT` is the part
both engines read, true of every text `name_spans` finds a name in. A gate filters with it and asks `name_spans`
about the few texts left.
"""

import re

# Of the 百家姓 and the 400 commonest names of today; those left out are words before they are names
# (从 有 都 能 公 相 后 年 平 明 水 房 车 花 和 经 计 …).
_PLAIN = (
    "李王张刘陈杨赵吴徐孙朱郭罗郑梁宋韩冯邓曹彭萧蔡潘袁董吕杜魏蒋卢贾薛阎闫沈姜崔谭廖汪熊邹孟秦侯邵郝龚邱骆聂翟葛俞裴鲍姚"
    "邢殷庞尹靳祁甄刁窦樊霍柯岳卞褚冉佘晏滕耿翁阮蔺邬虞蒲莘臧钮郗郜栾缪胥芮羿蒯麴巩阙佟逄仝亓亢禤覃尤"
)
_WORDLIKE = (
    "周黄胡林何高马谢许曾余叶苏程丁任范方石金陆戴夏钟田白毛江史顾武孔康贺赖龙万段雷钱汤易常文黎乔温庄涂洪路向安左古伍鲁游"
    "米纪柳祝舒欧单牛齐尚盛管麦柴屈华时边关全严简申强车应童项阳凌于成倪牟包艾邝柏饶辛查阴仇宁仲符梅桂桑解景苗凤狄戚宫席"
    "季贝卜费岑薄伏昌池支岩郁莫喻章娄蓝闵危鞠丰沙井甘厉戎束幸司韶卓屠蒙闻"
)
_COMPOUND = (
    "欧阳|诸葛|司马|上官|夏侯|皇甫|尉迟|公孙|慕容|令狐|司徒|东方|长孙|宇文|端木|南宫|独孤|轩辕|西门|百里|呼延|申屠"
)

#: Words that begin like a name, by first character: 安 begins 安全, 安排 and so on.
_WORDS = (
    "周边围末期年一二三四五六日转刊报密详到全折岁知恤口而游 黄河山金色昏花瓜豆牛线土埔石冈泛油 "
    "胡同乱闹说扯来萝椒搞言 林业地区木场果带权草火海下立芝荫州间 "
    "何时况必为处谓以等种人在因不日地妨尝苦其方止曾去从来年月 "
    "高度收消级中考校效速质铁温峰新兴达价层龄标潮压于出低架尚山原端管水空烧额昂大血 马上路虎拉桶达克车铃力匹鞍 "
    "谢谢绝意幕客 许多可诺久愿 曾经任在多几用被是有 余额下热地款名粮人万元年 叶子片面 苏州北宁南醒打 程序度式 "
    "丁字点 任组务何意职命期性免教由凭 范围例本文畴式 方便法式案面向针言可才位圆正程块 "
    "石桥头料油材灰碑榴家化像子狮膏 金额融钱属华牌色矿秋奖边州山砖 陆续地军运路上 夏天季粮收令日至播种 钟头点表声 "
    "田地间园野头径里埂 白天酒菜色领费云纸板糖癜血 毛病利巾衣猪发坯竹重 江苏大流心中上下沿西北南边山河水湖湾东淮门 "
    "史上料无实册书 顾客问虑及全此 武汉警装器术力夷 康复养健熟庄 贺信卡岁年词 龙头舟年虎江门井灯卷岩 "
    "万元户人一亩吨家千物件能余达里名众分事份全州科博多般台辆象无 段落时路 雷雨电达暴锋区 钱款财包物塘江 汤圆原阴 "
    "易于发燃错拉 常常见态住年务委规用设理识驻州德备任 文件明化字章旅艺具献学物本案号书体教采山 黎明 乔迁木 "
    "温度馨暖州饱泉柔室和岭 庄严稼重园子 涂改料抹层 洪水涝灾峰流 路上线口面边人过灯费段途况径程 "
    "向上下前来往着社群全有县市省他她我你外里后日纵导党各所国民大基 "
    "安全区排置装慰静心定稳康检监保居家徽庆阳抚顺逸葬乐防 左右边侧手转 古代城老镇建迹典 游客览戏泳玩走园船 "
    "米饭粉面价线 纪委检律念录要实年元 柳州树絮 祝贺福愿你大好 舒适服心畅 欧洲元盟美冠 "
    "单位独纯身价元一子项方户日 牛羊奶肉市头皮年栏 齐全心抓鲁头聚步备 尚未且有在可不无 盛大夏会行产开况典装 "
    "管理道控辖制护不委线网 麦收田子克苗 柴油火米 华人侨北东中南为丽夏美 "
    "时间候任常代限而事有段长刻期值政尚光节令不效下隔点年务分机 边境上远界防缘走 关于注系心键门闭停怀切爱联节照卡掌 "
    "全县市区国省镇乡村部面体力程年天民家员额场球新都过速托覆责套馆 严格重肃禁厉峻查密惩打防控守明谨寒 "
    "简单称介历化直洁约易短报要便 申请报诉办领明论购辩遗 "
    "强调化烈制力度势行大国迫省县 车辆站位库票费祸险主牌间速道流型上内 应当该急对用有邀付收届聘允答是 童年话装车工 "
    "项目链圈 阳光台性春历江 于当本同次每是此今日何这那其该二一三四上下中前 "
    "成立为本果功绩员交就效长品年分千熟套型语心败人都天片群批因家 包括含装裹子围扶保容办村户联片里 艾滋 辛苦勤亥 "
    "查看询处找实明阅出获验证清分封收办对干摆 宁夏可愿波静德国海 仲裁秋夏 符合号 梅花雨州 桂林花 桑树 "
    "解决释放除读答说散开封析困聘约禁冻 景区色点观象气 凤凰 席位卷地间 季度节末初候军风 费用率时力心 昌平 池塘 "
    "支持部付出撑援书行委农教队流柱 岩石 郁闷 莫名非大过斯须要测 章程节 娄底 蓝天色图领牙军 危险害房机及楼重 "
    "丰富收产厚硕满 沙发子滩漠土 井盖水底 甘肃愿心蔗草 厉害行声 幸福好运亏而存 司法机令 卓越有著 "
    "屠杀宰 蒙古城骗受蔽 李子 王牌国者朝室位道储府法八座炸妃菲 张贴开罗望扬嘴口力家榜挂 刘海 "
    "陈述列旧情腐设词年皮 杨柳树梅桃凌 徐州缓 孙子女 朱红砂仙 罗列山湖庄田 郑重州 梁山 宋朝代 韩国城剧语式 "
    "萧条 董事 杜绝撰 沈阳 姜汤 汪洋 熊猫孩 孟加 秦岭皇 骆驼 葛根 殷切勤 庞大 甄别选 刁难 霍乱 "
    "岳父母阳 "
)
#: Words that end like a surname, before a role: 主张, 国王, 园林局长, 公安局长, 分钟.
_WORD_ENDS = (
    r"(?<![主夸紧扩嚣慌开纸一两这那几每]张)(?<![国大霸君女帝天]王)(?<![行桃]李)(?<![推]陈)(?<![白]杨)(?<!子孙)"
    r"(?<![城市]郭)(?<!张罗)(?<!网罗)(?<!收罗)(?<!津梁)(?<!桥梁)(?<!日韩)(?<!先秦)(?<!诸侯)(?<!瓜葛)"
)

_HAN = r"\u4e00-\u9fff"
#: Not in a given name: particles, pronouns and prepositions.
_NEVER_GIVEN = (
    "的了在是到说等们不也还就都把被给让这那我你他她它个与及但且并者所从很最去要能可又再却才吗呢吧啊哦呀么没做讲叫跟请问"
    "称该着过得岁同"
)
_GIVEN = rf"[^\u0000-\u4dff\ua000-\U0001ffff{_NEVER_GIVEN}]"
#: Nor before a role: 党委书记, 财政局长, 安监局长.
_GIVEN_BEFORE_ROLE = (
    rf"[^\u0000-\u4dff\ua000-\U0001ffff{_NEVER_GIVEN}"
    r"局县市区镇乡村庄州省国厅处科室部委党组会院校所站队长副正总任办政监管府民统计务业事化旅急保育通商土环卫水电法司"
    r"企公社街道园厂店行银学研工团妇联协支纪新老前原现代兼各某时分和由派让请]"
)
#: 和, 来 and the like may begin a given name, but after one they are words of their own.
_GIVENS = rf"{_GIVEN}(?:(?![和来有对向]){_GIVEN})?"
_SURNAME = rf"(?:{_COMPOUND}|[{_PLAIN}{_WORDLIKE}])"
_NOT_A_WORD = "(?!" + "|".join(f"{word[0]}[{word[1:]}]" for word in _WORDS.split()) + ")"

_ROLES = (
    r"(?:(?<!总)书记(?!员)|(?:(?<!格)局|科|股|处|厅|部|司|镇|乡|县|(?<!城)市|区|省|村|站|所|队|组|会|校|院|园|厂|秘书)长"
    r"(?![期远短途度久城])|主任(?!科员|委员|助理|医师)|政协委员|常委|(?<!国家)主席|支书|总统计师|总经济师|调研员|"
    r"巡视员|调查员|普查员|统计员|网格员|登记员|采集员|协管员|指导员|督导员|辅导员|访员|联络员|办事员|科员|书记员|"
    r"工作人员|老师(?!傅)|村民|居民|市民|业主|户主|当事人|负责人|联系人|经办人|代表人|法人代表|举报人|投诉人|嫌疑人|"
    r"被告人?|死者|同志)"
)
_BYLINE = r"(?:记者|通讯员|(?:责任编辑|责编|编辑|作者|摄影|校对|审核)(?=[:：\s]))"
#: What follows a name: no Han at all, the end, or one of these.
_AFTER = (
    rf"(?=[^{_HAN}]|$|[的了在是到说等不也还就都把被给让从很去要能可又再却才没做讲叫跟请问称该同来和与及对向为有会将曾已正均"
    r"因率带作答道看听走拿骂打骗收写发提赴摄]|表示|介绍|指出|强调|主持|入户|宣布|部署|调研|检查|出席|参加|陪同|"
    r"报道|通讯|记者|获悉|上门|登记|先生|女士|同志|一行|两人|二人|三人|回应|解释|认为|透露|承认|否认|反映|坦言|建议|呼吁|"
    r"致辞|出示|敲门|冒充|态度|拒绝|威胁|辱骂|殴打|违纪|涉嫌|接受|落马|辞职|上任|任职|履新|调任|兼任|担任|当选|签字|签|"
    r"批示|批准|安排|负责|分管|联系|电话|回复|今天|昨天|今年|去年|日前|近日|当天|上午|下午|晚上|多次|一直|经常|亲自|立即|"
    r"随后|此前|同时|高度|专门|及时|主动|认真|深入|实地|前往|赶|直言|感慨|笑|针对|围绕|结合|通过|根据|按照|利用|代表|组织|"
    r"召开|开展|推进|协调|督促|指导|督导|慰问|考察|视察|座谈|交流|分析|汇报|通报|传达|宣读|总结|家|受|连|贪|耐心|热情|现场|"
    r"则|只|并|先|最|反复|始终|每|工作|服务|履职|违|骚扰|偷|逼|催|劝|帮|几|两|第|当|任|敷衍|推诿|编|造假|虚报|瞒)"
)
_FULL_NAME = (
    rf"(?:(?:{_COMPOUND}){_GIVENS}{_AFTER}|{_NOT_A_WORD}"
    rf"(?:[{_PLAIN}{_WORDLIKE}]{_GIVENS}{_AFTER}|[{_PLAIN}]{_GIVEN}{{2}}))"
)
#: Before a name that is no part of a word.
_BORDER = (
    rf"(?:(?<![{_HAN}])|(?<=[的和与及找问向跟叫让请给对被是由见到说称按据随同把将等名位"
    r"局县市区镇乡村厅处科室部委会院校所站队组办]))"
)
#: Of 李某雪; other characters after 某 begin the next word.
_COMMON_GIVEN = (
    "英雪明华军伟芳娜敏静丽强磊洋勇艳杰涛超秀霞平刚桂兰玲红梅峰辉飞鹏波斌宇浩凯婷雯颖琳燕娟凤莲玉珍国建文林海龙云萍鑫亮"
    "宏彬倩莉"
)
_MASK = rf"(?:某(?:某|[甲乙丙丁{_COMMON_GIVEN}])?|[×xX＊*]{{2}})"

_AFTER_ROLE = re.compile(
    rf"{_ROLES}[:：\s]{{0,2}}(?P<names>{_FULL_NAME}(?:[、和与及]{_FULL_NAME}){{0,9}})|"
    rf"{_BYLINE}[:：\s]{{0,3}}(?P<authors>{_FULL_NAME}(?:[、和与及,，\s]\s?{_FULL_NAME}){{0,9}})"
)
_NO_LENGTH = "(?![期远短途度久城])"
_TITLES = rf"书记(?!员)|主任(?!科员|委员)|老师(?!傅)|[局科股站所队部处]长{_NO_LENGTH}"
_BEFORE_ROLE = re.compile(
    rf"{_BORDER}{_NOT_A_WORD}{_SURNAME}{_GIVEN_BEFORE_ROLE}{{1,2}}"
    rf"(?=[副老大]?(?:{_TITLES}|同志|先生|女士|调查员|普查员|网格员|统计员))|"
    rf"(?:(?:{_COMPOUND})|[{_PLAIN}]{_WORD_ENDS}|{_BORDER}(?!任)[{_WORDLIKE}])"
    rf"(?=副?(?:{_TITLES}|[县市区镇乡村厅校院]长{_NO_LENGTH}))"
)
_MASKED = re.compile(
    rf"(?:(?:{_COMPOUND})|(?<![一两这那每几])[{_PLAIN}]|"
    rf"{_BORDER}[{_WORDLIKE}](?!某[县市区镇乡村地些种个人项单公年月日处局校企厂店小部])){_MASK}"
)
_WITH_AGE = re.compile(rf"{_NOT_A_WORD}{_SURNAME}{_GIVENS}(?=[（(][男女][，,、）)])")
_ONE_NAME = re.compile(_FULL_NAME)

#: What stands in every text in which a rule finds a name, for Rust's engine, too.
_ROLE_HINT = (
    r"[局科股处厅部司镇乡县市区省村站所队组会校院园厂书]长|书记|主任|委员|常委|主席|支书|[计济]师|"
    r"[研视查计格记集管导访络事科作]员|人员|老师|[村居市]民|业主|户主|[事责系办表报诉疑告]人|代表|被告|死者|同志|"
    r"记者|通讯员|编辑?|作者|摄影|校对|审核"
)
_TITLE_HINT = r"[局科股站所队部处县市区镇乡村厅校院]长|书记|主任|老师|同志|先生|女士|[调普]查员|网格员|统计员"
_MASK_HINT, _AGE_HINT = r"某|[×xX＊*]{2}", r"[（(][男女]"
#: True of every text with a name in it.
NAME_HINT = f"{_ROLE_HINT}|{_TITLE_HINT}|{_MASK_HINT}|{_AGE_HINT}"
_HINT = re.compile(_ROLE_HINT)
_RULES = (
    (re.compile(_TITLE_HINT), _BEFORE_ROLE),
    (re.compile(_MASK_HINT), _MASKED),
    (re.compile(_AGE_HINT), _WITH_AGE),
)


def name_spans(text: str) -> list[tuple[int, int]]:
    """Where personal names stand, as (start, end), in order and disjoint; roles and punctuation are not included."""
    spans = [found.span() for hint, rule in _RULES if hint.search(text) for found in rule.finditer(text)]
    for found in _AFTER_ROLE.finditer(text) if _HINT.search(text) else ():
        start, end = found.span("names" if found["names"] else "authors")
        spans += (name.span() for name in _ONE_NAME.finditer(text, start, end))
    disjoint: list[tuple[int, int]] = []
    for span in sorted(spans):
        if not disjoint or span[0] >= disjoint[-1][1]:
            disjoint.append(span)
    return disjoint
