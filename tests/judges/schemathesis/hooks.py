"""What schemathesis does not know by itself: how to write a part of a tus upload, which is just bytes."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
