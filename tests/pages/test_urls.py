import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.pages.urls import BadUrl, host_of, normal, origin_of, parse_urls, resolve


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("example.com", "https://example.com/"),
        ("  EXAMPLE.com/A b?q=ü x#top", "https://example.com/A%20b?q=%C3%BC%20x"),
        ("//example.com/x", "https://example.com/x"),
        ("HTTP://example.com:80", "http://example.com/"),
        ("example.com:8080/x", "https://example.com:8080/x"),
        ("localhost:8000", "http://localhost:8000/"),
        ("127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        ("[::1]:8000", "http://[::1]:8000/"),
        ("intranet:8080", "https://intranet:8080/"),
        ("straße.de", "https://xn--strae-oqa.de/"),
        ("bücher.example", "https://xn--bcher-kva.example/"),
        ("example.com?a=1", "https://example.com/?a=1"),
        ("http://a.com/b/../c/./d/..", "http://a.com/c/"),
        ("example.com\\x", "https://example.com/x"),
        ("http://a.com/%zz|", "http://a.com/%zz|"),
    ],
)
def test_what_people_type(typed: str, url: str) -> None:
    assert parse_urls([typed]) == [url]
    assert normal(url) == url


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("ftp://example.com/x", "ftp:// is not http or https."),
        ("mailto:me@example.com", "mailto: is not http or https."),
        ("javascript:alert(1)", "javascript: is not http or https."),
        ("https://me:secret@example.com/", "Take the user name and the password out of the address."),
        ("me:secret@example.com", "Take the user name and the password out of the address."),
        ("exa mple.com", "There is a space in the host exa mple.com."),
        ("example.com:99999", "The port 99999 is not a number from 1 to 65535."),
        ("example.com:0", "The port 0 is not a number from 1 to 65535."),
        ("hello", "hello is not a web address, such as https://example.com/."),
        ("http:example.com", "After http: come two slashes and a host."),
        ("https://", "There is no host in the address."),
        ("http://[::1", "[: is not an IPv6 address."),
        ("1.2.3", "1.2.3 is not an IP address."),
        ("a..com", "a..com is not the name of a host."),
        ("x" * 64 + ".com", "x" * 59 + "… is not the name of a host."),
        ("example.com/" + "x" * 8000, "The address is longer than 8,000 characters."),
    ],
)
def test_what_is_refused_names_its_line(typed: str, why: str) -> None:
    with pytest.raises(BadUrl) as caught:
        parse_urls(["example.com", "", typed])
    assert (str(caught.value), caught.value.line) == (f"Line 3: {why}", 3)
    assert "secret" not in str(caught.value)


def test_all_wrong_lines_are_named_and_the_reasons_of_the_first() -> None:
    lines = ["exa mple.com", "example.com", "hello", *["ftp://x"] * 10]
    with pytest.raises(BadUrl) as caught:
        parse_urls(lines)
    said = str(caught.value)
    assert said.startswith("12 lines can't be taken: 1 (There is a space in the host exa mple.com), 3 (hello is no")
    assert said.endswith(" 7 (ftp:// is not http or https) and 6 more.")


def test_blank_lines_and_duplicates_are_dropped() -> None:
    lines = ["", "example.com", "  ", "https://EXAMPLE.com/#x", "\ufeffexample.com/b", "https://example.com:443"]
    assert parse_urls(lines) == ["https://example.com/", "https://example.com/b"]


def test_many_lines() -> None:
    assert len(parse_urls(f"shop-{n}.example.com/p/{n}?q={n}" for n in range(10_000))) == 10_000


@given(st.text())
def test_any_line_is_an_address_or_refused(line: str) -> None:
    try:
        urls = parse_urls([line])
    except BadUrl:
        return
    assert all(url.isascii() and url.isprintable() and normal(url) == url for url in urls)


@given(st.text(alphabet="/.?#:@[]%\\ ab2e"))
def test_any_reference_resolves_or_is_refused(reference: str) -> None:
    try:
        url = resolve("https://a.com/x/y?z", reference)
    except BadUrl:
        return
    assert normal(url) == url


def test_parts() -> None:
    assert resolve("https://a.com/x/y", "../z?a#b") == "https://a.com/z?a"
    assert host_of("http://a.com:81/x") == "a.com:81"
    assert origin_of("http://a.com:81/x") == "http://a.com:81"
