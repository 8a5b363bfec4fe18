"""One cache: how well it works, why it misses, what that costs, and how sure all this is."""

from .frame import INSTANCE, choice, dashboard, line, row
from .overview import NO_LOOKUPS, fullness, state_number, state_words
from .panels import (
    BLUE, CAUSES, COMPLETE, FEW_ARE_GOOD, FULL, GREEN, GREY, HIT_RATIO, MISS_RATIO, NONE_IS_GOOD, ONE_IS_GOOD, ORANGE,
    PURPLE, RED, SKY, bars, by_name, colored, now, painted, query, stat, state_timeline, table, timeseries, values,
)
from .server import server_rows

NO_EVENTS = "No keyspace events: see the row Completeness"
NO_PRICE = "No namespace has a price"
UNKNOWN_HITS = "hits of a namespace are known only from sampling or from the application"
ALERT_STATES = [("ok", GREEN), ("pending", "#F0E442"), ("firing", RED), ("recovering", ORANGE), ("silenced", PURPLE),
                ("warming_up", SKY), ("insufficient_traffic", GREY), ("no_data", GREY)]
# What the reader of events says of a gap; red is where the server can be set so that it does not happen.
GAP_REASONS = [("start", GREY), ("restart", SKY), ("failover", BLUE), ("output_limit", RED), ("paused", PURPLE),
               ("silent", ORANGE), ("connection", "#F0E442"), ("not_published", RED)]
NO_GAPS = "where nobody reads events, there are no gaps"
EVENT_STATES = [("working", GREEN), ("connecting", SKY), ("lost", ORANGE), ("notifications_off", RED),
                ("forbidden", RED), ("disabled", GREY)]


def numbered(states):
    return values(*((i, name.replace("_", " "), color) for i, (name, color) in enumerate(states)))


def number_of(metric, scope, labels, states):
    """A metric with a label `state` as one number for each series: the place of its state in the list."""
    parts = (f'max by ({labels}) ({metric}{{@{scope},state="{name}"}} == 1) * {i}' for i, (name, _) in enumerate(states))
    return " or ".join(parts)


def rate(metric, by="", scope="node", more=""):
    by = f"by ({by}) " if by else ""
    return f"sum {by}(rate({metric}{{@{scope}{more}}}[$__rate_interval]))"


def share(metric, by="", scope="node"):
    """Of all lookups."""
    by = f"by ({by}) " if by else ""
    return (f"sum {by}(rate({metric}{{@{scope}}}[$__rate_interval]))"
            f" / (sum {by}(rate(cache_lookups_total{{@{scope}}}[$__rate_interval])) > 0)")


def at_a_glance():
    _, numbers = state_words()
    return line(
        4,
        (3, stat("State", "How the cache is, in a word.", [now(state_number(), "{{cache}}")], mappings=numbers,
                 text="value", graph="none")),
        (3, stat("Open incidents", "Incidents of cachewatch's rules at this cache, silenced ones, too.",
                 [now("sum(max by (rule, subject) (cache_alert_firing{@cache}))")], steps=NONE_IS_GOOD, graph="none")),
        (4, stat("Hit ratio, 5 min", "Hits / lookups of the last five minutes, as cachewatch computes it.",
                 [query('1 - max(cache_miss_ratio{@cache,window="5m"})', "hits")], "percentunit", HIT_RATIO,
                 decimals=1, no_data=NO_LOOKUPS)),
        (4, stat("Misses, at least",
                 "The lower bound of the miss ratio over 15 minutes: with 99 % certainty it is not lower. This is what "
                 "the alert looks at, as few lookups prove little.",
                 [query('max(cache_miss_ratio_lower_bound{@cache,window="15m"})', "at least")], "percentunit",
                 MISS_RATIO, decimals=1, no_data=NO_LOOKUPS)),
        (4, stat("Lookups per second", "Keys looked up per second.", [query(rate("cache_lookups_total"), "lookups")], "ops")),
        (3, stat("Memory used", "Memory used / its limit.",
                 [query(fullness(), "memory", "a cache without a memory limit is never full")],
                 "percentunit", FULL, decimals=0, no_data="No limit")),
        (3, stat("Keys", "Keys in all databases of the nodes.", [query("sum(cache_keys{@node})", "keys")])),
    )


