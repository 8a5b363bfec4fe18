"""The fleet: every cache at a glance, worst first, and what is wrong now.

Ratios of several caches are weighted by traffic: misses of all / lookups of all, never an average of ratios.
"""

from .frame import INSTANCE, choice, dashboard, line, row
from .panels import (
    CAUSES, COMPLETE, FULL, GREEN, HIT_RATIO, MISS_RATIO, NONE_IS_GOOD, GREY, ORANGE, RED, SKY,
    bars, colored, linked, now, painted, query, stat, state_timeline, table, timeseries, values,
)

NO_LOOKUPS = "No lookups in this time"
QUIET = "no incident is open while all is well"
STATES = [("down", RED), ("firing", ORANGE), ("degraded", "#F0E442"), ("starting", SKY),
          ("insufficient_traffic", GREY), ("ok", GREEN)]
TO_CACHE = "/d/cachewatch-cache/cachewatch-cache?var-cache=${__value.text}&${datasource:queryparam}&${__url_time_range}"
# The same from a line of a chart, whose series has a label `cache`.
TO_CACHE_OF_LINE = TO_CACHE.replace("${__value.text}", "${__field.labels.cache}")


def state_words():
    """The words of cache_state with their colours, for a text column and for numbers 0, 1, ..."""
    words = [(name, name.replace("_", " "), color) for name, color in STATES]
    return values(*words), values(*((i, text, color) for i, (_, text, color) in enumerate(words)))


def state_number():
    """cache_state as one number a cache: its place in STATES."""
    parts = (f'max by (cache) (cache_state{{@cache,state="{name}"}} == 1) * {i}' for i, (name, _) in enumerate(STATES))
    return " or ".join(parts)


def per_second(counter):
    return f"sum by (cache) (rate({counter}{{@cache}}[$__rate_interval]))"


def hit_ratio(by="cache"):
    by = f"by ({by}) " if by else ""
    return (f"1 - sum {by}(rate(cache_misses_total{{@cache}}[$__rate_interval]))"
            f" / (sum {by}(rate(cache_lookups_total{{@cache}}[$__rate_interval])) > 0)")


def fullness(by="cache"):
    """Only nodes that have a limit count, above and below the line."""
    return (f"sum by ({by}) (cache_memory_used_bytes{{@cache}} and cache_memory_limit_bytes{{@cache}})"
            f" / sum by ({by}) (cache_memory_limit_bytes{{@cache}})")


def at_a_glance():
    return line(
        4,
        (3, stat("Watched", "Caches that cachewatch watches.", [now("count(max by (cache) (cache_nodes{@cache}))")],
                 graph="none")),
        (3, stat("Nodes down", "Nodes that do not answer, of all nodes.",
                 [now("count(cache_up{@cache}) - sum(cache_up{@cache})")], steps=NONE_IS_GOOD, graph="none")),
        (4, stat("Open incidents", "Incidents of cachewatch's own rules that are open now, silenced ones, too.",
                 [now("sum(max by (cache, rule, subject) (cache_alert_firing{@cache}))")], steps=NONE_IS_GOOD, graph="none")),
        (5, stat("Hit ratio of all caches", "Hits of all caches / lookups of all caches: weighted by traffic.",
                 [query(hit_ratio(by=""), "hits")], unit="percentunit", steps=HIT_RATIO, no_data=NO_LOOKUPS,
                 decimals=1)),
        (5, stat("Worst miss ratio",
                 "The highest miss ratio of any cache that is certain to 99 %: its lower bound over 15 minutes. "
                 "A cache with few lookups cannot be the worst by chance.",
                 [now('topk(1, max by (cache) (cache_miss_ratio_lower_bound{@cache,window="15m"}))', "{{cache}}")],
                 unit="percentunit", steps=MISS_RATIO, text="value_and_name", graph="none", no_data=NO_LOOKUPS,
                 decimals=1)),
        (4, stat("Lookups per second", "Keys looked up per second in all caches.",
                 [query("sum(rate(cache_lookups_total{@cache}[$__rate_interval]))", "lookups")], unit="ops")),
    )


def list_of_caches():
    text, _ = state_words()
    columns = [
        ("cache", "Cache", linked("Open ${__value.text}", TO_CACHE, custom__width=220)),
        (now('max by (cache, state) (cache_state{@cache} == 1)'), None, {}),
        ("state", "State", {"mappings": text, "custom__cellOptions": {"type": "color-text"}, "custom__width": 160}),
        (now("sum by (cache) (max by (cache, rule, subject) (cache_alert_firing{@cache}))"), "Incidents",
         painted("short", NONE_IS_GOOD)),
        (now('1 - max by (cache) (cache_miss_ratio{@cache,window="5m"})'), "Hit ratio 5m",
         painted("percentunit", HIT_RATIO, decimals=1)),
        (now('max by (cache) (cache_miss_ratio_lower_bound{@cache,window="15m"})'), "Misses, at least",
         painted("percentunit", MISS_RATIO, decimals=1)),
        (now('max by (cache) (cache_window_lookups{@cache,window="15m"})'), "Lookups 15m", {"unit": "short"}),
        (now(per_second("cache_lookups_total")), "Lookups/s", {"unit": "ops"}),
        (now(per_second("cache_evictions_total")), "Evictions/s", {"unit": "ops"}),
        (now(per_second("cache_expirations_total")), "Expirations/s", {"unit": "ops"}),
        (now(fullness(), may_be_empty="a cache without a memory limit is never full"), "Memory",
         painted("percentunit", FULL, decimals=0)),
        (now("sum by (cache) (cache_keys{@cache})"), "Keys", {"unit": "short"}),
        (now("min by (cache) (cache_events_completeness_ratio{@cache})",
             may_be_empty="without a subscription to events, or with nothing to compare, there is no completeness"),
         "Events complete", painted("percentunit", COMPLETE, decimals=1)),
        (now("count by (cache) (cache_up{@cache})"), "Nodes", {"unit": "short"}),
    ]
    return table("Caches", "Every cache, the one that misses most for certain first. Click a name for its dashboard.",
                 columns, sort="Misses, at least")


