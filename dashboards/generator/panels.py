"""One function for each kind of panel, and the queries in it.

A query is plain PromQL in which `{@scope}` stands for the variables of the dashboard (see SCOPES). This module knows
nothing of what a dashboard is about, and of cachewatch only which labels its series have.

Invariant: every panel has a description, a unit, and a text for when there is nothing to show.
"""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Which variables narrow a query: a series of a cache has no label `node`, one of cachewatch itself no `cache`.
SCOPES = {
    "self": 'instance=~"$instance"',
    "cache": 'instance=~"$instance",cache=~"$cache"',
    "node": 'instance=~"$instance",cache=~"$cache",node=~"$node"',
    "namespace": 'instance=~"$instance",cache=~"$cache",namespace=~"$namespace"',
    "channel": 'instance=~"$instance",channel=~"$channel"',
}

# Okabe and Ito's palette: told apart by the colour-blind, too.
GREEN, ORANGE, RED = "#009E73", "#E69F00", "#D55E00"
BLUE, SKY, PURPLE, GREY = "#0072B2", "#56B4E9", "#CC79A7", "#999999"
CAUSES = {
    "expired": ORANGE,
    "evicted": RED,
    "deleted": PURPLE,
    "flushed": BLUE,
    "never_seen": SKY,
    "unknown": GREY,
}

# (from, colour), the first from minus infinity. Hit ratios mirror cachewatch's own rule: more than 20 % misses is bad.
NEUTRAL = [(None, BLUE)]
HIT_RATIO = [(None, RED), (0.8, ORANGE), (0.9, GREEN)]
MISS_RATIO = [(None, GREEN), (0.1, ORANGE), (0.2, RED)]
FULL = [(None, GREEN), (0.85, ORANGE), (0.95, RED)]
COMPLETE = [(None, RED), (0.95, ORANGE), (0.99, GREEN)]
NONE_IS_GOOD = [(None, GREEN), (1, RED)]
FEW_ARE_GOOD = [(None, GREEN), (1, ORANGE)]
ONE_IS_GOOD = [(None, RED), (1, GREEN)]

NOTHING = "No data: is cachewatch scraped, and does the selection match?"


def expand(expr):
    """PromQL with `{@scope}` and `{@scope,more}` written out."""
    for name, matchers in SCOPES.items():
        expr = expr.replace("@" + name, matchers)
    return " ".join(expr.split())


def query(expr, legend="", may_be_empty=None):
    """A query over time. `may_be_empty` is the reason why it may find nothing although all is well."""
    return {"expr": expand(expr), "legend": legend, "instant": False, "may_be_empty": may_be_empty}


def now(expr, legend="", may_be_empty=None):
    """A query at the end of the time range."""
    return query(expr, legend, may_be_empty) | {"instant": True}


def _targets(queries, fmt):
    out = []
    for ref, q in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", queries, strict=False):
        out.append(
            {
                "refId": ref,
                "datasource": DATASOURCE,
                "editorMode": "code",
                "expr": q["expr"],
                "format": fmt,
                "instant": q["instant"],
                "range": not q["instant"],
                "legendFormat": q["legend"] or "__auto",
            }
        )
    return out


def thresholds(steps):
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


def _panel(kind, title, description, queries, unit, steps, options, custom=None, fmt="time_series", no_data=NOTHING,
           low=None, high=None, decimals=None, mappings=None, overrides=None, color=None):
    """What all kinds have in common. `_may_be_empty` is taken out before the dashboard is written."""
    assert description.endswith("."), f"{title}: a description is a sentence"
    defaults = {
        "unit": unit,
        "thresholds": thresholds(steps),
        "color": color or {"mode": "thresholds"},
        "mappings": mappings or [],
        "noValue": no_data,
    }
    for name, value in (("min", low), ("max", high), ("decimals", decimals), ("custom", custom)):
        if value is not None:
            defaults[name] = value
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "pluginVersion": "10.0.0",
        "targets": _targets(queries, fmt),
        "fieldConfig": {"defaults": defaults, "overrides": overrides or []},
        "options": options,
        "_may_be_empty": {t["refId"]: q["may_be_empty"] for t, q in zip(_targets(queries, fmt), queries, strict=True)},
    }


