"""Fixed cases on which nobody would disagree: a list that fits the person, and one that does not at all."""

from __future__ import annotations

from dataclasses import dataclass

from agent.ranking.rerank_prompts import RerankPrompts


@dataclass(frozen=True, slots=True)
class Case:
    """A person, a list that plainly fits and one that plainly does not."""

    name: str
    person: RerankPrompts
    good: tuple[str, ...]
    bad: tuple[str, ...]


CASES: tuple[Case, ...] = (
    Case(
        "space films",
        RerankPrompts(
            (("Science fiction films", "62%"), ("Space documentaries", "21%")),
            ("Moon", "The Martian", "Interstellar", "Cosmos: a spacetime odyssey"),
        ),
        ("Gravity", "Arrival", "2001: A Space Odyssey", "Apollo 11", "Ad Astra"),
        ("Knitting for beginners", "Wedding cakes", "Golf swing basics", "Tax law 2010", "Horse grooming"),
    ),
    Case(
        "baby care",
        RerankPrompts(
            (("Baby food", "48%"), ("Nappies and wipes", "33%")),
            ("Infant formula powder", "Baby wipes", "Nappies size 2", "Apple purée for babies"),
        ),
        ("Nappies size 3", "Baby cereal", "Baby shampoo", "Carrot purée for babies", "Teething rusks"),
        ("Dry dog food", "Motor oil", "Charcoal for grilling", "Cigars", "Beer, 24 cans"),
    ),
    Case(
        "python books",
        RerankPrompts(
            (("Programming in Python", "57%"), ("Data analysis", "26%")),
            ("Learning Python", "Python tricks", "Pandas in practice"),
        ),
        ("Fluent Python", "Effective Python", "NumPy for data analysis", "Testing Python code"),
        ("French country cooking", "Romantic poems", "Watercolour landscapes", "Stories for bedtime"),
    ),
    Case(
        "breakfast",
        RerankPrompts(
            (("Breakfast cereal", "39%"), ("Milk and yoghurt", "35%")),
            ("Corn flakes", "Whole milk", "Muesli with nuts", "Plain yoghurt"),
        ),
        ("Granola with honey", "Oat flakes", "Strawberry yoghurt", "Semi-skimmed milk"),
        ("Drain cleaner", "Light bulbs", "Cat litter", "Car wax"),
    ),
    Case(
        "trail running",
        RerankPrompts(
            (("Running gear", "55%"), ("Hiking", "30%")),
            ("Trail running shoes", "Running vest", "Energy gels", "Hiking socks"),
        ),
        ("Trail running shorts", "Hydration backpack", "Running headlamp", "Hiking poles"),
        ("Office desk lamp", "Piano sheet music", "Nail polish", "Fishing rod stand"),
    ),
    Case(
        "jazz",
        RerankPrompts(
            (("Jazz records", "71%"), ("Music biographies", "14%")),
            ("Kind of Blue", "A Love Supreme", "Time Out", "The life of Miles Davis"),
        ),
        ("Blue Train", "Giant Steps", "Mingus Ah Um", "The story of Bill Evans"),
        ("Lawn mower blades", "Accounting software", "Frozen pizza", "Printer ink"),
    ),
    Case(
        "绘本",
        RerankPrompts(
            (("儿童绘本", "58%"), ("早教玩具", "24%")), ("好饿的毛毛虫", "猜猜我有多爱你", "积木套装"), "zh"
        ),
        ("大卫不可以", "月亮的味道", "木质拼图", "逃家小兔"),
        ("机油滤清器", "白酒礼盒", "公司税务实务", "钓鱼竿支架"),
    ),
    Case(
        "科幻",
        RerankPrompts(
            (("科幻小说", "66%"), ("天文科普", "19%")), ("三体", "流浪地球", "银河系漫游指南"), "zh"
        ),
        ("球状闪电", "基地", "沙丘", "宇宙的结构"),
        ("婚礼蛋糕制作", "高尔夫入门", "宠物美容", "家常川菜"),
    ),
)
