"""The Merkle tree of RFC 6962, section 2.1: one hash for all leaves so far, with 0x00 before a leaf and 0x01 before a node."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

EMPTY = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def roots(leaves: Iterable[bytes], sizes: Collection[int]) -> dict[int, bytes]:
    """Size → root of the tree of the first ``size`` leaves, for those of ``sizes`` that are reached; in one pass.

    Source of the test vector: the certificate-transparency project.

    >>> roots([b"", b"\\x00"], {0, 2})[2].hex()
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'
    """
    reached = {0: EMPTY} if 0 in sizes else {}
    complete: list[bytes] = []  # roots of complete subtrees, the largest first
    for size, data in enumerate(leaves, start=1):
        node = leaf_hash(data)
        rest = size
        while rest % 2 == 0:
            node, rest = _node(complete.pop(), node), rest // 2
        complete.append(node)
        if size in sizes:
            reached[size] = _folded(complete)
    return reached


def _folded(complete: list[bytes]) -> bytes:
    *left, root = complete
    for node in reversed(left):
        root = _node(node, root)
    return root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