def values(*pairs):
    """Value mappings: (value, text, colour)."""
    options = {str(value): {"text": text, "color": color, "index": i} for i, (value, text, color) in enumerate(pairs)}
    return [{"type": "value", "options": options}]


def colored(name, color):
    """An override: the series of this name has this colour."""
    return by_name(name, color={"mode": "fixed", "fixedColor": color})


def by_name(name, **properties):
    """An override for one field; a `__` in a property's name is a dot: custom__width."""
    listed = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": listed}


def stat(title, description, queries, unit="short", steps=NEUTRAL, text="auto", graph="area", **more):
    """A number, or a few. `text="name"` shows the legend instead of the number."""
    reduce = {"values": False, "calcs": ["lastNotNull"], "fields": ""}
    options = {
        "reduceOptions": reduce,
        "orientation": "auto",
        "textMode": text,
        "colorMode": "value",
        "graphMode": graph,
        "justifyMode": "auto",
    }
    return _panel("stat", title, description, queries, unit, steps, options, **more)


def timeseries(title, description, queries, unit="short", steps=None, stack=False, line_at=False, fill=8, low=0,
               legend=("lastNotNull", "max"), **more):
    """Lines over time. `steps` with `line_at` draws the thresholds; `stack` piles the series up."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 40 if stack else fill,
        "gradientMode": "none",
        "showPoints": "never",
        "pointSize": 5,
        # A gap is shown as a gap: what is not known is not drawn.
        "spanNulls": False,
        "insertNulls": False,
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        "axisPlacement": "auto",
        "axisLabel": "",
        "axisColorMode": "text",
        "scaleDistribution": {"type": "linear"},
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "thresholdsStyle": {"mode": "dashed" if line_at else "off"},
    }
    options = {
        "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": list(legend)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel("timeseries", title, description, queries, unit, steps or NEUTRAL, options, custom=custom, low=low,
                  color={"mode": "palette-classic"}, **more)


def state_timeline(title, description, queries, mappings, **more):
    """Which state held when, a lane for each series."""
    custom = {"lineWidth": 0, "fillOpacity": 80, "spanNulls": False}
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _panel("state-timeline", title, description, queries, "short", NEUTRAL, options, custom=custom,
                  mappings=mappings, **more)


def bars(title, description, queries, unit="percentunit", steps=NEUTRAL, **more):
    """A bar for each series, as it is at the end of the time range."""
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        "orientation": "horizontal",
        "displayMode": "gradient",
        "valueMode": "color",
        "showUnfilled": True,
        "minVizWidth": 0,
        "minVizHeight": 10,
    }
    return _panel("bargauge", title, description, queries, unit, steps, options, **more)


def table(title, description, columns, sort=None, hide=(), **more):
    """Queries at the end of the time range, joined on their labels: a row for each combination.

    A column is (what, title, properties): `what` is a query whose value is shown, or the name of a label.
    """
    queries = [what for what, _, _ in columns if isinstance(what, dict)]
    value = "Value" if len(queries) == 1 else "Value #{}"
    refs = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    rename, order, hidden, overrides = {}, {}, {"Time": True}, []
    for i, (what, name, properties) in enumerate(columns):
        field = value.format(next(refs)) if isinstance(what, dict) else what
        if name is None:
            hidden[field] = True
            continue
        rename[field] = name
        order[field] = i
        if properties:
            overrides.append(by_name(name, **properties))
    for label in hide:
        hidden[label] = True
    organize = {"excludeByName": hidden, "indexByName": order, "renameByName": rename}
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
        "sortBy": [{"displayName": sort, "desc": True}] if sort else [],
    }
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": False}
    panel = _panel("table", title, description, queries, "short", NEUTRAL, options, custom=custom, fmt="table",
                   overrides=overrides, **more)
    panel["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
    return panel


# What a column of a table may be, beside a plain one.
def painted(unit, steps, **more):
    """A number whose text has the colour of its threshold."""
    return {"unit": unit, "thresholds": thresholds(steps), "custom__cellOptions": {"type": "color-text"}, **more}


def linked(title, url, **more):
    """Text that leads somewhere."""
    return {"links": [{"title": title, "url": url, "targetBlank": False}], **more}
