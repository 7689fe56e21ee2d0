"""Unpacking a stream as it comes: gzip, zip or neither, told by its first bytes and by nothing else."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_PIECE = 1 << 20  # bytes that come out at once: what bounds the memory, whatever is packed
_DEEPEST = 2  # a gzip file that is served as gzip once more
_HEADER = struct.Struct("<4sHHHHHIIIHH")
_NO_ZIP64 = 0xFFFFFFFF


class Damaged(Exception):
    """What came is not what was packed: a checksum differs, or it ends in the middle. The text says which."""


class Unpacker:
    """Feed it bytes, it yields what was packed, in pieces of at most 1 MB; `finish` says whether all of it was there.

    A gzip file may have several members, a zip file several files: of those the `.csv` ones come. The pieces of each
    are followed by None, the mark of its end. Checksums and lengths are checked. Raises `Damaged`.
    """

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._head = b""
        self._inner: _Gzip | _Zip | _Plain | None = None
        self._next: Unpacker | None = None

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        if self._inner is None:
            data = self._head + data
            if len(data) < len(_ZIP):
                self._head = data
                return
            self._inner = self._kind(data)
            if self.kind == "gzip" and self._depth + 1 < _DEEPEST:
                self._next = Unpacker(self._depth + 1)
        yield from self._passed_on(self._inner.feed(data))

    def finish(self) -> Iterator[bytes | None]:
        """The rest, when no more bytes come. `Damaged` when more should have come."""
        if self._inner is None:
            if self._head.startswith((_GZIP[:1], _ZIP[:2])):
                raise Damaged("The file ends after its first bytes.")
            self._inner = _Plain()
            yield from self._inner.feed(self._head)
        yield from self._passed_on(self._inner.finish())
        if self._next is not None:
            rest = self._next.finish()
            yield from (piece for piece in rest if piece is not None or self._next.kind != "plain")

    @property
    def kind(self) -> str:
        """`gzip`, `zip` or `plain`."""
        return "plain" if self._inner is None else self._inner.kind

    def _kind(self, data: bytes) -> _Gzip | _Zip | _Plain:
        if data.startswith(_GZIP):
            return _Gzip()
        if data.startswith(_ZIP):
            return _Zip()
        return _Plain()

    def _passed_on(self, pieces: Iterator[bytes | None]) -> Iterator[bytes | None]:
        """The pieces; if they are packed themselves, what is in them."""
        for piece in pieces:
            if self._next is None:
                yield piece
            elif piece is not None:
                yield from self._next.feed(piece)
            elif self._next.kind == "plain":
                yield None


class _Plain:
    kind = "plain"

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        if data:
            yield data

    def finish(self) -> Iterator[bytes | None]:
        yield None


class _Gzip:
    kind = "gzip"

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._fresh = False  # between two members
        self._padding = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        while data and not self._padding:
            if self._fresh:
                if not data.startswith(_GZIP[:1]):  # gzip ignores what follows its end, too
                    self._padding = True
                    return
                self._zlib, self._fresh = zlib.decompressobj(zlib.MAX_WBITS | 16), False
            yield from _inflated(self._zlib, data)
            data = self._zlib.unused_data
            if self._zlib.eof:
                self._fresh = True
                yield None

    def finish(self) -> Iterator[bytes | None]:
        if not self._fresh:
            raise Damaged("The compressed file ends in the middle.")
        yield from ()


class _Zip:
    """A zip file from front to back, header by header; the directory at its end shows that it is whole."""

    kind = "zip"

    def __init__(self) -> None:
        self._waiting = b""
        self._member: _Member | None = None
        self._directory = self._closed = False
        self._chosen = 0

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        data = self._waiting + data
        self._waiting = b""
        while data:
            if self._directory:
                data = data[-22 - 65_535 :]  # only its end counts: a signature that may have a comment behind it
                self._closed = b"PK\x05\x06" in data
                self._waiting = data
                return
            if self._member is None:
                if len(data) < 4:
                    break
                if data.startswith((b"PK\x01\x02", b"PK\x05\x06")):
                    self._directory = True
                    continue
                started = _Member.start(data)
                if started is None:
                    break
                self._member, data = started
                continue
            member = self._member
            for piece in member.feed(data):
                if member.wanted:
                    yield piece
            data = member.rest
            if not member.over:
                break
            if member.wanted:
                self._chosen += 1
                yield None
            self._member = None
        self._waiting = data

    def finish(self) -> Iterator[bytes | None]:
        if self._member is not None or not self._closed:
            raise Damaged("The zip file ends in the middle.")
        if not self._chosen:
            raise Damaged("There is no CSV file in the zip file.")
        yield from ()


class _Member:
    """One file within a zip file."""

    def __init__(self, name: bytes, method: int, flags: int, crc: int, packed: int, zip64: bool) -> None:
        self.wanted = name.lower().endswith(b".csv")
        self.over = False
        self.rest = b""
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS) if method == 8 else None
        self._described = bool(flags & 8)  # crc and sizes follow the data
        self._crc, self._expected = 0, crc
        self._left = packed
        self._zip64 = zip64

    @classmethod
    def start(cls, data: bytes) -> tuple[_Member, bytes] | None:
        """The file whose header `data` begins with, and what follows; None when the header is not complete."""
        if not data.startswith(_ZIP):
            raise Damaged("The zip file has something in it that is no file.")
        if len(data) < _HEADER.size:
            return None
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _HEADER.unpack_from(data)
        end = _HEADER.size + name_length + extra_length
        if len(data) < end:
            return None
        name = data[_HEADER.size : _HEADER.size + name_length]
        extra = data[_HEADER.size + name_length : end]
        if flags & 1 or method not in (0, 8) or (method == 0 and flags & 8):
            raise Damaged("The zip file is packed in a way that can't be read.")
        zip64 = _zip64(extra)
        if packed == _NO_ZIP64 and zip64 is not None and len(zip64) >= 16:
            packed = struct.unpack_from("<Q", zip64, 8 if size == _NO_ZIP64 else 0)[0]
        return cls(name, method, flags, crc, packed, zip64 is not None), data[end:]

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._zlib is None:
            piece, rest = data[: self._left], data[self._left :]
            self._left -= len(piece)
            self._crc = zlib.crc32(piece, self._crc)
            yield piece
            if not self._left:
                self._end(rest, self._expected)
            return
        if not self._zlib.eof:
            for piece in _inflated(self._zlib, data):
                self._crc = zlib.crc32(piece, self._crc)
                yield piece
            data = self._zlib.unused_data
        if not self._zlib.eof:
            return
        if not self._described:
            self._end(data, self._expected)
            return
        marked = 4 if data.startswith(b"PK\x07\x08") else 0
        length = marked + (20 if self._zip64 else 12)
        if len(data) < length + 4:  # of what follows, so that a descriptor without a mark is told from one with
            self.rest = data
            return
        self._end(data[length:], struct.unpack_from("<I", data, marked)[0])

    def _end(self, rest: bytes, crc: int) -> None:
        if crc != self._crc:
            raise Damaged("A checksum in the zip file is wrong.")
        self.rest, self.over = rest, True


def _zip64(extra: bytes) -> bytes | None:
    """The field with the large sizes, if there is one."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return None


def _inflated(stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece = stream.decompress(data, _PIECE)
            if piece:
                yield piece
            data = stream.unconsumed_tail
            if stream.eof or (not data and len(piece) < _PIECE):
                return
    except zlib.error as error:
        raise Damaged(f"The compressed file is damaged ({error}).") from error
