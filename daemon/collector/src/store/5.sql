-- Form 5: what has gone from the primary is believed slowly.

-- For how many runs in a row a repository has had no index.
alter table tree_index add column missed integer not null default 0;

-- What was believed the last time, beside what stands there.
alter table tree_size add column repositories integer not null default 0;

-- By category, how many directories were believed the last time.
create table tree_category (name text primary key, directories integer not null) without rowid;
