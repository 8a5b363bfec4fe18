"""Reads a monitor or a dashboard (standard input: {"kind": "Monitor" or "Dashboard", "body": ...}) into the models of
Datadog's API client, and prints what they do not know: a value that is none of an enumeration, a type that is none of the
union, an attribute that there is not.
"""

import json
import sys

from datadog_api_client.configuration import Configuration
from datadog_api_client.model_utils import (
    ModelComposed,
    ModelNormal,
    ModelSimple,
    UnparsedObject,
    validate_and_convert_types,
)
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.monitor import Monitor


def complaints(value, path):
    if isinstance(value, UnparsedObject):
        yield f"{path}: not understood: {value._data_store}"
    elif isinstance(value, ModelComposed):
        for inner in value._composed_instances:
            yield from complaints(inner, path)
    elif isinstance(value, ModelNormal):
        for name, inner in value._data_store.items():
            if name not in value.attribute_map:
                yield f"{path}/{name}: {type(value).__name__} has no such attribute"
            yield from complaints(inner, f"{path}/{name}")
    elif isinstance(value, ModelSimple):
        if value._unparsed:
            yield f"{path}: {value.value!r} is none of {type(value).__name__}"
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from complaints(inner, f"{path}/{i}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from complaints(inner, f"{path}/{name}")


asked = json.load(sys.stdin)
model = {"Monitor": Monitor, "Dashboard": Dashboard}[asked["kind"]]
try:
    read = validate_and_convert_types(asked["body"], (model,), ["body"], True, True, Configuration())
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
print("\n".join(complaints(read, "")))
