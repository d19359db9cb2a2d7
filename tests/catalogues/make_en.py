"""Writes the English test catalogue: python tests/catalogues/make_en.py [folder]."""

from __future__ import annotations

import sys
from pathlib import Path

from simulate import Item, Person, write_events, write_items

# group → (categories, domain, titles)
GROUPS = {
    "mystery": (("Books", "Mystery"), "books", (
        "The Lighthouse Ledger", "Murder at Quarter Past Nine", "A Detective in Winter",
        "The Missing Cellist",
        "Poison in the Orchard", "The Clockmaker's Alibi", "Nine Doors to the Vault",
        "The Last Train Witness",
    )),
    "space": (("Books", "Science fiction"), "books", (
        "Signals from the Red Planet", "The Last Starship Engineer", "Colony on a Frozen Moon",
        "Gravity's Children",
        "First Contact Protocol", "The Android Who Remembered", "Orbit of Exiles", "A Map of Dead Stars",
    )),
    "gardening": (("Books", "Gardening"), "books", (
        "Vegetables for Small Gardens", "The Patient Rose Grower", "Composting Made Simple",
        "A Year of Herbs",
        "Pruning Fruit Trees", "Balcony Tomatoes", "The Shade Garden",
    )),
    "baking": (("Kitchen", "Baking"), "kitchen", (
        "Cast iron bread oven", "Sourdough starter jar", "Silicone baking mat", "Stand mixer with dough hook",
        "Springform cake tin", "Danish dough whisk", "Rolling pin with rings",
    )),
    "coffee": (("Kitchen", "Coffee"), "kitchen", (
        "Hand coffee grinder", "Pour-over dripper", "Espresso machine with steam wand", "Milk frothing jug",
        "Digital coffee scale", "Paper coffee filters", "Moka pot for six cups",
    )),
    "knives": (("Kitchen", "Knives"), "kitchen", (
        "Chef's knife, carbon steel", "Paring knife", "Whetstone set", "Magnetic knife rack",
        "End-grain cutting board",
        "Serrated bread knife",
    )),
    "hiking": (("Outdoor", "Hiking"), "outdoor", (
        "Waterproof hiking boots", "Trekking poles", "Day pack, 25 liters", "Merino hiking socks",
        "Trail map case",
        "Rain jacket, three layers",
    )),
    "camping": (("Outdoor", "Camping"), "outdoor", (
        "Two-person tent", "Down sleeping bag", "Gas camping stove", "Inflatable sleeping pad",
        "Camping lantern",
        "Folding camp chair",
    )),
    "cycling": (("Outdoor", "Cycling"), "outdoor", (
        "Bicycle repair kit", "Rear bike light", "Cycling helmet", "Handlebar bag", "Floor pump with gauge",
    )),
}  # fmt: skip

QUERIES = {
    "mystery": ("detective novel", "murder mystery"), "space": ("space opera", "android story"),
    "gardening": ("grow tomatoes", "rose pruning"), "baking": ("sourdough tools", "cake tin"),
    "coffee": ("espresso at home", "coffee grinder"), "knives": ("sharpen a knife", "cutting board"),
    "hiking": ("hiking boots", "rain jacket"), "camping": ("light tent", "sleeping bag"),
    "cycling": ("bike light", "helmet"),
}  # fmt: skip

# c01 moves from mysteries to hiking and camping, c02 from coffee to baking; the others stay.
PEOPLE = (
    Person("c01", 60, (
        (0, {"mystery": 6, "space": 2, "coffee": 1}),
        (140, {"mystery": 3, "hiking": 3, "coffee": 1}),
        (200, {"hiking": 6, "camping": 4, "coffee": 1}),
    )),
    Person("c02", 52, ((0, {"coffee": 7, "knives": 1}), (190, {"baking": 7, "coffee": 1, "knives": 1}))),
    Person("c03", 48, ((0, {"mystery": 5, "gardening": 2}),)),
    Person("c04", 44, ((0, {"space": 6, "coffee": 1}),)),
    Person("c05", 40, ((0, {"baking": 5, "coffee": 2}),)),
    Person("c06", 40, ((0, {"hiking": 4, "camping": 3}),)),
    Person("c07", 36, ((0, {"cycling": 5, "hiking": 1}),)),
    Person("c08", 36, ((0, {"gardening": 5, "baking": 1}),)),
    Person("c09", 34, ((0, {"knives": 4, "baking": 2}),)),
    Person("c10", 32, ((0, {"coffee": 4, "mystery": 2}),)),
    Person("c11", 30, ((0, {"camping": 4, "cycling": 2}),)),
    Person("c12", 24, ((0, {"space": 2, "mystery": 2, "gardening": 1}),)),
    Person("c13", 10, ((0, {"baking": 1, "knives": 1}),)),
    Person("c14", 4, ((0, {"hiking": 1}),)),
    Person("c15", 1, ((0, {"coffee": 1}),)),
)  # fmt: skip


def main(folder: Path) -> None:
    items = []
    for group, (categories, domain, titles) in GROUPS.items():
        for title in titles:
            items.append(Item(f"en{len(items) + 1:03d}", title, "", categories, domain, group))
    folder.mkdir(parents=True, exist_ok=True)
    write_items(folder / "items.csv", items)
    write_events(folder / "interactions.csv", items, PEOPLE, queries=QUERIES, utc_offset_h=0, year=2024)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "en")
