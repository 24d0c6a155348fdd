"""An S3 server on this machine for the tests of object storage: moto where it is installed, else a small one that only reads.

moto is not among the locked packages: with boto3 it holds python-dateutil back for everyone (record 59).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from pyarrow import fs

SECRET = "keep-this-to-yourself-1234"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "who-asks-5678",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
}
HAS_MOTO = importlib.util.find_spec("moto") is not None


class _Objects(BaseHTTPRequestHandler):
    """What S3 answers to ListObjectsV2, GetObject (whole or a range), HeadObject and HeadBucket, from a folder of buckets."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        file = self.folder / bucket / key
        if not key or key.endswith("/"):
            body = b"" if self.command == "HEAD" else self._listing(self.folder / bucket, query)
            self._answer(HTTPStatus.OK, body, {"Content-Type": "application/xml"})
        elif not file.is_file():
            self._answer(HTTPStatus.NOT_FOUND, b"<Error><Code>NoSuchKey</Code><Message>not there</Message></Error>", {})
        else:
            content = file.read_bytes()
            headers = {
                "ETag": f'"{hashlib.md5(content).hexdigest()}"',
                "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT",
            }
            span = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            if span is None:
                self._answer(HTTPStatus.OK, content, headers)
                return
            first = int(span[1]) if span[1] else len(content) - int(span[2])
            last = min(int(span[2]), len(content) - 1) if span[1] and span[2] else len(content) - 1
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            self._answer(HTTPStatus.PARTIAL_CONTENT, content[first : last + 1], headers)

    do_HEAD = do_GET

    def _listing(self, bucket: Path, query: dict[str, str]) -> bytes:
        prefix, after = query.get("prefix", ""), query.get("start-after", "")
        keys = sorted(path.relative_to(bucket).as_posix() for path in bucket.rglob("*") if path.is_file())
        keys = [key for key in keys if key.startswith(prefix) and key > after]
        folders = set()
        if query.get("delimiter"):
            deeper = [key for key in keys if "/" in key[len(prefix) :]]
            folders = {prefix + key[len(prefix) :].partition("/")[0] + "/" for key in deeper}
            keys = [key for key in keys if key not in deeper]
        entries = [
            f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
            f'<ETag>"x"</ETag><Size>{(bucket / key).stat().st_size}</Size><StorageClass>STANDARD</StorageClass></Contents>'
            for key in keys
        ]
        entries += [f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in sorted(folders)]
        head = f"<Name>{bucket.name}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(entries)}</KeyCount>"
        head += "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
        namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
        return f'<ListBucketResult xmlns="{namespace}">{head}{"".join(entries)}</ListBucketResult>'.encode()

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Accept-Ranges": "bytes"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a test that fails shows what it asked for."""


def _stop(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()


class Bucket:
    """The bucket ``lake`` of a server of the tests."""

    def __init__(self, storage: fs.S3FileSystem | None, folder: Path) -> None:
        self.storage, self.folder = storage, folder

    def upload(self, folder: Path, path: str) -> str:
        """Copy ``folder`` to ``path``, which begins with ``lake/``; return its address."""
        if self.storage is not None:
            fs.copy_files(str(folder), path, destination_filesystem=self.storage)
        else:
            shutil.copytree(folder, self.folder / path, dirs_exist_ok=True)
        return f"s3://{path}"


@contextmanager
def s3_server(folder: Path) -> Iterator[Bucket]:
    """An empty bucket ``lake``, named by the environment as any server would be; below ``folder`` where moto is not installed."""
    pytest.importorskip("fsspec", reason='needs the extra "perfml[s3]"')
    if HAS_MOTO:
        from moto.server import ThreadedMotoServer  # optional, and slow to import

        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        endpoint, stop = "http://{}:{}".format(*moto.get_host_and_port()), moto.stop
    else:
        (folder / "lake").mkdir(parents=True)
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Objects", (_Objects,), {"folder": folder}))
        Thread(target=server.serve_forever, daemon=True).start()
        server.daemon_threads = True
        endpoint, stop = f"http://127.0.0.1:{server.server_port}", partial(_stop, server)
    try:
        with mock.patch.dict(os.environ, ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint}):
            storage = fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True) if HAS_MOTO else None
            if storage is not None:
                storage.create_dir("lake")
            yield Bucket(storage, folder)
    finally:
        stop()
