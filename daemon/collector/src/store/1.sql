-- The state of mirrorlist-collect, form 1. Times are in seconds since the epoch.

-- "mlcs": whose file it is.
pragma application_id = 0x6d6c6373;

-- The last round of `check`.
create table round (
    id integer primary key check (id = 1),
    number integer not null,
    time integer not null,
    seconds real not null,
    hosts integer not null,
    good integer not null,
    failed integer not null,
    unknown integer not null,
    brakes text not null  -- a line each
);

-- URLs that are not simply well.
create table url (
    url text primary key,
    failures integer not null,
    good integer not null,
    since integer,
    until integer,
    reason text
) without rowid;

-- By host: bits of the families that it has (1 IPv4, 2 IPv6), and rounds that it has missed by each.
create table family (
    host integer primary key,
    has integer not null,
    missed4 integer not null,
    missed6 integer not null
);

-- Names of hosts, for what is kept of those that have gone.
create table host (id integer primary key, name text not null);

-- http URLs whose https gives the same, and when that was found out last.
create table also_https (url text primary key, time integer not null) without rowid;

-- What has changed, for 400 days.
create table change (
    time integer not null,
    host integer not null,
    url text not null,
    what text not null,
    why text not null
);
create index change_time on change (time);

-- Repositories whose way to the mirrors is followed.
create table repository (id integer primary key, name text not null unique);

-- How many hosts had which age of a repository, an hour each, for 400 days.
create table hourly (
    repository integer not null,
    hour integer not null,  -- when it begins
    current integer not null,
    one_day integer not null,
    two_days integer not null,
    older integer not null,
    no_answer integer not null,
    primary key (repository, hour)
) without rowid;

-- From when on a host had which age of a repository: 0 current to 3 older, 4 no answer, 5 none, for it was not measured; a row
-- for each change, for 400 days.
create table age (
    repository integer not null,
    host integer not null,
    time integer not null,
    age integer not null,
    primary key (repository, host, time)
) without rowid;