def over_time():
    to_cache = [{"title": "Open ${__field.labels.cache}", "url": TO_CACHE_OF_LINE, "targetBlank": False}]
    linked_lines = [{"matcher": {"id": "byType", "options": "number"}, "properties": [{"id": "links", "value": to_cache}]}]

    def lines(title, description, expr, unit, **more):
        return timeseries(title, description, [query(expr, "{{cache}}", more.pop("may_be_empty", None))], unit,
                          overrides=linked_lines, **more)

    return (
        line(9, (12, lines("Hit ratio", "Hits / lookups of each cache. A gap means that there were no lookups.",
                           hit_ratio(), "percentunit", steps=HIT_RATIO, line_at=True, fill=0, high=1, decimals=1,
                           no_data=NO_LOOKUPS, legend=("lastNotNull", "min"))),
             (12, lines("Lookups", "Keys looked up per second.", per_second("cache_lookups_total"), "ops", stack=True))),
        line(8, (8, lines("Misses", "Lookups per second that did not find their key.",
                          per_second("cache_misses_total"), "ops", stack=True)),
             (8, lines("Evictions", "Keys per second that were removed because of maxmemory.",
                       per_second("cache_evictions_total"), "ops", stack=True)),
             (8, lines("Expirations", "Keys per second whose time to live was over.",
                       per_second("cache_expirations_total"), "ops", stack=True))),
        line(8, (12, lines("Memory used of the limit", "Memory / its limit, of the nodes that have one.", fullness(),
                           "percentunit", steps=FULL, line_at=True, fill=0,
                           may_be_empty="a cache without a memory limit is never full", no_data="No cache has a limit")),
             (12, timeseries("Why keys are missed",
                             "Misses per second by what had happened to the key before, of all caches. "
                             "Known where keyspace events are.",
                             [query("sum by (cause) (rate(cache_namespace_misses_total{@cache}[$__rate_interval]))",
                                    "{{cause}}")], "ops", stack=True,
                             overrides=[colored(cause, color) for cause, color in CAUSES.items()],
                             no_data="No keyspace events: see the cache's dashboard"))),
    )


def build():
    _, numbers = state_words()
    incidents = table(
        "Open incidents now",
        "Incidents of cachewatch's rules, by cache, and by namespace or node where the rule is about one. Where nobody is "
        "told of it, it is silenced.",
        [("cache", "Cache", linked("Open ${__value.text}", TO_CACHE)),
         ("rule", "Rule", {}), ("subject", "Of", {}), ("severity", "Severity", {}),
         (now("max by (cache, rule, subject, severity) (cache_alert_firing{@cache} == 1)", may_be_empty=QUIET), None, {}),
         (now('max by (cache, rule, subject, severity) (cache_alert_state{@cache,state="silenced"})'
              " and max by (cache, rule, subject, severity) (cache_alert_firing{@cache}) == 1",
              may_be_empty=QUIET), "Silenced", {"mappings": values((0, "no", GREY), (1, "yes", ORANGE))})],
        no_data="No incident is open",
    )
    return dashboard(
        "cachewatch-overview",
        "cachewatch / Overview",
        "Every Redis and Valkey cache that cachewatch watches: which is in trouble, and since when.",
        [INSTANCE,
         choice("cache", "Cache", "Which caches.", 'cache_nodes{instance=~"$instance"}')],
        [
            row("Now", at_a_glance(), line(10, (24, list_of_caches()))),
            row("Incidents",
                line(9, (14, state_timeline("States", "How each cache was, in a word.",
                                            [query(state_number(), "{{cache}}")], numbers)),
                     (10, incidents))),
            row("Over time", *over_time()),
            row("Money",
                line(7, (12, timeseries("Cost of misses", "What misses cost per hour, where a namespace has a price.",
                                        [query("sum by (cache, currency) (rate(cache_miss_cost_total{@cache}"
                                               "[$__rate_interval])) * 3600", "{{cache}} ({{currency}}/h)",
                                               "no namespace has a price unless somebody configures one")],
                                        "short", stack=True, decimals=2, no_data="No namespace has a price")),
                     (12, bars("Share of the misses by cause",
                               "What had happened to keys before they were missed, over the time range.",
                               [now("sum by (cause) (increase(cache_namespace_misses_total{@cache}[$__range])) / scalar("
                                    "sum(increase(cache_namespace_misses_total{@cache}[$__range])) > 0)", "{{cause}}")],
                               overrides=[colored(c, color) for c, color in CAUSES.items()], low=0, high=1,
                               no_data="No keyspace events, or no misses", decimals=1)))),
        ],
        incidents="max by (cache, rule, severity) (cache_alert_firing{@cache}) == 1",
    )
