import gzip
import io
import random
import zipfile

import pytest

from pipetui.http import Damaged, Unpacker

CSV = b"url,depth\n" + b"".join(b"https://x/%d,%d\n" % (n, n % 7) for n in range(20_000))


def unpack(data: bytes, step: int) -> tuple[bytes, int, str]:
    """(what was packed, how many files it was, the kind)"""
    unpacker = Unpacker()
    pieces = [piece for at in range(0, len(data), step) for piece in unpacker.feed(data[at : at + step])]
    pieces += unpacker.finish()
    assert max(len(piece) for piece in pieces if piece is not None) <= 1 << 20
    return b"".join(piece for piece in pieces if piece is not None), pieces.count(None), unpacker.kind


def zipped(
    *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, stream: bool = False, zip64: bool = False
) -> bytes:
    buffer = io.BytesIO()

    class OneWay(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            return buffer.write(data)

    with zipfile.ZipFile(OneWay() if stream else buffer, "w", method) as file:
        for name, data in members:
            with file.open(name, "w", force_zip64=zip64) as member:
                member.write(data)
    return buffer.getvalue()


@pytest.mark.parametrize("step", [1, 7, 1000, 10**9])
@pytest.mark.parametrize(
    ("data", "kind", "files"),
    [
        (CSV[:3000], "plain", 1),
        (gzip.compress(CSV[:3000], mtime=0), "gzip", 1),
        (gzip.compress(CSV[:1000], mtime=0) + gzip.compress(CSV[1000:3000], mtime=0), "gzip", 2),
        (gzip.compress(CSV[:3000], mtime=0) + b"\0" * 20, "gzip", 1),
        (gzip.compress(gzip.compress(CSV[:3000], mtime=0), mtime=0), "gzip", 1),
        (zipped(("a.csv", CSV[:3000])), "zip", 1),
        (zipped(("a.csv", CSV[:3000]), method=zipfile.ZIP_STORED), "zip", 1),
        (zipped(("a.csv", CSV[:1000]), ("read.me", b"no"), ("b/B.CSV", CSV[1000:3000])), "zip", 2),
        (zipped(("a.csv", CSV[:1000]), ("b.csv", CSV[1000:3000]), stream=True), "zip", 2),
        (zipped(("a.csv", CSV[:1000]), ("b.csv", CSV[1000:3000]), stream=True, zip64=True), "zip", 2),
        (zipped(("a.csv", CSV[:3000]), zip64=True), "zip", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_packing_in_pieces_of_any_size(data: bytes, kind: str, files: int, step: int) -> None:
    assert unpack(data, step) == (CSV[:3000], files, kind)


def test_large_pieces_come_out_in_bounded_ones() -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    assert len(unpack(bomb, 10**9)[0]) == 30_000_000


@pytest.mark.parametrize(
    "packed", [gzip.compress(CSV, mtime=0), zipped(("a.csv", CSV)), zipped(("a.csv", CSV), stream=True)]
)
def test_an_end_that_is_missing_is_noticed_wherever_it_is(packed: bytes) -> None:
    rng = random.Random(1)
    for _ in range(60):
        cut = rng.randrange(2, len(packed))
        if packed.startswith(b"PK") and cut > len(packed) - 19:
            continue  # the signature of the end is there: the directory was whole
        with pytest.raises(Damaged):
            unpack(packed[:cut], 5000)


@pytest.mark.parametrize(
    "packed", [gzip.compress(CSV, mtime=0), zipped(("a.csv", CSV)), zipped(("a.csv", CSV), stream=True)]
)
def test_a_changed_byte_is_noticed(packed: bytes) -> None:
    rng = random.Random(2)
    for _ in range(40):
        at = rng.randrange(60, len(packed) - 120)
        changed = bytearray(packed)
        changed[at] ^= 0x55
        with pytest.raises(Damaged):
            unpack(bytes(changed), 5000)


@pytest.mark.parametrize(
    "data",
    [
        b"\x1f",
        b"\x1f\x8b",
        b"PK\x03",
        b"PK\x03\x04",
        zipped(("a.txt", b"x")),
        gzip.compress(b"x", mtime=0)[:-4] + b"\0\0\0\1",
    ],
)
def test_what_is_no_whole_file(data: bytes) -> None:
    with pytest.raises(Damaged):
        unpack(data, 100)
