BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'demo');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'team','"vision"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,0,3.05642731290616254113e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,1,6.11285462581232508227e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,2,9.16928193871848762341e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,2,0,3.50633634144925210307e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,1,7.01267268289850420615e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,2,1.05190090243477563092e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,3,0,3.1563346615527121397e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,3,1,6.31266932310542427941e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,3,2,9.46900398465813641912e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,4,0,3.17642676114433919476e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,4,1,6.35285352228867838952e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,4,2,9.5292802834330181394e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,5,0,3.23643457166590819973e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,5,1,6.47286914333181639946e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,5,2,9.7093037149977245992e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,6,0,3.16968059811193580976e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,6,1,6.33936119622387161953e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,6,2,9.5090417943358074293e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,8,0,3.1530187189047104157e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(20,8,1,6.30603743780942083141e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(21,8,2,9.459056156714130692e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(22,9,0,3.10441869181858398629e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(23,9,1,6.20883738363716797259e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(24,9,2,9.313256075455752514e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(25,10,0,3.13300733144238952032e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(26,10,1,6.26601466288477904065e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(27,10,2,9.39902199432716911609e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(28,11,0,3.27968282338642613815e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(29,11,1,6.55936564677285227631e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(30,11,2,9.83904847015927841447e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(31,12,0,3.15169312097353437884e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(32,12,1,6.30338624194706875769e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(33,12,2,9.45507936292060313654e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(34,13,0,3.23067068380416599904e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(35,13,1,6.46134136760833199808e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(36,13,2,9.69201205141249744201e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(37,14,0,3.10309887559741093276e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(38,14,1,6.20619775119482186553e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(39,14,2,9.3092966267922327983e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(40,15,0,3.14294588170781652447e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(41,15,1,6.28589176341563304895e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(42,15,2,9.42883764512344790809e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(43,16,0,3.19261060525421525024e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(44,16,1,0.638522121050843,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(45,16,2,9.57783181576264630585e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(46,17,0,3.20301410009698750425e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(47,17,1,6.4060282001939750085e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(48,17,2,9.60904230029096084741e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(49,18,0,3.32633866238437547746e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(50,18,1,6.65267732476875095493e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(51,18,2,9.9790159871531269875e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(52,19,0,3.28234493934414117699e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(53,19,1,6.56468987868828235399e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(54,19,2,9.84703481803242297587e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(55,20,0,3.16642964576810681531e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(56,20,1,6.33285929153621363063e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(57,20,2,9.49928893730432100106e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(58,21,0,3.27303628036160476622e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(59,21,1,0.654607256072321,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(60,21,2,9.81910884108481485377e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(61,22,0,3.20302692171067604487e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(62,22,1,6.40605384342135208974e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(63,22,2,9.60908076513202868973e-01,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'lr',7.38107054353044356176e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(2,1,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(3,1,'dropout',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(4,1,'batch',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(5,1,'kernel',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(6,1,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(7,1,'momentum',5.60722968413087698158e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(8,1,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(9,1,'n_layers',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(10,1,'units_0',16.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(11,1,'units_1',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(12,1,'units_2',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(13,2,'lr',4.5223999288437469789e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(14,2,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(15,2,'dropout',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(16,2,'batch',52.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(17,2,'kernel',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(18,2,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(19,2,'momentum',4.74488653390781389695e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(20,2,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(21,2,'C',1.81433767280988700321e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(22,3,'lr',1.99431771985771093746e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(23,3,'model',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(24,3,'dropout',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(25,3,'batch',7.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(26,3,'kernel',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(27,3,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(28,3,'momentum',4.6952651020046221042e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(29,3,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(30,4,'lr',1.51638893523719868981e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(31,4,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(32,4,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(33,4,'batch',3.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(34,4,'kernel',7.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(35,4,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(36,4,'momentum',3.8370248354506192312e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(37,4,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(38,4,'n_layers',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(39,4,'units_0',48.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(40,4,'units_1',32.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(41,5,'lr',1.65563062733401281101e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(42,5,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(43,5,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(44,5,'batch',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(45,5,'kernel',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(46,5,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(47,5,'momentum',1.64200864114086159117e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(48,5,'amp',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(49,5,'n_layers',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(50,5,'units_0',32.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(51,5,'units_1',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(52,5,'units_2',32.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(53,6,'lr',2.11201993135750639004e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(54,6,'model',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(55,6,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(56,6,'batch',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(57,6,'kernel',7.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(58,6,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(59,6,'momentum',1.22726854291551057407e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(60,6,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(61,7,'lr',1.14534383802030945154e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(62,7,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(63,7,'dropout',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(64,7,'batch',10.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(65,8,'lr',0.000284840269615527,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(66,8,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(67,8,'dropout',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(68,8,'batch',6.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(69,8,'kernel',7.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(70,8,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(71,8,'momentum',4.21853496995327703622e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(72,8,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(73,8,'C',5.15141193001990593813e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(74,9,'lr',5.09193408356573284923e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(75,9,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(76,9,'dropout',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(77,9,'batch',3.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(78,9,'kernel',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(79,9,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(80,9,'momentum',4.25359178249195779564e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(81,9,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(82,9,'C',4.42398629020118061561e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(83,10,'lr',1.10583066575962714415e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(84,10,'model',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(85,10,'dropout',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(86,10,'batch',10.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(87,10,'kernel',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(88,10,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(89,10,'momentum',3.66499358797997498715e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(90,10,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(91,11,'lr',2.4536089482831932064e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(92,11,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(93,11,'dropout',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(94,11,'batch',24.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(95,11,'kernel',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(96,11,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(97,11,'momentum',8.49417755294741061433e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(98,11,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(99,11,'n_layers',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(100,11,'units_0',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(101,11,'units_1',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(102,12,'lr',8.41084590849094232423e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(103,12,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(104,12,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(105,12,'batch',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(106,12,'kernel',7.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(107,12,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(108,12,'momentum',2.67451300832226290804e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(109,12,'amp',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(110,12,'C',2.79746744136498781685e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(111,13,'lr',6.29036374812759757624e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(112,13,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(113,13,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(114,13,'batch',2.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(115,13,'kernel',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(116,13,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(117,13,'momentum',7.03378011507938771806e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(118,13,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(119,13,'C',7.23247600210370134021e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(120,14,'lr',1.61326518980014327851e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(121,14,'model',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(122,14,'dropout',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(123,14,'batch',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(124,14,'kernel',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(125,14,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(126,14,'momentum',3.7002236500096297167e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(127,14,'amp',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(128,15,'lr',2.07812563115340707964e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(129,15,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(130,15,'dropout',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(131,15,'batch',3.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(132,15,'kernel',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(133,15,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(134,15,'momentum',2.95489923192817360853e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(135,15,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(136,15,'C',9.20787474220918866762e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(137,16,'lr',7.49370343004314293233e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(138,16,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(139,16,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(140,16,'batch',32.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(141,16,'kernel',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(142,16,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(143,16,'momentum',3.18424336433300425586e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(144,16,'amp',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(145,16,'C',2.29365120680747480719e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(146,17,'lr',2.13786692303828511352e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(147,17,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(148,17,'dropout',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(149,17,'batch',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(150,17,'kernel',7.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(151,17,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(152,17,'momentum',0.851245465207899,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(153,17,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(154,17,'n_layers',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(155,17,'units_0',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(156,17,'units_1',48.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(157,18,'lr',1.99197421683890742161e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(158,18,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(159,18,'dropout',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(160,18,'batch',18.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(161,18,'kernel',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(162,18,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(163,18,'momentum',4.43067115677066358792e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(164,18,'amp',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(165,18,'n_layers',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(166,18,'units_0',16.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(167,19,'lr',2.72197037360589789989e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(168,19,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(169,19,'dropout',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(170,19,'batch',5.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(171,19,'kernel',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(172,19,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(173,19,'momentum',5.0683791143693324166e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(174,19,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(175,19,'n_layers',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(176,19,'units_0',32.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(177,19,'units_1',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(178,19,'units_2',16.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(179,20,'lr',1.56754664596339492697e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(180,20,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(181,20,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(182,20,'batch',20.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(183,20,'kernel',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(184,20,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(185,20,'momentum',3.68250131981634420963e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(186,20,'amp',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(187,20,'n_layers',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(188,20,'units_0',48.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(189,20,'units_1',16.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(190,21,'lr',5.59878627977128937899e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(191,21,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(192,21,'dropout',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(193,21,'batch',2.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(194,21,'kernel',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(195,21,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(196,21,'momentum',2.10402387204929819386e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.9, "log": false}}');
INSERT INTO "trial_params" VALUES(197,21,'amp',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(198,21,'C',8.40323589903747780738e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.1, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(199,22,'lr',4.1232630941430642793e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(200,22,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["svc", "mlp", null]}}');
INSERT INTO "trial_params" VALUES(201,22,'dropout',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(202,22,'batch',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(203,22,'kernel',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 3, "high": 9}}');
INSERT INTO "trial_params" VALUES(204,22,'epochs',10.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 10, "high": 10}}');
INSERT INTO "trial_params" VALUES(205,22,'momentum',5.22576209916347234063e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(206,22,'amp',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(207,22,'n_layers',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(208,22,'units_0',16.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
INSERT INTO "trial_params" VALUES(209,22,'units_1',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 16, "low": 16, "high": 64}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,23,'fixed_params','{"lr": 0.01}');
INSERT INTO "trial_system_attributes" VALUES(2,24,'fixed_params','{"lr": 0.02, "model": "svc", "C": 1.0}');
INSERT INTO "trial_system_attributes" VALUES(3,25,'fixed_params','{"lr": 0.03, "epochs": 10}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'host','"node-0"');
INSERT INTO "trial_user_attributes" VALUES(2,2,'host','"node-1"');
INSERT INTO "trial_user_attributes" VALUES(3,3,'host','"node-2"');
INSERT INTO "trial_user_attributes" VALUES(4,4,'host','"node-0"');
INSERT INTO "trial_user_attributes" VALUES(5,5,'host','"node-1"');
INSERT INTO "trial_user_attributes" VALUES(6,6,'host','"node-2"');
INSERT INTO "trial_user_attributes" VALUES(7,8,'host','"node-1"');
INSERT INTO "trial_user_attributes" VALUES(8,9,'host','"node-2"');
INSERT INTO "trial_user_attributes" VALUES(9,10,'host','"node-0"');
INSERT INTO "trial_user_attributes" VALUES(10,11,'host','"node-1"');
INSERT INTO "trial_user_attributes" VALUES(11,12,'host','"node-2"');
INSERT INTO "trial_user_attributes" VALUES(12,13,'host','"node-0"');
INSERT INTO "trial_user_attributes" VALUES(13,14,'host','"node-1"');
INSERT INTO "trial_user_attributes" VALUES(14,15,'host','"node-2"');
INSERT INTO "trial_user_attributes" VALUES(15,16,'host','"node-0"');
INSERT INTO "trial_user_attributes" VALUES(16,17,'host','"node-1"');
INSERT INTO "trial_user_attributes" VALUES(17,18,'host','"node-2"');
INSERT INTO "trial_user_attributes" VALUES(18,19,'host','"node-0"');
INSERT INTO "trial_user_attributes" VALUES(19,20,'host','"node-1"');
INSERT INTO "trial_user_attributes" VALUES(20,21,'host','"node-2"');
INSERT INTO "trial_user_attributes" VALUES(21,22,'host','"node-0"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,9.16928193871848762341e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,1.05190090243477563092e+00,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,9.46900398465813641912e-01,'FINITE');
INSERT INTO "trial_values" VALUES(4,4,0,9.5292802834330181394e-01,'FINITE');
INSERT INTO "trial_values" VALUES(5,5,0,9.7093037149977245992e-01,'FINITE');
INSERT INTO "trial_values" VALUES(6,8,0,NULL,'INF_POS');
INSERT INTO "trial_values" VALUES(7,9,0,9.313256075455752514e-01,'FINITE');
INSERT INTO "trial_values" VALUES(8,10,0,9.39902199432716800586e-01,'FINITE');
INSERT INTO "trial_values" VALUES(9,11,0,9.83904847015927841447e-01,'FINITE');
INSERT INTO "trial_values" VALUES(10,12,0,9.45507936292060313654e-01,'FINITE');
INSERT INTO "trial_values" VALUES(11,13,0,9.69201205141249744201e-01,'FINITE');
INSERT INTO "trial_values" VALUES(12,14,0,9.3092966267922327983e-01,'FINITE');
INSERT INTO "trial_values" VALUES(13,15,0,9.42883764512344901831e-01,'FINITE');
INSERT INTO "trial_values" VALUES(14,16,0,9.57783181576264519563e-01,'FINITE');
INSERT INTO "trial_values" VALUES(15,17,0,9.60904230029096195764e-01,'FINITE');
INSERT INTO "trial_values" VALUES(16,18,0,9.9790159871531269875e-01,'FINITE');
INSERT INTO "trial_values" VALUES(17,19,0,9.84703481803242297587e-01,'FINITE');
INSERT INTO "trial_values" VALUES(18,20,0,0.949928893730432,'FINITE');
INSERT INTO "trial_values" VALUES(19,21,0,9.81910884108481485377e-01,'FINITE');
INSERT INTO "trial_values" VALUES(20,22,0,9.60908076513202868973e-01,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-29 00:31:09.754356','2026-11-29 00:31:10.491183');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-29 00:31:10.569232','2026-11-29 00:31:11.099331');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-29 00:31:11.158838','2026-11-29 00:31:11.608202');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-29 00:31:11.669344','2026-11-29 00:31:12.166009');
INSERT INTO "trials" VALUES(5,4,1,'PRUNED','2026-11-29 00:31:12.222865','2026-11-29 00:31:12.660843');
INSERT INTO "trials" VALUES(6,5,1,'FAIL','2026-11-29 00:31:12.695207','2026-11-29 00:31:12.983490');
INSERT INTO "trials" VALUES(7,6,1,'FAIL','2026-11-29 00:31:13.022223','2026-11-29 00:31:13.192150');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-29 00:31:13.242034','2026-11-29 00:31:13.736412');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-29 00:31:13.788934','2026-11-29 00:31:14.142839');
INSERT INTO "trials" VALUES(10,9,1,'COMPLETE','2026-11-29 00:31:14.166842','2026-11-29 00:31:14.523409');
INSERT INTO "trials" VALUES(11,10,1,'COMPLETE','2026-11-29 00:31:14.576144','2026-11-29 00:31:15.117396');
INSERT INTO "trials" VALUES(12,11,1,'COMPLETE','2026-11-29 00:31:15.177594','2026-11-29 00:31:15.545707');
INSERT INTO "trials" VALUES(13,12,1,'COMPLETE','2026-11-29 00:31:15.609122','2026-11-29 00:31:16.074683');
INSERT INTO "trials" VALUES(14,13,1,'COMPLETE','2026-11-29 00:31:16.117977','2026-11-29 00:31:16.534964');
INSERT INTO "trials" VALUES(15,14,1,'COMPLETE','2026-11-29 00:31:16.594669','2026-11-29 00:31:17.076351');
INSERT INTO "trials" VALUES(16,15,1,'COMPLETE','2026-11-29 00:31:17.122636','2026-11-29 00:31:17.601741');
INSERT INTO "trials" VALUES(17,16,1,'COMPLETE','2026-11-29 00:31:17.657950','2026-11-29 00:31:18.171879');
INSERT INTO "trials" VALUES(18,17,1,'COMPLETE','2026-11-29 00:31:18.214883','2026-11-29 00:31:18.537335');
INSERT INTO "trials" VALUES(19,18,1,'COMPLETE','2026-11-29 00:31:18.574395','2026-11-29 00:31:19.076511');
INSERT INTO "trials" VALUES(20,19,1,'COMPLETE','2026-11-29 00:31:19.117294','2026-11-29 00:31:19.656855');
INSERT INTO "trials" VALUES(21,20,1,'COMPLETE','2026-11-29 00:31:19.705972','2026-11-29 00:31:20.154611');
INSERT INTO "trials" VALUES(22,21,1,'COMPLETE','2026-11-29 00:31:20.191961','2026-11-29 00:31:20.569577');
INSERT INTO "trials" VALUES(23,22,1,'RUNNING','2026-11-29 00:31:20.665621',NULL);
INSERT INTO "trials" VALUES(24,23,1,'WAITING',NULL,NULL);
INSERT INTO "trials" VALUES(25,24,1,'WAITING',NULL,NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
