-- Form 3: what `run` knows of mirrors. Times are in seconds since the epoch.

-- The units that mirrors are judged by. A number is never given again: what is known of mirrors names units by it.
create table mirror_unit (
    id integer primary key autoincrement,
    path text not null unique,
    category text not null,
    repository text,  -- NAME+ARCH
    revision integer not null,  -- goes up when the unit changes
    content blob not null  -- what tells whether it has; empty if there is nothing to ask for
);

-- What is known of each mirror.
create table mirror_record (
    name text primary key,
    seen integer not null,  -- when it was in the folder of mirrors
    known blob not null  -- packed; its form is that of the program
);

-- The last run.
create table mirror_run (
    id integer primary key check (id = 1),
    number integer not null,
    figures text not null  -- JSON
);
