"""Runs Datadog's own check of OpenMetrics, twice, as the agent would; the agent itself is a stub.

Standard input: the instance of conf.yaml as JSON. Standard output: for each metric its types, the names of its tags, and
how often it came; and the service checks.
"""

import json
import os
import sys

# The stub complains of tag names that Datadog keeps for itself unless told otherwise; those are a test's business.
os.environ["DDEV_SKIP_GENERIC_TAGS_CHECK"] = "true"

from datadog_checks.base.checks.openmetrics.v2.base import OpenMetricsBaseCheckV2  # noqa: E402
from datadog_checks.base.constants import ServiceCheck  # noqa: E402
from datadog_checks.base.stubs import aggregator  # noqa: E402

instance = json.load(sys.stdin)
check = OpenMetricsBaseCheckV2("openmetrics", {}, [instance])
check.run()
failure = check.run()
if failure:
    sys.exit(failure)
metrics = {}
for name in aggregator.metric_names:
    found = aggregator.metrics(name)
    metrics[name] = {
        "types": sorted({aggregator.METRIC_ENUM_MAP_REV[m.type] for m in found}),
        "tags": sorted({tag.partition(":")[0] for m in found for tag in m.tags}),
        "samples": len(found),
    }
checks = {name: [c.status == ServiceCheck.OK for c in aggregator.service_checks(name)] for name in aggregator.service_check_names}
print(json.dumps({"metrics": metrics, "checks": checks}))
