-- The tables of MirrorManager that its cache is made from, with what they refer to; columns, types and constraints are its own.
create table site (
  id serial primary key, name text not null, password text, org_url text,
  private boolean not null, admin_active boolean not null, user_active boolean not null,
  created_at timestamp not null, created_by text not null, all_sites_can_pull_from_me boolean not null,
  downstream_comments text, email_on_drop boolean not null, email_on_add boolean not null);
create table host (
  id serial primary key, name text not null, site_id integer references site, robot_email text,
  admin_active boolean not null, user_active boolean not null, country text not null, bandwidth_int integer,
  comment text, config bytea, last_checked_in timestamp, last_crawled timestamp,
  private boolean not null, internet2 boolean not null, internet2_clients boolean not null,
  asn integer, asn_clients boolean not null, max_connections integer not null, last_crawl_duration bigint,
  crawl_failures integer not null, disable_reason text, push_ssh_private_key text, push_ssh_host text,
  push_ssh_command text, last_crawls bytea, latitude double precision, longitude double precision,
  unique (site_id, name));
create table arch (id serial primary key, name text not null unique, publiclist boolean not null, primary_arch boolean not null);
create table product (id serial primary key, name text not null unique, publiclist boolean not null);
create table version (
  id serial primary key, name text, codename text, is_test boolean not null, display boolean not null, display_name text,
  ordered_mirrorlist boolean not null, sortorder integer not null, product_id integer references product,
  unique (name, product_id));
create table directory (
  id serial primary key, name text not null unique, files bytea, readable boolean not null, ctime bigint);
create table category (
  id serial primary key, name text not null unique, canonicalhost text, publiclist boolean not null, geo_dns_domain text,
  admin_only boolean, product_id integer references product, topdir_id integer references directory);
create table category_directory (
  category_id integer not null references category, directory_id integer not null references directory,
  primary key (category_id, directory_id));
create table repository (
  id serial primary key, name text not null unique, prefix text, category_id integer references category,
  version_id integer references version, arch_id integer references arch, directory_id integer references directory,
  disabled boolean not null, unique (prefix, arch_id));
create table file_detail (
  id serial primary key, filename text not null, "timestamp" bigint, size bigint,
  sha1 text, md5 text, sha256 text, sha512 text, directory_id integer not null references directory);
create table host_category (
  id serial primary key, host_id integer references host, category_id integer references category on delete cascade,
  always_up2date boolean not null, unique (host_id, category_id));
create table host_category_dir (
  id serial primary key, host_category_id integer not null references host_category on update cascade on delete cascade,
  path text, up2date boolean not null, directory_id integer references directory on delete cascade,
  unique (host_category_id, path));
create table host_category_url (
  id serial primary key, host_category_id integer not null references host_category on update cascade on delete cascade,
  url text not null unique, private boolean not null, unique (host_category_id, url));
create table host_netblock (id serial primary key, netblock text, name text, host_id integer references host);
create table host_peer_asn (
  id serial primary key, asn integer not null, name text, host_id integer references host, unique (host_id, asn));
create table host_country_allowed (id serial primary key, country text not null unique, host_id integer references host);
create table country (id serial primary key, code text not null unique);
create table host_country (
  id serial primary key, country_id integer not null references country, host_id integer not null references host,
  unique (host_id, country_id));
create table repository_redirect (
  id serial primary key, to_repo text, from_repo text not null unique, unique (from_repo, to_repo));
create table country_continent_redirect (id serial primary key, country text not null unique, continent text not null);
create table netblock_country (id serial primary key, netblock text not null unique, country text not null);
create index on host_category_dir (up2date);
create index on host_category_url (private);
create index on file_detail ("timestamp");
