"""From films to books: what a person likes in one domain, carried over to another they have no events in."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

import pytest

from agent import Agent
from tests.test_spine import make_workspace

# topic → (films, books)
EN: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "space": (
        (
            "Astronauts stranded on Mars",
            "Starship crew meets aliens",
            "Mutiny on the space station",
            "Rocket to the moon",
            "War between the planets",
        ),
        (
            "The first astronauts on Mars: a novel",
            "Aliens and starships: science fiction stories",
            "A history of the space station",
            "Planets and moons explained",
        ),
    ),
    "cooking": (
        (
            "The chef and the Paris restaurant",
            "Baking with grandmother",
            "A pastry cook in love",
            "Street food of Bangkok",
            "The last supper club",
        ),
        (
            "Baking bread and pastry at home",
            "The restaurant chef's cookbook",
            "Street food recipes of Asia",
            "Sauces, soups and stews",
        ),
    ),
    "horses": (
        (
            "The girl and the wild horse",
            "Race day at the stables",
            "Riders of the prairie",
            "A pony for Christmas",
            "The stallion",
        ),
        (
            "Riding lessons for beginners",
            "A pony and her girl",
            "Wild horses of the prairie",
            "Keeping horses: the stable handbook",
        ),
    ),
}
ZH: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "太空": (
        ("火星上的宇航员", "星际飞船与外星人", "空间站危机", "飞往月球的火箭", "行星之战"),
        ("宇航员登陆火星：科幻小说", "外星人与星际飞船故事集", "空间站的历史", "行星和月球百科"),
    ),
    "烹饪": (
        ("巴黎餐厅的厨师", "和奶奶一起烘焙", "甜点师的爱情", "曼谷街头美食", "最后的晚餐俱乐部"),
        ("家庭烘焙：面包与甜点", "餐厅大厨的菜谱", "亚洲街头美食做法", "汤与炖菜"),
    ),
    "马术": (
        ("女孩与野马", "马场赛马日", "草原骑手", "圣诞节的小马", "骏马"),
        ("骑马入门课程", "小马和女孩", "草原上的野马", "养马手册：马厩管理"),
    ),
}
LANGUAGES = {
    "en": (EN, "films", "books", ("Because of your interest in “", "(films;")),
    "zh": (ZH, "电影", "图书", ("因为你对“", "（电影；")),
}


def write_files(folder, topics, films, books):
    """Ten people of each topic watch its films; three read books, of any topic."""
    items, events = folder / "items.csv", folder / "interactions.csv"
    by_topic, all_books = {}, []
    with items.open("w", encoding="utf-8", newline="") as sink:
        rows = csv.writer(sink)
        rows.writerow(["item_id", "title", "categories", "domain"])
        for number, (topic, (seen, read)) in enumerate(topics.items()):
            by_topic[topic] = []
            for place, title in enumerate((*seen, *read)):
                is_film = place < len(seen)
                item_id = f"{'film' if is_film else 'book'}-{number}-{place}"
                rows.writerow([item_id, title, films if is_film else books, films if is_film else books])
                (by_topic[topic] if is_film else all_books).append(item_id)
    with events.open("w", encoding="utf-8", newline="") as sink:
        rows = csv.writer(sink)
        rows.writerow(["user_id", "item_id", "timestamp", "event"])
        for number, topic in enumerate(topics):
            for person in range(10):
                for day in range(8):
                    item = by_topic[topic][(day * (person + 1) + day) % len(by_topic[topic])]
                    stamp = f"2024-{1 + day:02d}-{1 + person:02d}T{10 + number}:00:00Z"
                    rows.writerow([f"watcher-{number}-{person}", item, stamp, "view"])
        for person in range(3):
            for day in range(6):
                item = all_books[(day * 5 + person) % len(all_books)]
                rows.writerow([f"reader-{person}", item, f"2024-{1 + day:02d}-20T10:00:00Z", "purchase"])
    return items, events


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_interest_is_carried_into_a_domain_without_events(tmp_path, language):
    topics, films, books, words = LANGUAGES[language]
    make_workspace(tmp_path, *write_files(tmp_path, topics, films, books))
    with Agent.open(tmp_path, model="none") as agent:
        for number, (topic, (_, titles)) in enumerate(topics.items()):
            found = agent.recommend(f"watcher-{number}-0", 4, domain=books, rerank=False)
            right = sum(entry.title in titles for entry in found[:3])
            assert right >= 2, (topic, [entry.title for entry in found])
            assert found[0].title in titles
            assert all(part in found[0].reason for part in words), found[0].reason
            events = set(agent.session.interests.user_log(f"watcher-{number}-0").interaction_id.tolist())
            cited = [n for session in found[0].evidence for n in session.interaction_ids]
            assert cited and set(cited) <= events and found[0].facets
            stages = {stage.name: stage for stage in found.stages}
            assert stages["carried over"].status == "ran" and stages["confidence"].status == "degraded"
            assert all(entry.confidence < 0.15 for entry in found)
            assert books in found.note
        agent.observe("watcher-1-3", [{"event": "dislike", "item_id": "book-0-8"}])
        spared = agent.recommend("watcher-1-3", 4, domain=books, rerank=False)
        assert "carried over" in {stage.name for stage in spared.stages}  # one disliked book is no taste
        assert "book-0-8" not in {entry.item_id for entry in spared}
        reader = agent.recommend("reader-0", 4, domain=books, rerank=False)
        assert "carried over" not in {stage.name for stage in reader.stages}
        everywhere = agent.recommend("watcher-0-0", 4, rerank=False)
        assert "carried over" not in {stage.name for stage in everywhere.stages}
        unknown = agent.recommend("nobody", 4, domain=books, rerank=False)
        assert (
            "carried over" not in {stage.name for stage in unknown.stages}
            and ("未知" if language == "zh" else "unknown") in unknown.note
        )
        lead = agent.recommend("watcher-0-0", 4, domain=books, rerank=False)[0].facets[0]
        agent.give_feedback("watcher-0-0", "mute", lead)
        after = agent.recommend("watcher-0-0", 4, domain=books, rerank=False)
        assert len(after) == 4 and not any(lead in entry.facets for entry in after)
