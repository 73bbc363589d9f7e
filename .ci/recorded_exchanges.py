"""Holds the recorded exchanges of tui/tests/recorded against the service models that botocore ships.

Every member of every request, answer and refusal must exist in the model, with its type and, where the model lists
them, its values; every operation and every error code must exist; every exchange must name its source. Then it breaks
an exchange of each protocol on purpose and fails if that goes unnoticed.

  recorded_exchanges.py [FOLDER]
"""

import copy
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from datetime import datetime

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError

FIELDS = {"source", "service", "operation", "rest", "request", "status", "headers", "body"}

# Codes that any operation may be refused with; the models list an operation's own. From the pages "Common Errors" of
# the services' API references, and S3's "Error Responses".
COMMON_CODES = {
    "cloudformation": {"AccessDenied", "ExpiredToken", "Throttling", "ValidationError"},
    "sts": {"AccessDenied", "ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch", "Throttling"},
    "iam": {"AccessDenied", "ExpiredToken", "Throttling", "ValidationError"},
    "s3": {"AccessDenied", "BucketAlreadyExists", "ExpiredToken", "NoSuchBucket", "RequestTimeTooSkewed", "SlowDown"},
}
COMMON_JSON_CODES = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationException",
}
# What S3's error documents hold: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
S3_ERROR_MEMBERS = {"Code", "Message", "Resource", "RequestId", "HostId", "BucketName", "Key"}

# Values that AWS sends although its model does not list them. The first event of a stack that a change set makes:
# https://github.com/localstack/localstack/blob/main/tests/aws/services/cloudformation/api/test_changesets.snapshot.json
UNLISTED = {"ResourceStatus": {"REVIEW_IN_PROGRESS"}}

NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


