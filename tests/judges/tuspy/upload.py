"""Uploads a file with tuspy, unmodified, or goes on with an upload that another process began.

usage: upload.py FILE ENDPOINT REPORT CHUNK_BYTES STOP_AT [UPLOAD_URL]

Each part carries its SHA-1 (Upload-Checksum). Prints the upload's address and offset, as JSON.
"""

import json
import sys

from tusclient.client import TusClient

file, endpoint, report, chunk_bytes, stop_at, *url = sys.argv[1:]
uploader = TusClient(endpoint).uploader(
    file,
    chunk_size=int(chunk_bytes),
    metadata={"report": report},
    upload_checksum=True,
    retries=200,
    retry_delay=0,
    url=url[0] if url else None,
)
begun_at = uploader.offset
uploader.upload(stop_at=int(stop_at))
print(json.dumps({"url": uploader.url, "begun_at": begun_at, "offset": uploader.offset}))
