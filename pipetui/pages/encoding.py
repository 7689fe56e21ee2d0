"""Which encoding the bytes of a page are in, found as browsers find it."""

import codecs
import re

# The Encoding Standard's encodings that pages still use, with Python's codec and their labels. Only these: Python's own
# names include codecs that are no text (`zip`, `idna`, `unicode_escape`).
_ENCODINGS: tuple[tuple[str, str, str], ...] = (
    ("utf-8", "utf-8", "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8"),
    (
        "windows-1252",
        "cp1252",
        "windows-1252 cp1252 x-cp1252 ascii us-ascii ansi_x3.4-1968 iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 l1"
        " cp819 ibm819 iso-ir-100 csisolatin1",
    ),
    ("iso-8859-2", "iso8859-2", "iso-8859-2 iso8859-2 iso88592 iso_8859-2 latin2 l2 csisolatin2"),
    ("iso-8859-3", "iso8859-3", "iso-8859-3 iso8859-3 latin3 l3"),
    ("iso-8859-4", "iso8859-4", "iso-8859-4 iso8859-4 latin4 l4"),
    ("iso-8859-5", "iso8859-5", "iso-8859-5 iso8859-5 cyrillic"),
    ("iso-8859-6", "iso8859-6", "iso-8859-6 iso8859-6 arabic"),
    ("iso-8859-7", "iso8859-7", "iso-8859-7 iso8859-7 greek greek8"),
    ("iso-8859-8", "iso8859-8", "iso-8859-8 iso8859-8 iso-8859-8-i iso-8859-8-e hebrew visual logical"),
    ("iso-8859-10", "iso8859-10", "iso-8859-10 latin6 l6"),
    ("iso-8859-13", "iso8859-13", "iso-8859-13"),
    ("iso-8859-14", "iso8859-14", "iso-8859-14"),
    ("iso-8859-15", "iso8859-15", "iso-8859-15 iso8859-15 iso885915 l9 latin9"),
    ("iso-8859-16", "iso8859-16", "iso-8859-16"),
    ("ibm866", "cp866", "ibm866 cp866 866"),
    ("koi8-r", "koi8-r", "koi8-r koi koi8 koi8_r"),
    ("koi8-u", "koi8-u", "koi8-u koi8-ru"),
    ("macintosh", "mac-roman", "macintosh mac x-mac-roman"),
    ("windows-874", "cp874", "windows-874 tis-620 iso-8859-11 dos-874"),
    ("windows-1250", "cp1250", "windows-1250 cp1250 x-cp1250"),
    ("windows-1251", "cp1251", "windows-1251 cp1251 x-cp1251"),
    ("windows-1253", "cp1253", "windows-1253 cp1253 x-cp1253"),
    ("windows-1254", "cp1254", "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 latin5 l5"),
    ("windows-1255", "cp1255", "windows-1255 cp1255 x-cp1255"),
    ("windows-1256", "cp1256", "windows-1256 cp1256 x-cp1256"),
    ("windows-1257", "cp1257", "windows-1257 cp1257 x-cp1257"),
    ("windows-1258", "cp1258", "windows-1258 cp1258 x-cp1258"),
    ("gbk", "gb18030", "gbk gb2312 gb_2312 gb_2312-80 chinese x-gbk csgb2312 iso-ir-58"),
    ("gb18030", "gb18030", "gb18030"),
    ("big5", "big5hkscs", "big5 big5-hkscs cn-big5 x-x-big5 csbig5"),
    ("euc-jp", "euc-jp", "euc-jp x-euc-jp"),
    ("iso-2022-jp", "iso2022-jp", "iso-2022-jp csiso2022jp"),
    ("shift_jis", "cp932", "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j ms932 csshiftjis"),
    ("euc-kr", "cp949", "euc-kr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949 cseuckr"),
    ("utf-16be", "utf-16-be", "utf-16be unicodefffe"),
    ("utf-16le", "utf-16-le", "utf-16le utf-16 unicode ucs-2 iso-10646-ucs-2 csunicode unicodefeff"),
)
_CODECS = {name: codec for name, codec, _ in _ENCODINGS}
_LABELS = {label: name for name, _, labels in _ENCODINGS for label in labels.split()}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))

_PRESCAN = 1024  # bytes, as the HTML standard recommends
_CHARSET = re.compile(r"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"',>]+))", re.I)
_XML = re.compile(rb"\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9_.:-]+)")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.S)
_META = re.compile(rb"<meta[\s/]([^>]*)>", re.I)


def decode(body: bytes, content_type: str = "") -> tuple[str, str, bool]:
    """The text of a page, the name of its encoding, and whether all its bytes fit that encoding.

    In this order: a byte order mark, the HTTP charset, `<meta charset>` in the first 1,024 bytes, UTF-8 if the bytes
    are that, else windows-1252. Labels that nobody knows are passed over; bytes that don't fit become U+FFFD.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], name)
    if name := _label(_charset(content_type)) or _declared(body[:_PRESCAN]):
        return _decoded(body, name)
    text, name, fits = _decoded(body, "utf-8")
    if fits and (len(text) == len(body) or not text.isascii()):  # not if a cut off character is the only one
        return text, name, True
    return _decoded(body, "windows-1252")


def _decoded(body: bytes, name: str) -> tuple[str, str, bool]:
    decoder = codecs.getincrementaldecoder(_CODECS[name])
    try:
        return decoder().decode(body), name, True  # not the last piece: a character cut off at the end is no error
    except UnicodeDecodeError:
        return decoder("replace").decode(body), name, False


def _declared(start: bytes) -> str:
    """What the document says of itself."""
    if match := _XML.match(start):
        return _inside(match[1].decode("ascii"))
    for tag in _META.finditer(_COMMENT.sub(b"", start)):
        if name := _inside(_charset(tag[1].decode("latin-1"))):
            return name
    return ""


def _inside(label: str) -> str:
    """An encoding declared within the document: whoever could read UTF-16 in ASCII was lied to."""
    name = _label(label)
    return "utf-8" if name.startswith("utf-16") else name


def _charset(text: str) -> str:
    match = _CHARSET.search(text)
    return next(filter(None, match.groups()), "") if match else ""


def _label(label: str) -> str:
    return _LABELS.get(label.strip().lower(), "")