class Check:
    """The faults of one exchange."""

    def __init__(self, session, exchange):
        self.exchange = exchange
        self.faults = []
        self.model = None
        self.session = session

    def fault(self, path, text):
        self.faults.append(f"{path}: {text}")

    def run(self):
        exchange = self.exchange
        for field in exchange.keys() - FIELDS:
            self.fault(field, "is no field of an exchange")
        if not re.match(r"^https://\S+", exchange.get("source", "")):
            self.fault("source", "names no page")
        try:
            self.model = self.session.get_service_model(exchange["service"])
            operation = self.model.operation_model(exchange["operation"])
        except (UnknownServiceError, OperationNotFoundError, KeyError) as error:
            self.fault("operation", f"is none of AWS's: {error}")
            return self.faults
        protocol = self.model.metadata["protocol"]
        if operation.input_shape:
            self.structure(exchange.get("request", {}), operation.input_shape, "request")
        elif exchange.get("request"):
            self.fault("request", "the operation takes no members")
        if protocol.startswith("rest"):
            self.rest(operation)
        if protocol == "json":
            self.json_answer(operation)
        else:
            self.xml_answer(operation, protocol)
        return self.faults

    def rest(self, operation):
        """Method and path are the model's; S3's bucket stands in the host name there."""
        method, path = operation.http["method"], operation.http["requestUri"]
        path = re.sub(r"^/\{Bucket\}/?", "/", path)
        pattern = re.escape(path).replace(r"\{Key\+\}", ".+")
        pattern = re.sub(r"\\{[A-Za-z]+\\}", "[^/?]+", pattern)
        if not re.match(rf"^{method} {pattern}([?&].*)?$", self.exchange.get("rest", "")):
            self.fault("rest", f"is {self.exchange.get('rest')}, not {method} {path}")

    def json_answer(self, operation):
        body = self.exchange["body"]
        if self.exchange["status"] < 400:
            self.structure(body, operation.output_shape, "body")
            return
        code = body.get("__type")
        members = {key: value for key, value in body.items() if key != "__type"}
        shape = next((shape for shape in operation.error_shapes if shape.name == code), None)
        if shape:
            self.structure(members, shape, "body")
        elif not isinstance(code, str) or code not in COMMON_JSON_CODES:
            self.fault("body/__type", f"{operation.name} is not refused with {code}")
        elif members.keys() - {"message"}:
            self.fault("body", f"a refusal has no members {members.keys() - {'message'}}")

    def xml_answer(self, operation, protocol):
        lines = self.exchange["body"]
        if not lines:
            # An answer to HEAD has no body.
            if not self.exchange.get("rest", "").startswith("HEAD "):
                self.fault("body", "is empty")
            return
        try:
            root = ElementTree.fromstring("\n".join(lines))
        except ElementTree.ParseError as error:
            self.fault("body", f"is no XML: {error}")
            return
        if self.exchange["status"] >= 400:
            self.xml_refusal(root, operation, protocol)
        elif protocol == "query":
            self.expect_tag(root, f"{operation.name}Response")
            wrapper = operation.output_shape.serialization.get("resultWrapper") if operation.output_shape else None
            for child in root:
                if tag(child) == wrapper:
                    self.xml_structure(child, operation.output_shape, f"body/{wrapper}")
                elif tag(child) != "ResponseMetadata" or [tag(member) for member in child] != ["RequestId"]:
                    self.fault("body", f"has a member {tag(child)}")
        else:
            name = operation.output_shape.serialization.get("locationName", operation.output_shape.name)
            self.expect_tag(root, name)
            self.xml_structure(root, operation.output_shape, "body")

    def xml_refusal(self, root, operation, protocol):
        codes = COMMON_CODES[self.exchange["service"]] | {
            shape.metadata.get("error", {}).get("code", shape.name) for shape in operation.error_shapes
        } | {shape.name for shape in operation.error_shapes}
        if protocol == "query":
            self.expect_tag(root, "ErrorResponse")
            parts = {tag(child): child for child in root}
            for part in parts.keys() - {"Error", "RequestId"}:
                self.fault("body", f"a refusal has no member {part}")
            error, known = parts.get("Error"), {"Type", "Code", "Message"}
        else:
            self.expect_tag(root, "Error")
            error, known = root, S3_ERROR_MEMBERS
        members = {tag(child): child.text for child in error} if error is not None else {}
        for member in members.keys() - known:
            self.fault("body/Error", f"a refusal has no member {member}")
        if members.get("Code") not in codes:
            self.fault("body/Error/Code", f"{operation.name} is not refused with {members.get('Code')}")

    def expect_tag(self, element, name):
        if tag(element) != name:
            self.fault("body", f"is a {tag(element)}, not a {name}")

    def structure(self, value, shape, path):
        """A value as JSON writes it, against a shape of the model."""
        kind = shape.type_name
        if kind == "structure":
            if not isinstance(value, dict):
                self.fault(path, f"is {value!r}, not a structure")
                return
            for name, member in value.items():
                if name in shape.members:
                    self.structure(member, shape.members[name], f"{path}/{name}")
                else:
                    self.fault(path, f"{shape.name} has no member {name}")
        elif kind == "list":
            if not isinstance(value, list):
                self.fault(path, f"is {value!r}, not a list")
                return
            for index, member in enumerate(value):
                self.structure(member, shape.member, f"{path}/{index}")
        elif kind == "map":
            if not isinstance(value, dict):
                self.fault(path, f"is {value!r}, not a map")
                return
            for name, member in value.items():
                self.structure(member, shape.value, f"{path}/{name}")
        else:
            self.scalar(value, shape, path)

    def scalar(self, value, shape, path):
        kind = shape.type_name
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        right = {
            "boolean": isinstance(value, bool),
            "integer": number and isinstance(value, int),
            "long": number and isinstance(value, int),
            "float": number,
            "double": number,
            "timestamp": number or is_time(value),
        }.get(kind, isinstance(value, str))
        if not right:
            self.fault(path, f"is {value!r}, not a {kind}")
        elif kind == "string" and shape.enum and value not in [*shape.enum, *UNLISTED.get(shape.name, ())]:
            self.fault(path, f"{shape.name} has no value {value!r}")

    def xml_structure(self, element, shape, path):
        names = {}
        for name, member in shape.members.items():
            if member.serialization.get("location") in ("header", "headers", "uri", "querystring", "statusCode"):
                continue
            flattened = member.type_name == "list" and member.serialization.get("flattened")
            written = member.serialization.get("name", name)
            if flattened and not member.serialization.get("name"):
                written = member.member.serialization.get("name", name)
            names[written] = (member, flattened)
        for child in element:
            if tag(child) not in names:
                self.fault(path, f"{shape.name} has no member {tag(child)}")
                continue
            member, flattened = names[tag(child)]
            self.xml_value(child, member.member if flattened else member, f"{path}/{tag(child)}")

    def xml_value(self, element, shape, path):
        kind = shape.type_name
        if kind == "structure":
            self.xml_structure(element, shape, path)
        elif kind == "list":
            written = shape.member.serialization.get("name", "member")
            for index, child in enumerate(element):
                if tag(child) != written:
                    self.fault(path, f"a list of {written} has a {tag(child)}")
                else:
                    self.xml_value(child, shape.member, f"{path}/{index}")
        elif kind == "map":
            for entry in element:
                for part in entry:
                    if tag(part) == shape.value.serialization.get("name", "value"):
                        self.xml_value(part, shape.value, f"{path}/{tag(part)}")
        elif len(element):
            self.fault(path, f"is a {kind} with members")
        else:
            text = element.text or ""
            if kind == "boolean":
                value = {"true": True, "false": False}.get(text, text)
            elif kind in ("integer", "long", "float", "double") and NUMBER.match(text):
                value = json.loads(text)
            else:
                value = text
            self.scalar(value, shape, path)


