"""boto3 against a running embedded cloud: deploys `template.yaml` with a function in Python, follows an event
through every hop, updates, fails and deletes stacks, and sends requests whose signature is wrong.

Expects AWS_ENDPOINT_URL, TAILWATER_GATEWAY, AWS_REGION and credentials in the environment, as outside-clients sets
them.
"""

import datetime
import hashlib
import hmac
import io
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
GATEWAY = os.environ["TAILWATER_GATEWAY"]
REGION = os.environ["AWS_REGION"]
STACK = "outside"
STREAM = "outside-stream"
ARTIFACTS = "outside-artifacts"
ARTIFACT_KEY = "function.zip"

# A client's own retries would hide refusals, and path-style addresses need no name lookup.
CONFIG = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def client(service):
    return boto3.client(service, region_name=REGION, endpoint_url=ENDPOINT, config=CONFIG)


cloudformation = client("cloudformation")
firehose = client("firehose")
kinesis = client("kinesis")
lambda_ = client("lambda")
logs = client("logs")
s3 = client("s3")

# A function that has nothing of Tailwater's own: it speaks the Runtime API with the standard library and puts with
# boto3, so it runs with the interpreter that runs this script.
BOOTSTRAP = f"""#!{sys.executable}
import json, os, urllib.request
import boto3

api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
stream = boto3.client("kinesis", region_name=os.environ["AWS_REGION"])
while True:
    with urllib.request.urlopen(api + "next") as invocation:
        request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(invocation)
    put = stream.put_record(StreamName=os.environ["STREAM_NAME"], PartitionKey="k", Data=event["body"] + "\\n")
    print("put", put["SequenceNumber"], "for", event["requestContext"]["requestId"], flush=True)
    answer = {{"statusCode": 202, "body": put["SequenceNumber"]}}
    urllib.request.urlopen(urllib.request.Request(api + request_id + "/response", json.dumps(answer).encode())).close()
"""


def expect(holds, what):
    """Ends the run where something is not as it has to be."""
    if not holds:
        raise SystemExit(f"FAILED: {what}")


def within(seconds, probe, what):
    """The first true value that `probe` gives; ends the run when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        expect(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.2)


def refusal(call, **arguments):
    """The error that `call` is answered with."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]
    raise SystemExit(f"FAILED: {call.__name__} was not refused")


def function_zip():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP)
    return packed.getvalue()


def parameters(**values):
    return [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in values.items()]


def settled(stack, *operations):
    """The status that a stack ends one of `operations` with."""

    def probe():
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        return status if status.startswith(operations) and not status.endswith("_IN_PROGRESS") else None

    return within(60, probe, f"stack {stack} settles")