def hit_or_miss():
    bound = [
        query(share("cache_misses_total"), "misses / lookups"),
        query('max(cache_miss_ratio{@cache,window="5m"})', "over 5 min"),
        query('max(cache_miss_ratio_lower_bound{@cache,window="5m"})', "over 5 min, at least"),
    ]
    certain = [
        query('max(cache_window_lookups{@cache,window="5m"})', "lookups in 5 min"),
        query('max(cache_window_covered_seconds{@cache,window="5m"}) / 300', "covered by readings"),
    ]
    return (
        line(9, (12, timeseries(
            "Miss ratio and its lower bound",
            "Misses / lookups. The lower bound says how much of it is certain: far below the line, there were few "
            "lookups. The dashed line is where cachewatch's rule fires unless configured otherwise.",
            bound, "percentunit", steps=[(None, "transparent"), (0.2, RED)], line_at=True, fill=0, high=1, decimals=1,
            no_data=NO_LOOKUPS,
            overrides=[by_name("over 5 min, at least", color={"mode": "fixed", "fixedColor": GREY},
                               custom__lineStyle={"fill": "dash", "dash": [6, 6]}),
                       colored("misses / lookups", SKY), colored("over 5 min", BLUE)])),
             (12, timeseries(
                 "Lookups", "Keys looked up per second: found and not found.",
                 [query(rate("cache_hits_total"), "hits"), query(rate("cache_misses_total"), "misses")], "ops",
                 stack=True, overrides=[colored("hits", GREEN), colored("misses", ORANGE)]))),
        line(7, (12, timeseries("Miss ratio by node", "Misses / lookups of each node.",
                                [query(share("cache_misses_total", "node"), "{{node}}")], "percentunit",
                                fill=0, high=1, decimals=1, no_data=NO_LOOKUPS)),
             (12, timeseries("What the ratio rests on",
                             "Lookups in the window, and how much of the window readings span: less than all after a "
                             "start.", certain,
                             overrides=[by_name("covered by readings", unit="percentunit", custom__axisPlacement="right",
                                                min=0, max=1)]))),
    )


def why():
    causes = [colored(cause, color) for cause, color in CAUSES.items()]
    ages = ("Of all misses in the time range, those whose key had been {0} at most so long before. {1}")

    def aged(metric):
        return [now(f"sum by (within) (increase({metric}{{@cache}}[$__range]))"
                    " / scalar(sum(increase(cache_misses_total{@cache}[$__range])) > 0)", "within {{within}}")]

    return (
        line(9, (12, timeseries("Misses by cause", "Misses per second by what had happened to the key before.",
                                [query(rate("cache_namespace_misses_total", "cause", "namespace"), "{{cause}}")], "ops",
                                stack=True, overrides=causes, no_data=NO_EVENTS)),
             (12, timeseries("Misses by namespace", "The ten namespaces with the most misses per second.",
                             [query(f'topk(10, {rate("cache_namespace_misses_total", "namespace", "namespace")})',
                                    "{{namespace}}")], "ops", stack=True, no_data=NO_EVENTS))),
        line(10, (24, namespaces())),
        line(8, (12, bars("Would more memory help?",
                          ages.format("evicted", "With memory to keep keys that much longer, these would be hits."),
                          aged("cache_misses_after_eviction_total"), low=0, decimals=1, no_data=NO_EVENTS)),
             (12, bars("Would a longer time to live help?",
                       ages.format("expired", "With a time to live that much longer, these would be hits."),
                       aged("cache_misses_after_expiration_total"), low=0, decimals=1, no_data=NO_EVENTS))),
        line(8, (8, timeseries("Hit ratio by namespace",
                               "Hits / lookups where lookups are known, from samples or from the application.",
                               [query("max by (namespace, source) (cache_namespace_hit_ratio{@namespace})",
                                      "{{namespace}} ({{source}})", UNKNOWN_HITS)], "percentunit", fill=0, high=1,
                               decimals=1, no_data="Lookups of namespaces are not known: see docs/configuration.md")),
             (8, timeseries("Lookups the application told of",
                            "Lookups per second by namespace and result, and those beyond the bound of namespaces.",
                            [query(rate("cache_namespace_lookups_total", "namespace, result", "namespace"),
                                   "{{namespace}} {{result}}", UNKNOWN_HITS),
                             query("sum(rate(cache_namespace_lookups_cut_total{@cache}[$__rate_interval])) > 0",
                                   "in other, beyond the bound", "nothing is beyond the bound while all is well")],
                            "ops", no_data="The application tells nothing")),
             (8, timeseries("Not refilled, refilled by many",
                            "Misses per second of keys that nobody refills, and misses beyond the first while a key is "
                            "being refilled (a stampede).",
                            [query(rate("cache_namespace_repeat_misses_total", "", "namespace"), "nobody refills"),
                             query(rate("cache_namespace_stampedes_total", "", "namespace"), "stampedes")], "ops",
                            overrides=[colored("nobody refills", PURPLE), colored("stampedes", RED)],
                            no_data=NO_EVENTS))),
    )


