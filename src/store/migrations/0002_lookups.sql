-- Lookups by namespace. told_*, saved: what the application told. sampled_*: sums over samples, which may be added up.

alter table history add column saved double precision;
alter table history add column sampled_intervals bigint;
alter table history add column sampled_seconds double precision;
alter table history add column sampled_covered double precision;
alter table history add column sampled_lookups bigint;
alter table history add column sampled_all double precision;
alter table history add column sampled_all_squared double precision;
alter table history add column sampled_all_weighted double precision;

alter table namespace_history add column told_hits bigint;
alter table namespace_history add column told_misses bigint;
alter table namespace_history add column saved double precision;
alter table namespace_history add column sampled_lookups bigint;
alter table namespace_history add column sampled_misses bigint;
alter table namespace_history add column sampled_part double precision;
alter table namespace_history add column sampled_part_squared double precision;
alter table namespace_history add column sampled_product double precision;