def events(stack):
    """What happened to a stack, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    return [event for page in pages for event in page["StackEvents"]][::-1]


def failures(stack):
    return [
        (event["LogicalResourceId"], event.get("ResourceStatusReason", ""))
        for event in events(stack)
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in event.get("ResourceStatusReason", "")
    ]


def outputs(stack):
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def deploy(template):
    """Through a change set, as a careful client does it."""
    s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=ARTIFACTS, Key=ARTIFACT_KEY, Body=function_zip())
    cloudformation.create_change_set(
        StackName=STACK,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=parameters(
            StreamName=STREAM,
            BucketBaseName=STACK,
            BufferIntervalSeconds=1,
            ArtifactBucket=ARTIFACTS,
            ArtifactKey=ARTIFACT_KEY,
        ),
    )

    def previewed():
        described = cloudformation.describe_change_set(StackName=STACK, ChangeSetName="first")
        expect(described["Status"] != "FAILED", f"change set: {described.get('StatusReason')}")
        return described if described["Status"] == "CREATE_COMPLETE" else None

    changes = within(30, previewed, "change set")["Changes"]
    actions = {change["ResourceChange"]["Action"] for change in changes}
    expect(actions == {"Add"}, f"the change set of a new stack has actions {actions}")
    cloudformation.execute_change_set(StackName=STACK, ChangeSetName="first")
    status = settled(STACK, "CREATE", "ROLLBACK")
    expect(status == "CREATE_COMPLETE", f"{status}: {failures(STACK)}")
    print(f"cloudformation: {len(changes)} resources created through a change set")


def post(url, body):
    """Sends to the gateway's address: its second API has a name under `.localhost`, which not every system's
    resolver knows."""
    asked = urllib.parse.urlsplit(url)
    headers = {"Content-Type": "application/json", "Host": asked.netloc}
    request = urllib.request.Request(GATEWAY + asked.path, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, answer.headers["apigw-requestid"], answer.read().decode()


def records(stream):
    """What an only shard holds, from its oldest record."""
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


def messages(group):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


def objects(bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def follow(names):
    """One event through every hop."""
    body = json.dumps({"event": "outside", "id": str(uuid.uuid4())})
    status, request_id, sequence_number = post(names["SubmitUrl"], body)
    expect(status == 202, f"the function's answer arrived as {status}")

    found = [record for record in records(names["StreamName"]) if record["SequenceNumber"] == sequence_number]
    expect(found and found[0]["Data"] == f"{body}\n".encode(), f"the record is {found}")

    group = names["LogGroupName"]
    line = f"put {sequence_number} for {request_id}"
    within(20, lambda: any(line in message for message in messages(group)), "the function's line")
    within(20, lambda: any('"platform.report"' in message for message in messages(group)), "platform.report")

    def access():
        lines = [json.loads(message) for message in messages(names["AccessLogGroupName"])]
        return next((entry for entry in lines if entry["requestId"] == request_id), None)

    entry = within(20, access, "the access log's line")
    expect((entry["status"], entry["routeKey"]) == ("202", "POST /submit"), f"the access log has {entry}")
    reported = [message for message in messages(group) if entry["integrationRequestId"] in message]
    expect(reported, "integrationRequestId is not in the function's log")

    key = within(30, lambda: objects(names["BucketName"]), "an object")[0]
    content = s3.get_object(Bucket=names["BucketName"], Key=key)["Body"].read()
    expect(content == f"{body}\n".encode(), f"the object holds {content}")

    function = lambda_.get_function(FunctionName=names["FunctionName"])["Configuration"]
    expect(function["Runtime"] == "provided.al2023", f"lambda: {function}")
    expect(function["LoggingConfig"]["LogGroup"] == group, f"lambda: {function['LoggingConfig']}")
    described = firehose.describe_delivery_stream(DeliveryStreamName=names["DeliveryStreamName"])
    source = described["DeliveryStreamDescription"]["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"]
    expect(source.endswith(f":stream/{STREAM}"), f"firehose reads {source}")
    print(f"request {request_id}: record, log lines, access log and object agree")
    return sequence_number


def update(names, sequence_number):
    """A change in place keeps names and records; none at all is said to be none."""
    kept = [
        {"ParameterKey": key, "UsePreviousValue": True}
        for key in ("StreamName", "BucketBaseName", "BufferIntervalSeconds", "ArtifactBucket", "ArtifactKey")
    ]
    arguments = {
        "StackName": STACK,
        "UsePreviousTemplate": True,
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [*kept, *parameters(ThrottleRate=75, LogRetentionDays=14)],
    }
    cloudformation.update_stack(**arguments)
    status = settled(STACK, "UPDATE")
    expect(status == "UPDATE_COMPLETE", f"{status}: {failures(STACK)}")
    expect(outputs(STACK) == names, "an update in place changed outputs")
    held = [record["SequenceNumber"] for record in records(STREAM)]
    expect(sequence_number in held, "the update lost the record")
    group = logs.describe_log_groups(logGroupNamePrefix=names["LogGroupName"])["logGroups"][0]
    expect(group["retentionInDays"] == 14, f"retention is {group}")

    status, error = refusal(cloudformation.update_stack, **arguments)
    expect(
        (status, error["Code"], error["Message"]) == (400, "ValidationError", "No updates are to be performed."),
        f"an update without changes was answered {status} {error}",
    )
    print("cloudformation: an update keeps names and records")


def roll_back(template):
    """A stack that cannot be made leaves nothing, and its first failure is the cause."""
    made = cloudformation.create_stack(
        StackName="broken",
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=parameters(
            StreamName="broken-stream",
            BucketBaseName="broken",
            ArtifactBucket=ARTIFACTS,
            ArtifactKey="nothing-here.zip",
        ),
    )
    status = settled(made["StackId"], "CREATE", "ROLLBACK")
    expect(status == "ROLLBACK_COMPLETE", f"a stack without its function's code is {status}")
    resource, reason = failures(made["StackId"])[0]
    expect(resource == "Function" and "NoSuchKey" in reason, f"the first failure is {resource}: {reason}")
    expect("broken-stream" not in kinesis.list_streams()["StreamNames"], "the rollback left the stream")
    remove(made["StackId"])
    print(f"cloudformation: rolled back, since {resource}: {reason}")


def remove(stack):
    cloudformation.delete_stack(StackName=stack)
    status = settled(stack, "DELETE")
    expect(status == "DELETE_COMPLETE", f"{status}: {failures(stack)}")


def tear_down(names):
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackId"]
    for bucket in (names["BucketName"], ARTIFACTS):
        for key in objects(bucket):
            s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=ARTIFACTS)
    remove(stack)
    status, error = refusal(cloudformation.describe_stacks, StackName=STACK)
    expect(
        (status, error["Message"]) == (400, f"Stack with id {STACK} does not exist"),
        f"a deleted stack was described as {status} {error}",
    )
    status, error = refusal(kinesis.describe_stream_summary, StreamName=STREAM)
    expect((status, error["Code"]) == (400, "ResourceNotFoundException"), f"the stream: {status} {error}")
    print("cloudformation: deleted")


# Requests to one service of each protocol, and what AWS answers each kind of wrong signature with.
SIGNED = {
    "kinesis": {
        "method": "POST",
        "path": "/",
        "headers": {"X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"},
        "body": b"{}",
        "changed byte": (400, "InvalidSignatureException"),
        "unknown key": (400, "UnrecognizedClientException"),
        "stale date": (400, "InvalidSignatureException"),
    },
    "cloudformation": {
        "method": "POST",
        "path": "/",
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "body": b"Action=ListStacks&Version=2010-05-15",
        "changed byte": (403, "SignatureDoesNotMatch"),
        "unknown key": (403, "InvalidClientTokenId"),
        "stale date": (403, "SignatureDoesNotMatch"),
    },
    "lambda": {
        "method": "GET",
        "path": "/2015-03-31/functions/outside-submit",
        "headers": {},
        "body": b"",
        "changed byte": (403, "InvalidSignatureException"),
        "unknown key": (403, "UnrecognizedClientException"),
        "stale date": (403, "InvalidSignatureException"),
    },
    "s3": {
        "method": "GET",
        "path": "/",
        "headers": {},
        "body": b"",
        "changed byte": (403, "SignatureDoesNotMatch"),
        "unknown key": (403, "InvalidAccessKeyId"),
        "stale date": (403, "RequestTimeTooSkewed"),
    },
}


def signed(service, key, now):
    """A request to `service`, signed as of `now` the way AWS documents signature version 4."""
    shape = SIGNED[service]
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{REGION}/{service}/aws4_request"
    digest = hashlib.sha256(shape["body"]).hexdigest()
    headers = {
        **{name.lower(): value for name, value in shape["headers"].items()},
        "host": urllib.parse.urlsplit(ENDPOINT).netloc,
        "x-amz-date": moment,
    }
    if service == "s3":
        headers["x-amz-content-sha256"] = digest
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join([shape["method"], shape["path"], "", lines, names, digest])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for part in (*scope.split("/"), to_sign):
        secret = hmac.digest(secret, part.encode(), "sha256")
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={secret.hex()}"
    )
    return headers, shape["body"]


def send(service, headers, body):
    """Status, and everything in the answer that may name an error."""
    shape = SIGNED[service]
    request = urllib.request.Request(ENDPOINT + shape["path"], body or None, headers, method=shape["method"])
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("x-amzn-errortype", "") + " " + error.read().decode()


def signatures():
    """Correct signatures are taken; wrong ones get AWS's own error."""
    key = os.environ["AWS_ACCESS_KEY_ID"]
    now = datetime.datetime.now(datetime.timezone.utc)
    wrong = []
    for service, shape in SIGNED.items():
        headers, body = signed(service, key, now)
        status, answer = send(service, headers, body)
        expect(status == 200, f"{service}: a correct signature was answered {status} {answer}")

        last = headers["authorization"][-1]
        changed = {**headers, "authorization": headers["authorization"][:-1] + ("0" if last != "0" else "1")}
        cases = [
            ("changed byte", (changed, body)),
            ("unknown key", signed(service, "AKIAUNKNOWNUNKNOWN00", now)),
            ("stale date", signed(service, key, now - datetime.timedelta(hours=1))),
        ]
        if body:
            cases.append(("changed byte", (headers, body + b" ")))
        for case, (headers, body) in cases:
            status, answer = send(service, headers, body)
            expected, code = shape[case]
            if status != expected or code not in answer:
                wrong.append(f"{service}, {case}: {status}{answer[:200]}; on AWS it is {expected} {code}")
    print(f"signatures: {len(SIGNED)} services checked")
    return wrong


def unsupported():
    """What the cloud does not do is refused by name."""
    _, error = refusal(cloudformation.create_stack_set, StackSetName="none")
    expect("CreateStackSet" in error["Message"], f"CreateStackSet was refused with {error}")
    print(f"unsupported: {error['Message']}")


def main():
    with open("template.yaml", encoding="utf-8") as file:
        template = file.read()
    deploy(template)
    names = outputs(STACK)
    sequence_number = follow(names)
    update(names, sequence_number)
    roll_back(template)
    unsupported()
    wrong = signatures()
    tear_down(names)
    expect(not wrong, "signatures:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    main()
