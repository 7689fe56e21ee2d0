import codecs
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.pages.extract import MAX_ITEMS, MAX_LINKS, Extract, Link, extract

URL = "https://example.com/dir/page"


def read(html: str | bytes, *headers: tuple[str, str], url: str = URL) -> Extract:
    return extract(html.encode() if isinstance(html, str) else html, headers, url)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        ("<title>ä€", "text/html", "utf-8"),
        ("<title>ä€".encode("cp1252"), "text/html", "windows-1252"),
        ("<title>ä€".encode("cp1252"), "text/html; charset=ISO-8859-1", "windows-1252"),
        ("<title>ä€".encode("iso8859-15"), "text/html; charset='iso-8859-15'", "iso-8859-15"),
        (b"<meta charset=iso-8859-15>" + "<title>ä€".encode("iso8859-15"), "", "iso-8859-15"),
        (b"<meta http-equiv=content-type content='text/html; charset=latin9'><title>\xe4\xa4", "", "iso-8859-15"),
        (b"<?xml version='1.0' encoding='iso-8859-15'?><title>\xe4\xa4", "", "iso-8859-15"),
        (b"<!-- <meta charset=koi8-r> --><title>\xe4\x80", "", "windows-1252"),
        (b" " * 1024 + b"<meta charset=koi8-r><title>\xe4\x80", "", "windows-1252"),
        ("<meta charset=utf-16><title>ä€", "", "utf-8"),
        (codecs.BOM_UTF8 + "<title>ä€".encode(), "text/html; charset=koi8-r", "utf-8"),
        (codecs.BOM_UTF16_LE + "<title>ä€".encode("utf-16-le"), "", "utf-16le"),
        (codecs.BOM_UTF16_BE + "<title>ä€".encode("utf-16-be"), "", "utf-16be"),
        ("<title>ä€", "text/html; charset=no-such-charset", "utf-8"),
        ("<title>ä€", "text/html; charset=idna", "utf-8"),
    ],
)
def test_the_encoding_is_found_as_browsers_do(body: str | bytes, content_type: str, encoding: str) -> None:
    found = read(body, ("content-type", content_type))
    assert (found.title, found.encoding) == ("ä€", encoding)


def test_a_wrong_charset_is_noted() -> None:
    found = read("<title>ä".encode("latin-1") + b" x", ("content-type", "text/html; charset=utf-8"))
    assert found.title == "\ufffd x"
    assert found.notes == ("Some bytes are not valid utf-8.",)


def test_head() -> None:
    found = read(
        "<html lang='en-GB'><svg><title>no</title></svg><title> One\n two </title><base href='/base/'>"
        "<meta name=Description content=' about '><link rel='x Canonical' href='c?a#f'>"
        "<link rel=alternate hreflang=de href=//example.de><link rel=alternate hreflang=x-default href=/>"
        "<meta property=og:title content=T><meta property=og:title content=second><meta property=og:type content=a>"
    )
    assert (found.language, found.title, found.description) == ("en-GB", "One two", "about")
    assert found.canonical == "https://example.com/base/c?a"
    assert found.hreflang == (("de", "https://example.de/"), ("x-default", "https://example.com/"))
    assert found.open_graph == (("title", "T"), ("type", "a"))


def test_missing_and_empty_are_not_the_same() -> None:
    assert (read("<p>").title, read("<title></title>").title) == (None, "")
    assert (read("").description, read("<meta name=description content>").description) == (None, "")


def test_robots_in_meta_and_header_and_for_one_crawler() -> None:
    found = read(
        "<meta name=ROBOTS content='index, follow'><meta name=googlebot content=None><meta name=viewport content=x>",
        ("x-robots-tag", "noindex, unavailable_after: 25 Jun 2030 15:00:00 PST"),
        ("x-robots-tag", "bingbot: nofollow, otherbot: noindex"),
    )
    assert [(rule.source, rule.agent, rule.noindex) for rule in found.robots] == [
        ("meta", "", False),
        ("meta", "googlebot", True),
        ("header", "", True),
        ("header", "bingbot", False),
        ("header", "otherbot", True),
    ]


def test_relations_in_the_link_header() -> None:
    found = read("", ("link", '</c>; rel="canonical", <https://e.de/>; rel=alternate; hreflang="de"'))
    assert (found.canonical, found.hreflang) == ("https://example.com/c", (("de", "https://e.de/"),))


def test_links() -> None:
    found = read(
        "<a href='b.html' rel='NoFollow ugc'> to\n<b>b</b></a><a href=//other.com/x#y><img alt=pic></a>"
        "<a href=#top>t</a>"
        "<a href=mailto:a@b.c>m</a><a href='javascript:x'>j</a><a href='http://[x'>bad</a><a>none</a><a href>self</a>"
        "<area href=/c alt=map><a href='https://EXAMPLE.com:443/d'>d</a>"
    )
    assert found.links == (
        Link("https://example.com/dir/b.html", "nofollow ugc", "to b", True),
        Link("https://other.com/x", "", "pic", False),
        Link("https://example.com/c", "", "map", True),
        Link("https://example.com/d", "", "d", True),
    )
    assert (found.links_internal, found.links_external) == (3, 1)


