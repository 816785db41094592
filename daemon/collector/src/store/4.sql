-- Form 4: which version of an index is the current one is not told by times, for clocks are set back.

-- 0 the current one, 1 the one before it, and so on.
alter table tree_version add column place integer not null default 0;
