"""What surrounds the panels of a dashboard: variables, annotations, links, the grid, and what import asks for.

Nothing is hard-coded that differs between installations: the datasource is asked for at import and can be changed
on the dashboard; panels get their numbers here.

Invariant: each line of the grid fills its 24 columns.
"""

from .panels import DATASOURCE, expand

COLUMNS = 24
SCHEMA = 38  # Grafana 10.0; later ones bring it up to date when they load it

PANEL_NAMES = {
    "bargauge": "Bar gauge",
    "stat": "Stat",
    "state-timeline": "State timeline",
    "table": "Table",
    "timeseries": "Time series",
}


def line(height, *panels):
    """Panels side by side: (width, panel) each."""
    assert sum(width for width, _ in panels) == COLUMNS, [(w, p["title"]) for w, p in panels]
    return height, panels


def row(title, *lines, collapsed=False):
    """A heading and the lines below it. A collapsed row costs nothing until somebody opens it."""
    return title, lines, collapsed


def _grid(rows):
    panels, y, number = [], 0, 1
    for title, lines, collapsed in rows:
        head = {
            "type": "row",
            "title": title,
            "id": number,
            "collapsed": collapsed,
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        panels.append(head)
        number, y = number + 1, y + 1
        for height, members in lines:
            x = 0
            for width, panel in members:
                placed = panel | {"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": height}}
                (head["panels"] if collapsed else panels).append(placed)
                number, x = number + 1, x + width
            y += height
    return panels


def datasource():
    """Which Prometheus. Import puts the chosen one in the place of DS_PROMETHEUS."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Datasource",
        "description": "The Prometheus that scrapes cachewatch.",
        "query": "prometheus",
        "current": {"selected": False, "text": "${DS_PROMETHEUS}", "value": "${DS_PROMETHEUS}"},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }


def choice(name, label, description, metric, one=False, all_value=".*"):
    """A variable whose choices are the values of the label of its name: all of them, unless it is `one`."""
    text = f"label_values({metric}, {name})"
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": DATASOURCE,
        "definition": text,
        "query": {"qryType": 1, "query": text, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "current": {} if one else {"selected": True, "text": ["All"], "value": ["$__all"]},
        "allValue": None if one else all_value,
        "hide": 0,
        "includeAll": not one,
        "multi": not one,
        "options": [],
        # When the dashboard's time range changes, so that what is gone can still be chosen.
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
    }


def page():
    """Where cachewatch's own page is."""
    default = "http://127.0.0.1:9721"
    return {
        "type": "textbox",
        "name": "page",
        "label": "cachewatch page",
        "description": "The address of cachewatch's own page, external_url in its configuration. Links lead there.",
        "query": default,
        "current": {"selected": True, "text": default, "value": default},
        "options": [{"selected": True, "text": default, "value": default}],
        "hide": 0,
        "skipUrlSync": False,
    }


# "All" means each of them by name: `process_*` of other programs have a label `instance`, too.
INSTANCE = choice("instance", "cachewatch",
                  "Which cachewatch. Choose one if two watch the same caches, or all is counted twice.",
                  "cachewatch_build_info", all_value=None)


def _incidents(expr):
    return {
        "name": "Incidents",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": expand(expr),
        "step": "60s",
        "useValueForTime": False,
        "titleFormat": "{{rule}}: {{cache}}",
        "textFormat": "{{severity}}",
        "tagKeys": "cache,rule,severity",
    }


def _links(page_path):
    others = {
        "type": "dashboards",
        "title": "cachewatch",
        "tags": ["cachewatch"],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "The other dashboards",
        "url": "",
    }
    own = {
        "type": "link",
        "title": "cachewatch page",
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "targetBlank": True,
        "icon": "dashboard",
        "tooltip": "What cachewatch itself says now, with explanations",
        "url": "${page}" + page_path,
    }
    return [others, own]


def dashboard(uid, title, description, variables, rows, incidents, page_path="/", span="now-6h"):
    """A dashboard, and for each of its queries that may find nothing the reason why."""
    panels = _grid(rows)
    everything = panels + [inner for p in panels for inner in p.get("panels", [])]
    titles = [p["title"] for p in everything if p["type"] != "row"]
    assert len(set(titles)) == len(titles), [t for t in titles if titles.count(t) > 1]
    excuses = {}
    for panel in everything:
        for ref, reason in panel.pop("_may_be_empty", {}).items():
            if reason:
                excuses[f"{uid}/{panel['title']}/{ref}"] = reason
    kinds = sorted({p["type"] for p in everything} - {"row"})
    requires = [{"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0"}]
    requires.append({"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"})
    requires += [{"type": "panel", "id": kind, "name": PANEL_NAMES[kind], "version": ""} for kind in kinds]
    asked = {
        "name": "DS_PROMETHEUS",
        "label": "Prometheus",
        "description": "The Prometheus that scrapes cachewatch",
        "type": "datasource",
        "pluginId": "prometheus",
        "pluginName": "Prometheus",
    }
    return {
        "__inputs": [asked],
        "__elements": {},
        "__requires": requires,
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["cachewatch", "redis"],
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": SCHEMA,
        "time": {"from": span, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "version": 1,
        "annotations": {"list": [_incidents(incidents)]},
        "links": _links(page_path),
        "templating": {"list": [datasource(), *variables, page()]},
        "panels": panels,
    }, excuses