def test_body() -> None:
    found = read(
        "<h1>One<br>two<script>x</script></h1><h1>Again</h1><h2></h2><p>a — b</p>text"
        "<style>p{}</style><template>t</template>"
        "<noscript>n<img></noscript><img src=a.png><img src=b.png alt><img src=c.png alt=c>"
    )
    assert (found.h1, found.h2, found.words) == (("One two", "Again"), ("",), 6)
    assert (found.images, found.images_without_alt, found.images_without_alt_at) == (3, 1, ("a.png",))


def test_structured_data() -> None:
    found = read(
        '<script type="application/ld+json">{"@graph": [{"@type": ["A", "http://schema.org/B"], "x": {"@type": "C"}}]}'
        '</script><script type="Application/LD+JSON; charset=utf-8">[{"@type": "D\\ud800"}]</script>'
        '<script type="application/ld+json">{"a": \n}</script><script type="application/ld+json">{"a": NaN}</script>'
        '<script type="application/ld+json">' + "[" * 100_000 + "</script>"
        "<div itemscope itemtype='https://schema.org/Product https://example.com/T'></div>"
    )
    assert found.jsonld_types == ("A", "B", "C", "D?")
    assert [error.split(":")[0] for error in found.jsonld_errors] == [
        "JSON-LD block 3, line 2",
        "JSON-LD block 4",
        "JSON-LD block 5",
    ]
    assert found.microdata_types == ("Product", "https://example.com/T")


def test_mixed_content_on_secure_pages_only() -> None:
    html = (
        "<img src=HTTP://x/a><script src='http://x/b'></script><link rel=stylesheet href=http://x/c><a href=http://x/>"
    )
    assert read(html).mixed_content == ("HTTP://x/a", "http://x/b", "http://x/c")
    assert read(html, url="http://example.com/").mixed_content == ()


def test_megabytes_of_links_stay_within_bounds() -> None:
    html = b"<a href='/x'>y</a>" * 100_000
    found = read(html)
    assert len(found.links) == MAX_LINKS
    assert found.notes == ("Only the first 10,000 of 100,000 links were kept.",)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000,
        "<a href=x><table><tr><td>" * 20_000,
        "<p " + " ".join(f"a{number}=1" for number in range(100_000)) + ">",
        "<span>" * 20_000 + "</x>" * 200_000,
    ],
    ids=["div", "tables", "attributes", "ends"],
)
def test_pages_that_would_take_the_parser_hours_are_cut(html: str) -> None:
    found = read("<title>t</title>" + html)
    assert found.title == "t"
    assert "nested too deeply" in found.notes[0]


@pytest.mark.parametrize(
    "tag", ["<h1>x", "<h2>x", "<p itemtype=y{}>", "<link rel=alternate hreflang=x href=/{}>", "<img>"]
)
def test_lists_have_an_end(tag: str) -> None:
    found = read("".join(tag.format(number) + "</h1></h2>" for number in range(500)))
    lists = [found.h1, found.h2, found.microdata_types, found.images_without_alt_at]
    assert all(len(each) <= MAX_ITEMS for each in lists)
    assert len(found.hreflang) <= 2 * MAX_ITEMS


def test_long_texts_are_cut_and_leave_no_memory_behind() -> None:
    long = "x" * 1_000_000
    html = f"<title>{long}</title><h1>{long}</h1><a href=/ rel={long}>{long}</a><meta name=description content={long}>"
    tracemalloc.start()
    found = read(html + f"<meta property=og:{long} content={long}><html lang={long}>")
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(found.title or "") == len(found.description or "") == 1_000
    assert len(found.links[0].text) == 300
    assert left < 100_000


@pytest.mark.parametrize(
    "body", [b"", b"\x00" * 5000, bytes(range(256)) * 50, b"%PDF-1.4 \xff", b"<", b"<!--", b"<title>\x00"]
)
def test_what_is_no_html_is_read_all_the_same(body: bytes) -> None:
    found = read(body)
    assert found.links == ()


SOUP = [
    *("<a href='", "<base href=", "<svg>", "<title>", "'>", ">", "<script type=application/ld+json>", '{"@type":1}'),
    *(
        "</script>",
        "<table>",
        "<template>",
        "\x00",
        "&#xD800;",
        "http://[",
        "//",
        "..",
        "#",
        "<frameset>",
        "<h1>",
        "</p>",
    ),
    *("<meta name=robots content=", "<link rel=canonical href=", "é"),
]


@given(st.lists(st.sampled_from(SOUP)))
def test_any_soup_can_be_read(parts: list[str]) -> None:
    found = read("".join(parts))
    assert all(link.url.startswith("http") for link in found.links)
    repr(found).encode()


@given(st.text(alphabet="ab1é². -·x\n\t\xa0\x85\x1c"))
def test_words_are_counted_by_one_rule_whatever_letters_a_page_has(text: str) -> None:
    expected = [word for word in text.split() if len(word) > 1 or word.isalnum()]
    for page in (text, f"{text} –"):  # of Latin-1 alone, and not: a dash on its own is no word
        assert read(f"<p>{page}").words == len(expected)
