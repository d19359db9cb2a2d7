"""What columns, events and kinds of things are commonly called: lower case, no punctuation, best first."""

from __future__ import annotations

from typing import Final

_ITEM_IDS: Final = (
    "itemid", "productid", "movieid", "parentasin", "asin", "bookid", "isbn", "songid", "trackid", "artistid",
    "articleid", "newsid", "videoid", "gameid", "appid", "recipeid", "courseid", "businessid", "contentid",
    "goodsid", "skuid", "sku", "stockcode", "item", "product", "movie", "article", "商品id", "物品id",
    "商品编号",
    "商品",
)  # fmt: skip

# Columns of an event file that name the person something was done to: people are the items then.
PEOPLE_IDS: Final = (
    "targetuserid", "followeeid", "followedid", "friendid", "touserid", "followee",
    "targetuser", "friend", "touser", "contactid", "被关注者", "好友id", "目标用户id",
)  # fmt: skip

# Id columns of an item file whose items are people.
PEOPLE_ITEM_IDS: Final = ("userid", "personid", "memberid", "用户id")

INTERACTION_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "user_id": (
        "userid", "user", "uid", "customerid", "householdid", "reviewerid", "memberid", "visitorid",
        "accountid", "followerid", "fromuserid", "sourceuserid", "fromuser", "follower",
        "clientid", "buyerid", "readerid", "profileid", "customer", "household", "reviewer", "member",
        "username",
        "用户id", "用户编号", "用户",
    ),
    "item_id": (*_ITEM_IDS, *PEOPLE_IDS),
    "query": ("query", "searchquery", "searchterm", "searchterms", "keywords", "搜索词"),
    "timestamp": (
        "timestamp", "unixreviewtime", "ts", "eventtime", "datetime", "time", "createdat",
        "transactiontimestamp",
        "date", "reviewtime", "invoicedate", "orderdate", "purchasedate", "ratedat", "viewedat", "unixtime",
        "submissiondate", "时间戳", "时间", "日期",
    ),
    "event": (
        "event", "eventtype", "eventname", "action", "actiontype", "behavior", "behaviour", "behaviortype",
        "interaction", "interactiontype", "activity", "type", "行为", "事件",
    ),
    "value": (
        "value", "rating", "stars", "score", "overall", "salesvalue", "price", "amount", "unitprice",
        "watchtime",
        "playtime", "duration", "quantity", "评分", "金额",
    ),
    "key": (
        "key", "basketid", "orderid", "transactionid", "invoiceno", "invoiceid", "invoice", "receiptid",
        "订单号",
    ),
}  # fmt: skip

ITEM_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "item_id": (*_ITEM_IDS, "id", "编号", *PEOPLE_ITEM_IDS),
    "title": (
        "title", "name", "itemname", "displayname",
        "productname", "producttitle", "movietitle", "booktitle", "headline",
        "标题", "名称", "书名", "商品名",
    ),
    "description": (
        "description", "desc", "overview", "summary", "plot", "abstract", "aboutme", "bio", "描述", "简介",
    ),
    "categories": (
        "categories", "category", "genres", "genre", "tags", "subjects", "topics", "maincategory",
        "subcategory",
        "productcategory", "department", "分类", "类别", "标签",
    ),
    "domain": ("domain", "领域"),
    "text": ("text",),
    "extra": ("extra",),
}  # fmt: skip

RATING_HINTS: Final = ("rating", "stars", "score", "overall", "评分")
PURCHASE_HINTS: Final = ("price", "amount", "sales", "quantity", "金额")

# Names of events in well-known logs, and ours for them.
EVENT_SYNONYMS: Final[dict[str, str]] = {
    "rating": "rate", "rated": "rate", "review": "rate", "reviewed": "rate", "评分": "rate",
    "click": "view", "clicked": "view", "pv": "view", "viewed": "view", "watch": "view", "play": "view",
    "listen": "view", "read": "view", "open": "view", "浏览": "view", "点击": "view", "观看": "view",
    "buy": "purchase", "bought": "purchase", "transaction": "purchase", "order": "purchase",
    "sale": "purchase",
    "purchased": "purchase", "购买": "purchase", "下单": "purchase",
    "cart": "add-to-cart", "addtocart": "add-to-cart", "add_to_cart": "add-to-cart", "加购": "add-to-cart",
    "fav": "like", "favorite": "like", "favourite": "like", "liked": "like", "thumbs_up": "like",
    "upvote": "like",
    "收藏": "like", "喜欢": "like", "点赞": "like",
    "disliked": "dislike", "thumbs_down": "dislike", "downvote": "dislike", "不喜欢": "dislike",
    "followed": "follow", "subscribe": "follow", "关注": "follow",
    "searched": "search", "搜索": "search",
}  # fmt: skip

# Part of an id column or file name → the domain of the catalogue.
DOMAINS: Final[dict[str, str]] = {
    "movie": "movies", "film": "movies", "book": "books", "isbn": "books", "song": "music", "track": "music",
    "artist": "music", "game": "games", "article": "news", "news": "news", "recipe": "recipes",
    "course": "courses", "grocer": "grocery", "people": "people",
}  # fmt: skip
