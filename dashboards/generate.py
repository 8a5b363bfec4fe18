#!/usr/bin/env python3
"""Writes the Grafana dashboards in this folder from `generator/`.

    dashboards/generate.py                  writes them anew
    dashboards/generate.py --check          says which differ from what would be written; exit code 1 if any does
    dashboards/generate.py --may-be-empty   prints the queries that may find nothing although all is well, and why

To change a dashboard, change generator/{overview,cache,exporter}.py, run this, and commit both. Nothing but the standard
library of Python 3.10 is needed.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from generator import cache, exporter, overview  # noqa: E402

DASHBOARDS = {
    "cachewatch-overview.json": overview.build,
    "cachewatch-cache.json": cache.build,
    "cachewatch-exporter.json": exporter.build,
}


def main(arguments):
    built = {name: build() for name, build in DASHBOARDS.items()}
    if arguments == ["--may-be-empty"]:
        excuses = {query: reason for _, found in built.values() for query, reason in found.items()}
        print(json.dumps(excuses, indent=2, ensure_ascii=False))
        return 0
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = []
    for name, (dashboard, _) in built.items():
        text = json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"
        path = FOLDER / name
        if arguments:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"not what the generator writes, run dashboards/generate.py: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