def namespaces():
    def per(metric, more=""):
        return f"sum by (namespace) (rate({metric}{{@namespace{more}}}[$__range]))"

    def caused(cause):
        more = f',cause="{cause}"'
        return now(f'{per("cache_namespace_misses_total", more)} / ({per("cache_namespace_misses_total")} > 0)')

    def known(metric):
        return now(f"max by (namespace) ({metric}{{@namespace}})", may_be_empty=UNKNOWN_HITS)

    misses = per("cache_namespace_misses_total")
    percent = {"unit": "percentunit", "decimals": 0}
    columns = [
        ("namespace", "Namespace", {"custom__width": 220}),
        (now(misses), "Misses/s", {"unit": "ops"}),
        (now(f"{misses} / scalar(sum(rate(cache_namespace_misses_total{{@cache}}[$__range])) > 0)"), "Of all misses",
         {**percent, "min": 0, "max": 1, "custom__cellOptions": {"type": "gauge", "mode": "basic"}}),
        *((caused(cause), cause.replace("_", " "), percent) for cause in CAUSES),
        (now(per("cache_namespace_evictions_total")), "Evictions/s", {"unit": "ops"}),
        (now(per("cache_namespace_expirations_total")), "Expirations/s", {"unit": "ops"}),
        (now(per("cache_namespace_deletions_total")), "Deletions/s", {"unit": "ops"}),
        (now(f'{per("cache_miss_cost_total")} * 3600', may_be_empty="only namespaces with a price cost"), "Cost/h",
         {"unit": "short", "decimals": 2}),
        (known("cache_namespace_hit_ratio"), "Hit ratio", painted("percentunit", HIT_RATIO, decimals=1)),
        (known("cache_namespace_hit_ratio_lower_bound"), "at least", {"unit": "percentunit", "decimals": 1}),
        (known("cache_namespace_hit_ratio_upper_bound"), "at most", {"unit": "percentunit", "decimals": 1}),
    ]
    return table("Namespaces", "Families of keys over the time range: how often they are missed and why (shares of their "
                 "own misses), what is removed, what it costs, and the hit ratio with its 95 % interval where known.",
                 columns, sort="Misses/s", no_data=NO_EVENTS)


def removals():
    return (
        line(8, (8, timeseries("Evictions", "Keys per second that were removed because of maxmemory, by node.",
                               [query(rate("cache_evictions_total", "node"), "{{node}}")], "ops", stack=True)),
             (8, timeseries("Expirations", "Keys per second whose time to live was over, by node.",
                            [query(rate("cache_expirations_total", "node"), "{{node}}")], "ops", stack=True)),
             (8, timeseries("Deletions and flushes",
                            "Keys deleted per second, and flushes of whole databases in the interval.",
                            [query(rate("cache_namespace_deletions_total", "", "namespace"), "deletions/s"),
                             query("sum(increase(cache_flushes_total{@cache}[$__rate_interval]))", "flushes")],
                            overrides=[colored("flushes", RED)], no_data=NO_EVENTS))),
        line(8, (8, timeseries("Evictions by namespace", "The ten namespaces that lose most keys to maxmemory.",
                               [query(f'topk(10, {rate("cache_namespace_evictions_total", "namespace", "namespace")})',
                                      "{{namespace}}")], "ops", stack=True, no_data=NO_EVENTS)),
             (8, timeseries("Expirations by namespace", "The ten namespaces of which most keys expire.",
                            [query(f'topk(10, {rate("cache_namespace_expirations_total", "namespace", "namespace")})',
                                   "{{namespace}}")], "ops", stack=True, no_data=NO_EVENTS)),
             (8, timeseries("Memory", "Memory that counts against the limit, and the limit, of all nodes.",
                            [query("sum(cache_memory_used_bytes{@node})", "used"),
                             query("sum(cache_memory_limit_bytes{@node})", "limit",
                                   "a cache without a memory limit has none")], "bytes",
                            overrides=[by_name("limit", color={"mode": "fixed", "fixedColor": RED},
                                               custom__fillOpacity=0)]))),
    )


