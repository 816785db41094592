-- Form 2: what `run` knows of the tree, and the numbers of mirrors. Tables of the tree begin with `tree_`.

-- What was believed the last time: how many directories there were, and how many files of mirrors.
create table tree_size (
    id integer primary key check (id = 1),
    time integer not null,
    directories integer not null,
    mirrors integer not null
);

-- Indexes as they were listed when they were read.
create table tree_index (
    path text primary key,
    size integer not null,
    time integer not null
) without rowid;

-- Their versions; `since` is when one became the current one.
create table tree_version (
    path text not null,
    sha256 text not null,
    since integer not null,
    time integer not null,
    size integer not null,
    md5 text not null,
    sha1 text not null,
    sha512 text not null,
    primary key (path, sha256)
) without rowid;

-- Mirrors by their files' names: their numbers, which are never given anew, and the last text that was good.
create table tree_host (
    name text primary key,
    number integer not null unique,
    time integer not null,
    text text not null
) without rowid;

-- Numbers of URLs.
create table tree_url (url text primary key, number integer not null unique) without rowid;
