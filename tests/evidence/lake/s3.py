"""An S3 server on this machine, by moto, for the tests of object storage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

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


@contextmanager
def s3_server() -> Iterator[fs.S3FileSystem]:
    """An empty bucket ``lake``; the environment names the server as it would name any. Skips where moto is not installed."""
    pytest.importorskip("moto", reason="the S3 server of the tests is not installed (moto)")
    pytest.importorskip("fsspec", reason='needs the extra "perfml[s3]"')
    from moto.server import ThreadedMotoServer  # optional, and slow to import

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        with mock.patch.dict(os.environ, ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint}):
            storage = fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True)
            storage.create_dir("lake")
            yield storage
    finally:
        server.stop()


def upload(storage: fs.S3FileSystem, folder: Path, path: str) -> str:
    """Copy ``folder`` to the bucket; return its address."""
    fs.copy_files(str(folder), path, destination_filesystem=storage)
    return f"s3://{path}"
