"""Pages: the query that is read, the link that is written, and the links that partners write."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.paging import PageQuery, next_link, read_next

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://hub.example.com/ocpi/2.2.1/sender/locations"


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({}, PageQuery(offset=0, limit=50)),
        ({"limit": "10", "offset": "20"}, PageQuery(offset=20, limit=10)),
        ({"limit": "51"}, PageQuery(limit=50)),
        ({"limit": "999999999999"}, PageQuery(limit=50)),
        ({"limit": "", "offset": " ", "date_from": ""}, PageQuery(limit=50)),
        ({"date_from": "2026-01-01T00:00:00Z"}, PageQuery(date_from=JANUARY, limit=50)),
        ({"date_from": "2026-01-01T00:00:00"}, PageQuery(date_from=JANUARY, limit=50)),
        ({"date_to": "2026-01-01T01:00:00+01:00"}, PageQuery(date_to=JANUARY, limit=50)),
        ({"date_to": "2026-01-01T01:00:00 01:00"}, PageQuery(date_to=JANUARY, limit=50)),
        ({"type": "RFID"}, PageQuery(limit=50)),
    ],
)
def test_a_query_is_read(params: dict[str, str], query: PageQuery) -> None:
    assert PageQuery.read(params, cap=50) == query


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"limit": "0"}, "limit: must be at least 1"),
        ({"limit": "-1"}, "limit: must be at least 1"),
        ({"limit": "ten"}, "limit: must be a whole number"),
        ({"limit": "1.5"}, "limit: must be a whole number"),
        ({"limit": "1_0"}, "limit: must be a whole number"),
        ({"limit": "١"}, "limit: must be a whole number"),
        ({"offset": "-1"}, "offset: must be at least 0"),
        ({"offset": "--1"}, "offset: must be a whole number"),
        ({"offset": "9223372036854775808"}, "offset: is too large"),
        ({"offset": "1" * 31}, "offset: must be a whole number"),
        ({"date_from": "None"}, "date_from: must be a DateTime like 2015-06-29T20:39:09Z"),
        ({"date_to": "2026-02-30T00:00:00Z"}, "date_to: must be a DateTime that exists, like 2015-06-29T20:39:09Z"),
    ],
)
def test_a_bad_query_is_refused_by_name(params: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        PageQuery.read(params, cap=50)
    assert caught.value.message == message


def test_the_link_repeats_the_filters() -> None:
    query = PageQuery(date_from=JANUARY.replace(microsecond=123_456), date_to=JANUARY, offset=100, limit=50)
    link = next_link(URL + "?offset=100", query, filters={"type": "APP USER", "limit": "7"})
    assert link == (
        f"<{URL}?offset=150&limit=50&date_from=2026-01-01T00:00:00.123456Z&date_to=2026-01-01T00:00:00Z"
        '&type=APP+USER>; rel="next"'
    )


def test_following_the_links_visits_every_page_once() -> None:
    query, offsets = PageQuery(date_from=JANUARY, limit=50), [0]
    while query.has_next(total=151):
        url = read_next(next_link(URL, query))
        assert url is not None
        params = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        query = PageQuery.read(params, cap=50)
        assert query.date_from == JANUARY
        offsets.append(query.offset)
    assert offsets == [0, 50, 100, 150]


@pytest.mark.parametrize(("total", "more"), [(0, False), (50, False), (51, True)])
def test_the_last_page_has_no_next(total: int, more: bool) -> None:
    assert PageQuery(limit=50).has_next(total) is more


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('<https://a.com/x?offset=150&limit=50>; rel="next"', "https://a.com/x?offset=150&limit=50"),
        ("<https://a.com/x>;rel=next", "https://a.com/x"),
        ("<https://a.com/x>; rel='next'", "https://a.com/x"),
        ('<https://a.com/x>; REL="NEXT"', "https://a.com/x"),
        ('<https://a.com/x> ; title="a, b"; rel="next"', "https://a.com/x"),
        ('<https://a.com/x>; rel="last next"', "https://a.com/x"),
        ('<https://a.com/first>; rel="first", <https://a.com/x>; rel="next"', "https://a.com/x"),
        ('<https://a.com/x,y>; rel="next", <https://a.com/last>; rel="last"', "https://a.com/x,y"),
        ('< https://a.com/x >; rel="next"', "https://a.com/x"),
        ('<https://a.com/x>; rel="last"', None),
        ('<https://a.com/x>; rel="nextish"', None),
        ("<https://a.com/x>", None),
        ('<>; rel="next"', None),
        ('""', None),
        ("", None),
        ("garbage <<>>; rel", None),
        (None, None),
    ],
)
def test_the_links_of_partners(header: str | None, url: str | None) -> None:
    assert read_next(header) == url
