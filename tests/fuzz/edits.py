"""Good bytes -> bad bytes: edits that hypothesis draws and shrinks."""

import re

from hypothesis import strategies as st

# What readers stumble over: numbers at the edges of their kinds, names that mean more than themselves, text of other kinds.
PIECES = (
    b"", b"\0", b"\xff", b"\n", b"\r", b'"', b"'", b",", b":", b"{", b"}", b"[", b"]", b"-", b"&a ", b"*a", b"<<: ", b"!!int ",
    b"0", b"-1", b"1e999", b"-1e999", b"1e-999", b"NaN", b"Infinity", b".nan", b".inf", b"null", b"true", b"[]", b"{}", b'""',
    b"1" * 400, b"9" * 5000, b"9" * 20, b"2001-99-99", b"0x", b"1_0", b"12:30:45", b'"\\ud800"', b"\\u0000",
    b"[" * 200, b"[" * 100_000, b'{"a":' * 3000, b"- " * 500, b"=cmd()", b"../", b"/etc/passwd", b"a" * 300, b"con", b"..",
    "é".encode(), "e\u0301".encode(), "日本語".encode(), "\u202e".encode(), "\ufeff".encode(), b"\xed\xa0\x80", b"\xc3\x28",
    b"PK\x03\x04", b"\x93NUMPY", b"\x80\x04", b"cos\nsystem\n", b"ffconcat version 1.0\nfile x\n", b"#EXTM3U\n",
    *(value.to_bytes(width, order) for width in (2, 4, 8) for order in ("little", "big")
      for value in (1, 2**(8 * width - 1) - 1, 2**(8 * width - 1), 2**(8 * width) - 1, 2**(4 * width))),
)  # fmt: skip
TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\w.+-]+|[^\w\s]|\s+')
KINDS = ("put", "insert", "cut", "repeat", "end", "flip", "token", "drop token", "swap tokens", "double token")
EDIT = st.tuples(
    st.sampled_from(KINDS), st.integers(0, 2**16), st.integers(0, 2**16), st.sampled_from(PIECES) | st.binary(max_size=6)
)


def edited(data: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    """`data` after all edits; places are counted around its end."""
    for kind, at, width, piece in edits:
        data = _token(data, kind, at, width, piece) if "token" in kind else _bytes(data, kind, at, width, piece)
    return data


def _bytes(data: bytes, kind: str, at: int, width: int, piece: bytes) -> bytes:
    at, width = at % (len(data) + 1), 1 + width % 64
    match kind:
        case "put":
            return data[:at] + piece + data[at + len(piece) :]
        case "insert":
            return data[:at] + piece + data[at:]
        case "cut":
            return data[:at] + data[at + width :]
        case "repeat":
            return data[: at + width] + data[at : at + width] * (1 + width % 7) + data[at + width :]
        case "end":
            return data[:at]
        case _:
            changed = bytearray(data)
            if at < len(data):
                changed[at] ^= 1 << (width % 8)
            return bytes(changed)


def _token(data: bytes, kind: str, at: int, width: int, piece: bytes) -> bytes:
    tokens = TOKENS.findall(data) or [b""]
    at, other = at % len(tokens), width % len(tokens)
    match kind:
        case "token":
            tokens[at] = piece
        case "drop token":
            del tokens[at]
        case "swap tokens":
            tokens[at], tokens[other] = tokens[other], tokens[at]
        case _:
            tokens[at:at] = tokens[min(at, other) : min(at, other) + 12]
    return b"".join(tokens)