def money():
    cost = "sum by ({0}currency) ({1}({2}{{@namespace}}[{3}]))"
    return (
        line(7, (4, stat("Misses cost", "What misses cost in the time range, where a namespace has a price.",
                         [now(cost.format("", "increase", "cache_miss_cost_total", "$__range"), "{{currency}}",
                              "no namespace has a price unless somebody configures one")], text="value_and_name",
                         graph="none", decimals=2, no_data=NO_PRICE)),
             (4, stat("Hits saved", "What hits saved in the time range, where the application tells of its lookups.",
                      [now(cost.format("", "increase", "cache_hit_savings_total", "$__range"), "{{currency}}",
                           UNKNOWN_HITS)], steps=[(None, GREEN)], text="value_and_name", graph="none", decimals=2,
                      no_data="Hits are not known")),
             (8, timeseries("Cost of misses", "What misses cost per hour, by namespace.",
                            [query(cost.format("namespace, ", "rate", "cache_miss_cost_total", "$__rate_interval")
                                   + " * 3600", "{{namespace}} ({{currency}}/h)",
                                   "no namespace has a price unless somebody configures one")], decimals=2, stack=True,
                            no_data=NO_PRICE)),
             (8, timeseries("Savings of hits", "What hits save per hour, by namespace.",
                            [query(cost.format("namespace, ", "rate", "cache_hit_savings_total", "$__rate_interval")
                                   + " * 3600", "{{namespace}} ({{currency}}/h)", UNKNOWN_HITS)], decimals=2, stack=True,
                            no_data="Hits are not known"))),
    )


def completeness():
    events = number_of("cache_events_state", "node", "node", EVENT_STATES)
    remembered = ("sum by (table) (cache_attribution_table_entries{@cache})"
                  " / sum by (table) (cache_attribution_table_capacity{@cache})")
    return (
        line(7, (8, timeseries("Events received of those that happened",
                               "Keyspace events / what INFO counted, over five minutes. Below 100 %, causes and "
                               "namespaces are known of a part only.",
                               [query("min by (event) (cache_events_completeness_ratio{@node})", "{{event}}")],
                               "percentunit", steps=COMPLETE, line_at=True, fill=0, high=1, decimals=1,
                               no_data=NO_EVENTS, legend=("lastNotNull", "min"))),
             (8, state_timeline("Subscription to events",
                                "Whether keyspace events arrive. `notifications off` and `forbidden`: cachewatch's page "
                                "shows the command that mends it.", [query(events, "{{node}}")], numbered(EVENT_STATES))),
             (8, timeseries("Events", "Keyspace events per second by kind, and those whose key was too long.",
                            [query(rate("cache_events_total", "event"), "{{event}}"),
                             query("sum(rate(cache_events_keys_cut_total{@node}[$__rate_interval])) > 0", "keys cut",
                                   "keys are hardly ever longer than 64 KiB")], "ops"))),
        line(7, (8, timeseries("Gaps in the events", "Times without events that ended in the interval, by reason. "
                               "`start` is cachewatch's own.",
                               [query("sum by (reason) (increase(cache_events_gaps_total{@node}[$__rate_interval]))",
                                      "{{reason}}", NO_GAPS)], stack=True, decimals=0,
                               overrides=[colored(*reason) for reason in GAP_REASONS], no_data=NO_EVENTS)),
             (8, timeseries("How long the gaps lasted",
                            "From the last sign of life to the next subscription, shown when a gap is over. What "
                            "happened to keys meanwhile is not known; their misses count as `unknown`.",
                            [query("sum by (reason) (increase(cache_events_gap_seconds_total{@node}[$__rate_interval]))",
                                   "{{reason}}", NO_GAPS)], "s", stack=True,
                            overrides=[colored(*reason) for reason in GAP_REASONS], no_data=NO_EVENTS)),
             (8, bars("Time without events", "Together, in the time range, by node and reason.",
                      [now("sum by (node, reason) (increase(cache_events_gap_seconds_total{@node}[$__range])) > 0",
                           "{{node}}: {{reason}}", "there are none while all is well")], "s", low=0, no_data="No gap in this time"))),
        line(6, (6, stat("`never seen` reaches back",
                         "A miss counts as never seen when no removal of the key is remembered; so far back they are.",
                         [now("min(cache_attribution_horizon_seconds{@cache})")], "s", graph="none", no_data=NO_EVENTS)),
             (6, timeseries("Memory of removals", "How full the tables of remembered keys are.",
                            [query(remembered, "{{table}}")], "percentunit", high=1, decimals=1, no_data=NO_EVENTS)),
             (6, timeseries("Namespaces told apart",
                            "Configured and found out; those beyond the bound are in the namespace `other`.",
                            [query("max by (origin) (cache_namespaces{@cache})", "{{origin}}"),
                             query("max(increase(cache_namespaces_retired_total{@cache}[$__rate_interval]))",
                                   "given up")], stack=False, no_data=NO_EVENTS)),
             (6, timeseries("Bytes of events", "Bytes per second on the connection for events.",
                            [query(rate("cache_events_bytes_total", "node"), "{{node}}")], "Bps"))),
    )