def tag(element):
    return element.tag.rpartition("}")[2]


def is_time(value):
    try:
        datetime.fromisoformat(value.replace("Z", "+00:00"))
        return True
    except (AttributeError, ValueError):
        return False


def broken(exchange):
    """The exchange with faults that must be found, each with its name."""

    def changed(name, change):
        copied = copy.deepcopy(exchange)
        change(copied)
        return name, copied

    yield changed("no source", lambda one: one.pop("source"))
    yield changed("another operation", lambda one: one.update(operation="DescribeEverything"))
    yield changed("an unknown member of the request", lambda one: one.setdefault("request", {}).update(Nonsense="1"))
    body = exchange["body"]
    if isinstance(body, dict):
        yield changed("an unknown member of the answer", lambda one: one["body"].update(Nonsense="1"))
        yield changed("a wrong type", lambda one: one["body"].update({key: {"a": 1} for key in body}))
    elif body:
        inner = next((index for index, line in enumerate(body) if re.match(r"^ {4,}<\w+>[^<]+</\w+>$", line)), None)
        if inner is not None:
            yield changed("an unknown member of the answer", lambda one: one["body"].insert(inner, "<Nonsense>1</Nonsense>"))
        yield changed("an unknown root", lambda one: one.update(body=["<Nonsense/>"]))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tui/tests/recorded")
    session = botocore.session.get_session()
    faults = []
    caught = 0
    files = sorted(folder.rglob("*.json"))
    for file in files:
        exchange = json.loads(file.read_text(encoding="utf-8"))
        found = Check(session, exchange).run()
        faults += [f"{file.relative_to(folder)}: {fault}" for fault in found]
        if found:
            continue
        for name, copied in broken(exchange):
            if Check(session, copied).run():
                caught += 1
            else:
                faults.append(f"{file.relative_to(folder)}: {name} went unnoticed")
    if not files:
        faults.append(f"no exchanges under {folder}")
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"{len(files)} exchanges hold against botocore {botocore.__version__}; {caught} broken ones were found out")


if __name__ == "__main__":
    main()
