-- Form 7: lists of hashes are read when they change, and one that cannot be read says what it said.

-- Such lists as they were listed when they were read, and their lines that say something.
create table tree_list (
    path text primary key,
    size integer not null,  -- 0 if it is read again in any case
    time integer not null,
    said text not null
);
