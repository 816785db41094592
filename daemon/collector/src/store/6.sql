-- Form 6: a list that loses most of its mirrors at once is not believed.

-- How many mirrors were listed the last time, in all and for each category.
alter table tree_size add column listed integer not null default 0;
alter table tree_category add column listed integer not null default 0;

-- Lists in a row that were not believed.
alter table tree_size add column refused integer not null default 0;
