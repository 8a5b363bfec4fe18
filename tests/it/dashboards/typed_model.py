"""Reads a dashboard (standard input) into Grafana's typed model, writes it out again, and prints what did not survive.

The model drops what it does not know, so a misspelt key shows up here as missing. What the model leaves out on purpose
is named in IMPORT and OPEN.
"""

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# About import, not about the dashboard.
IMPORT = ("/__inputs", "/__elements", "/__requires")
# What Grafana writes into these places itself and the model has no field for: the text of a variable's query, and what the
# Prometheus datasource keeps with an annotation.
OPEN = {
    "/templating/list": ("definition",),
    "/annotations/list": ("step", "titleFormat", "textFormat", "tagKeys", "useValueForTime"),
}


def differences(ours, theirs, path=""):
    if isinstance(ours, dict):
        if not isinstance(theirs, dict):
            yield f"{path}: {ours!r} became {theirs!r}"
            return
        for key, value in ours.items():
            if f"{path}/{key}" in IMPORT or key in OPEN.get(path.rsplit("/", 1)[0], ()):
                continue
            if key in theirs:
                yield from differences(value, theirs[key], f"{path}/{key}")
            # Writing leaves out what is nothing anyway.
            elif value not in (None, "", [], {}, False):
                yield f"{path}/{key}: lost ({value!r})"
    elif isinstance(ours, list):
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            yield f"{path}: {ours!r} became {theirs!r}"
            return
        for i, (a, b) in enumerate(zip(ours, theirs)):
            yield from differences(a, b, f"{path}/{i}")
    elif ours != theirs:
        yield f"{path}: {ours!r} became {theirs!r}"


register_default_plugins()
ours = json.load(sys.stdin)
model = Dashboard.from_json(ours)
theirs = json.loads(JSONEncoder(sort_keys=True).encode(model))
lost = list(differences(ours, theirs))
print("\n".join(lost))
