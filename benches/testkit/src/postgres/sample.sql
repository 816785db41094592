-- One row and more for each rule; what comes of them is in the collector's tests.
insert into site values (1,'Pub',null,'http://pub.example',false,true,true,now(),'x',false,null,false,false),
 (2,'Corp',null,null,true,true,true,now(),'x',false,null,false,false), (3,'Off',null,null,false,false,true,now(),'x',false,null,false,false);
insert into host (id,name,site_id,admin_active,user_active,country,bandwidth_int,private,internet2,internet2_clients,asn,asn_clients,
 max_connections,crawl_failures) values (1,'a',1,true,true,'de',1000,false,true,false,680,true,1,0),
 (2,'b',1,true,true,'US',200000,false,false,false,null,true,1,0), (3,'c',2,true,true,'de',0,false,false,false,null,false,1,0),
 (4,'d',3,true,true,'DE',100,false,false,false,null,true,1,0), (5,'e',1,true,false,'DE',100,false,false,false,null,true,1,0),
 (6,'f',1,true,true,'FR',100,false,false,false,null,true,1,0);
insert into arch values (1,'x86_64',true,true), (2,'source',false,false);
insert into product values (1,'Fedora',true);
insert into version values (1,'42',null,false,true,null,true,0,1);
insert into directory (id,name,readable) values (1,'pub/fedora/linux',true), (2,'pub/fedora/linux/updates/42/Everything/x86_64',true),
 (3,'pub/fedora/linux/updates/42/Everything/x86_64/repodata',true), (4,'pub/other',true);
insert into category values (1,'Fedora Linux',null,true,null,false,1,1);
insert into category_directory values (1,1),(1,2),(1,3);
insert into repository values (1,'pub/fedora/linux/updates/42/Everything/x86_64','updates-released-f42',1,1,1,2,false),
 (2,'gone','fedora-old',1,1,1,null,true);
insert into file_detail (filename,"timestamp",size,sha256,directory_id) values ('repomd.xml',100,10,'aa',3), ('repomd.xml',200,11,'bb',3);
insert into host_category values (1,1,1,false),(2,2,1,true),(3,3,1,false),(4,4,1,true),(5,5,1,true),(6,6,1,true);
insert into host_category_dir values (1,1,'/updates/42/Everything/x86_64',true,2), (2,1,'/updates/42/Everything/x86_64/repodata',false,3),
 (3,3,'updates/42/Everything/x86_64/repodata',true,3);
insert into host_category_url values (1,1,'http://a.example/linux',false), (2,1,'rsync://a.example/linux',true),
 (3,2,'https://b.example/linux',false), (4,3,'http://c.corp/linux',false), (5,6,'https://f.example/linux',true);
insert into host_netblock values (1,'192.0.2.0/24','n',3), (2,' 198.51.100.7','n',1);
insert into host_peer_asn values (1,64500,null,2);
insert into host_country_allowed values (1,'us',2);
insert into repository_redirect values (1,'updates-released-f42','updates-f42'), (2,null,'nothing');
insert into country_continent_redirect values (1,'IL','EU');
insert into netblock_country values (1,'203.0.113.0/24','NL');
