-- Times are microseconds since 1970. Only types and words that SQLite and PostgreSQL understand alike.

create table keys (
    name text primary key,
    secret text not null
);

create table books (
    cache text primary key,
    saved text not null,
    at bigint not null
);

create table incidents (
    id text primary key,
    cache text not null,
    rule text not null,
    subject text not null,
    severity text not null,
    labels text not null,
    started bigint not null,
    resolved bigint,
    headline text not null,
    notification text not null,
    ack_author text,
    ack_comment text,
    ack_at bigint
);
create index incidents_started on incidents (started);
create index incidents_resolved on incidents (resolved);

create table transitions (
    cache text not null,
    rule text not null,
    subject text not null,
    at bigint not null,
    from_state text not null,
    to_state text not null,
    incident text,
    why text not null,
    primary key (cache, rule, subject, at, from_state, to_state)
);
create index transitions_incident on transitions (incident);
create index transitions_at on transitions (at);

create table outbox (
    key text primary key,
    channel text not null,
    incident text not null,
    notification text not null,
    queued bigint not null,
    due bigint not null,
    attempts bigint not null,
    status text not null,
    claimed_by text,
    claimed_until bigint
);
create index outbox_channel on outbox (channel, status, due);
create index outbox_incident on outbox (incident);
create index outbox_queued on outbox (status, queued);

create table attempts (
    key text not null,
    at bigint not null,
    incident text not null,
    transition text not null,
    channel text not null,
    took_seconds double precision not null,
    code bigint,
    outcome text not null,
    why text,
    next_at bigint,
    primary key (key, at, incident)
);
create index attempts_incident on attempts (incident);
create index attempts_at on attempts (at);

create table silences (
    id text primary key,
    matchers text not null,
    author text not null,
    comment text not null,
    starts bigint not null,
    ends bigint not null,
    created bigint not null
);
create index silences_ends on silences (ends);

create table annotations (
    id text primary key,
    cache text,
    at bigint not null,
    ends bigint,
    kind text not null,
    said text not null
);
create index annotations_at on annotations (at);

-- width: seconds of the slot; at: when it began.
create table history (
    width bigint not null,
    cache text not null,
    at bigint not null,
    covered_seconds double precision not null,
    hits bigint,
    misses bigint,
    evictions bigint,
    expirations bigint,
    memory_used bigint,
    memory_limit bigint,
    miss_cost double precision,
    primary key (width, cache, at)
);
create index history_at on history (width, at);

create table namespace_history (
    width bigint not null,
    cache text not null,
    at bigint not null,
    namespace text not null,
    misses bigint not null,
    expired bigint not null,
    evicted bigint not null,
    deleted bigint not null,
    flushed bigint not null,
    never_seen bigint not null,
    unknown bigint not null,
    evictions bigint not null,
    expirations bigint not null,
    cost double precision,
    primary key (width, cache, at, namespace)
);
create index namespace_history_at on namespace_history (width, at);