def nodes():
    by_node = [
        ("node", "Node", {"custom__width": 200}),
        (now("max by (node) (cache_up{@node})"), "Up",
         painted("short", ONE_IS_GOOD, mappings=values((0, "down", RED), (1, "up", GREEN)))),
        (now("max by (node, flavour, server_version, role) (cache_node_info{@node})"), None, {}),
        ("flavour", "Server", {}), ("server_version", "Version", {}), ("role", "Role", {}),
        (now("min by (node) (cache_reading_age_seconds{@node})"), "Age of reading", {"unit": "s", "decimals": 1}),
        (now("sum by (node) (rate(cache_lookups_total{@node}[5m]))"), "Lookups/s", {"unit": "ops"}),
        (now("max by (node) (cache_memory_used_bytes{@node})"), "Memory", {"unit": "bytes"}),
        (now("max by (node) (cache_keys{@node})"), "Keys", {"unit": "short"}),
        (now("max by (node) (redis_uptime_in_seconds{@node})"), "Uptime", {"unit": "s"}),
        (now("sum by (node) (increase(cache_resets_total{@node}[$__range]))"), "Resets",
         painted("short", FEW_ARE_GOOD, decimals=0)),
        (now("sum by (node) (increase(cache_role_changes_total{@node}[$__range]))"), "Role changes",
         painted("short", FEW_ARE_GOOD, decimals=0)),
    ]
    return (
        line(8, (16, table("Nodes", "The server processes of the cache. A reset is a restart, CONFIG RESETSTAT or "
                           "failover: the server's counters began anew, ours did not.", by_node)),
             (8, timeseries("Counters that began anew", "Resets by reason and changes of role, in the interval.",
                            [query("sum by (reason) (increase(cache_resets_total{@node}[$__rate_interval]))",
                                   "{{reason}}"),
                             query("sum(increase(cache_role_changes_total{@node}[$__rate_interval]))", "role change"),
                             query("sum(increase(cache_readings_discarded_total{@node}[$__rate_interval]))",
                                   "reading discarded")], decimals=0))),
    )


def incidents():
    # A rule about namespaces or nodes has a lane for each.
    lanes = f'label_join({number_of("cache_alert_state", "cache", "rule, subject", ALERT_STATES)}, "of", " ", "rule", "subject")'
    columns = [
        ("rule", "Rule", {}), ("subject", "Of", {}), ("severity", "Severity", {}),
        ("state", "State", {"mappings": values(*((n, n.replace("_", " "), c) for n, c in ALERT_STATES)),
                            "custom__cellOptions": {"type": "color-text"}}),
        (now("max by (rule, subject, severity, state) (cache_alert_state{@cache} == 1)"), None, {}),
    ]
    return line(7, (14, state_timeline("Rules", "Where each rule stood for this cache, or for its namespace or node. While "
                                       "a cache warms up after a restart or a flush, misses are no evidence.",
                                       [query(lanes, "{{of}}")], numbered(ALERT_STATES))),
                (10, table("Rules now", "Where each rule stands, and for which namespace or node if it is about one. An "
                           "incident is open while firing, recovering or silenced.", columns,
                           no_data="No rule watches this cache")))


def build():
    mine = 'instance=~"$instance",cache=~"$cache"'
    return dashboard(
        "cachewatch-cache",
        "cachewatch / Cache",
        "One cache: hit ratio with its bound, causes of misses by namespace, removals, memory, cost, and how complete "
        "what is known is.",
        [
            INSTANCE,
            choice("cache", "Cache", "Which cache.", 'cache_nodes{instance=~"$instance"}', one=True),
            choice("namespace", "Namespace", "Which families of keys.",
                   f"cache_namespace_misses_total{{{mine}}}"),
            choice("node", "Node", "Which server processes.", f"cache_up{{{mine}}}"),
        ],
        [
            row("Now", at_a_glance()),
            row("Hit or miss", *hit_or_miss()),
            row("Incidents", incidents()),
            row("Why it misses", *why()),
            row("What goes", *removals()),
            row("Money", *money()),
            row("Nodes", *nodes()),
            row("Completeness: how much of this is known", *completeness()),
            *server_rows(),
        ],
        incidents="max by (cache, rule, severity) (cache_alert_firing{@cache}) == 1",
        page_path="/caches/${cache}",
        span="now-3h",
    )
