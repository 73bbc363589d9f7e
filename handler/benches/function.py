"""The same function in Python with boto3, for cold-start to compare with: same event, same record,
same answers and log line, without the finer points of the Rust one's errors."""

import base64
import hashlib
import json
import os
import re
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

MAX_RECORD_BYTES = 1_000 * 1_024
STREAM_NAME = os.environ["STREAM_NAME"]
STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')

kinesis = boto3.client(
    "kinesis",
    config=Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=6),
)


def answer(status, body, headers=None):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": json.dumps(body, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def handler(event, context):
    request_id = event["requestContext"]["requestId"]

    def refuse(status, code, message, headers=None):
        line = {"level": "WARN", "apiRequestId": request_id, "lambdaRequestId": context.aws_request_id}
        print(json.dumps({**line, "outcome": code}), flush=True)
        return answer(status, {"error": {"code": code, "message": message}, "requestId": request_id}, headers)

    body = event.get("body") or ""
    try:
        text = base64.b64decode(body).decode() if event.get("isBase64Encoded") else body
        json.loads(text)
    except ValueError as error:
        return refuse(400, "InvalidJson", str(error))
    record = (STRING_OR_SPACE.sub(r"\1", text) + "\n").encode()
    if len(record) > MAX_RECORD_BYTES:
        return refuse(413, "EventTooLarge", f"at most {MAX_RECORD_BYTES} bytes go through")
    start = time.monotonic()
    try:
        put = kinesis.put_record(StreamName=STREAM_NAME, PartitionKey=str(uuid.uuid4()), Data=record)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ProvisionedThroughputExceededException":
            return refuse(503, "Throttled", "try again", {"retry-after": "1"})
        return refuse(502, "StreamFailed", "the stream failed")
    except BotoCoreError:
        return refuse(502, "OutcomeUnknown", "the stream did not answer")
    line = {
        "level": "INFO",
        "apiRequestId": request_id,
        "lambdaRequestId": context.aws_request_id,
        "outcome": "accepted",
        "bytes": len(record),
        "sha256": hashlib.sha256(record).hexdigest(),
        "shardId": put["ShardId"],
        "sequenceNumber": put["SequenceNumber"],
        "kinesisMs": round((time.monotonic() - start) * 1000, 1),
    }
    print(json.dumps(line), flush=True)
    return answer(
        202, {"requestId": request_id, "shardId": put["ShardId"], "sequenceNumber": put["SequenceNumber"]}
    )
