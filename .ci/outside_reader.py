"""boto3 reads what `tailwater deploy --target aws --tag team=data` made: who it says it belongs to, the change set that
made it, and how the bucket of function packages is kept.

Expects AWS_ENDPOINT_URL, AWS_REGION and credentials in the environment, and the stack's name as the argument.
"""

import os
import sys

import boto3
from botocore.config import Config

STACK = sys.argv[1]
TAGS = {"tailwater": "1", "team": "data"}
CONFIG = Config(s3={"addressing_style": "path"})


def client(service):
    return boto3.client(
        service, region_name=os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=CONFIG
    )


def expect(holds, what):
    """Ends the run where something is not as it has to be."""
    if not holds:
        raise SystemExit(f"FAILED: {what}")


def tags(listed):
    """Tags by key, without those that CloudFormation adds."""
    pairs = {tag["Key"]: tag["Value"] for tag in listed}
    return {key: value for key, value in pairs.items() if not key.startswith("aws:")}


def stack(cloudformation):
    found = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    expect(found["StackStatus"] == "CREATE_COMPLETE", f"the stack is {found['StackStatus']}")
    expect(tags(found["Tags"]) == TAGS, f"the stack's tags are {found['Tags']}")
    expect(found["Capabilities"] == ["CAPABILITY_NAMED_IAM"], f"the stack's capabilities are {found['Capabilities']}")
    expect(found["DisableRollback"] is False, "the stack would not roll back")
    sets = cloudformation.list_change_sets(StackName=STACK)["Summaries"]
    executed = [one for one in sets if one["ExecutionStatus"] == "EXECUTE_COMPLETE"]
    left = [one["ChangeSetName"] for one in sets if one not in executed]
    expect(len(executed) <= 1 and not left, f"change sets are left behind: {left}")
    expect(found.get("ChangeSetId", "").split("/")[-2].startswith("tailwater-"), f"{found.get('ChangeSetId')} made it")
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    operations = [event for event in events if event.get("ResourceStatusReason") == "User Initiated"]
    expect(len(operations) == 2, f"{len(operations)} operations were begun, not a review and a creation")
    print(f"stack {STACK}: tags {tags(found['Tags'])}, made by {found['ChangeSetId'].split('/')[-2]}")
    return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}


def resources(outputs):
    """The stack's tags are on what it made."""
    function = client("lambda").get_function(FunctionName=outputs["FunctionName"])
    made = [{"Key": key, "Value": value} for key, value in function["Tags"].items()]
    expect(tags(made) == TAGS, f"the function's tags are {function['Tags']}")
    stream = client("kinesis").list_tags_for_stream(StreamName=outputs["StreamName"])["Tags"]
    expect(tags(stream) == TAGS, f"the stream's tags are {stream}")
    bucket = client("s3").get_bucket_tagging(Bucket=outputs["BucketName"])["TagSet"]
    expect(tags(bucket) == TAGS, f"the bucket's tags are {bucket}")
    print("function, stream and bucket carry the stack's tags")
    return function["Configuration"]


def artifacts(code):
    """The bucket of packages: this account's own, closed, encrypted, versioned, and old versions go."""
    s3 = client("s3")
    account = client("sts").get_caller_identity()["Account"]
    bucket = f"tailwater-artifacts-{account}-{os.environ['AWS_REGION']}"
    of_it = {"Bucket": bucket, "ExpectedBucketOwner": account}
    expect(s3.get_bucket_versioning(**of_it).get("Status") == "Enabled", f"{bucket} keeps no versions")
    rules = s3.get_bucket_encryption(**of_it)["ServerSideEncryptionConfiguration"]["Rules"]
    algorithm = rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    expect(algorithm == "AES256", f"{bucket} is encrypted with {algorithm}")
    block = s3.get_public_access_block(**of_it)["PublicAccessBlockConfiguration"]
    expect(len(block) == 4 and all(block.values()), f"{bucket} may become public: {block}")
    ownership = s3.get_bucket_ownership_controls(**of_it)["OwnershipControls"]["Rules"]
    expect(ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}], f"{bucket} is owned as {ownership}")
    rules = s3.get_bucket_lifecycle_configuration(**of_it)["Rules"]
    expect(all(rule["Status"] == "Enabled" for rule in rules), f"{bucket} has rules that are off: {rules}")
    expires = [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule]
    expect(expires and expires[0]["NoncurrentDays"] > 0, f"old packages in {bucket} stay: {rules}")
    expect(any("AbortIncompleteMultipartUpload" in rule for rule in rules), f"unfinished uploads stay: {rules}")
    policy = s3.get_bucket_policy(**of_it)["Policy"]
    expect('"aws:SecureTransport":"false"' in policy and '"Deny"' in policy, f"{bucket} takes plain HTTP: {policy}")
    keys = [one["Key"] for one in s3.list_objects_v2(**of_it)["Contents"]]
    packages = [key for key in keys if key.startswith("functions/")]
    sizes = {key: s3.head_object(Key=key, **of_it)["ContentLength"] for key in packages}
    expect(code["CodeSize"] in sizes.values(), f"no package in {keys} has the function's {code['CodeSize']} bytes")
    print(f"{bucket}: versioned, {algorithm}, closed, old versions go after {expires[0]['NoncurrentDays']} days, {keys}")


def main():
    outputs = stack(client("cloudformation"))
    artifacts(resources(outputs))


if __name__ == "__main__":
    main()
