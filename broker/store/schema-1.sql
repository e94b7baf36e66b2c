-- What a broker with the first schema had left behind; migration.test.ts begins with it. The sessions end in 2100.
PRAGMA user_version = 1;
CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  client_id TEXT NOT NULL UNIQUE,
  username TEXT NOT NULL,
  expiry_seconds INTEGER NOT NULL,
  ends_at INTEGER,
  sent INTEGER NOT NULL
) STRICT;
INSERT INTO session VALUES (1, 'away', 'try', 600, 4102444800000, 0);
INSERT INTO session VALUES (2, 'old', 'try', 2592000, 4102444800000, 0);
INSERT INTO session VALUES (3, 'sender', 'try', 600, NULL, 0);
CREATE TABLE subscription (
  session INTEGER NOT NULL,
  filter TEXT NOT NULL,
  qos INTEGER NOT NULL,
  retain_handling INTEGER,
  retain_as_published INTEGER,
  no_local INTEGER,
  identifier INTEGER,
  PRIMARY KEY (session, filter)
) STRICT, WITHOUT ROWID;
INSERT INTO subscription VALUES (1, 'try/#', 2, 2, 1, 1, 7);
INSERT INTO subscription VALUES (2, 'try/a', 1, NULL, NULL, NULL, NULL);
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  copies INTEGER NOT NULL,
  topic TEXT NOT NULL,
  payload ANY NOT NULL,
  details TEXT NOT NULL
) STRICT;
INSERT INTO message VALUES (1, 2, 'try/a', X'6F6E65', '{"properties":{"userProperties":[{"a":"b"}],"correlationData":"AP8="}}');
INSERT INTO message VALUES (2, 1, 'try/b', X'010002', '{}');
CREATE TABLE queue (
  session INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  message INTEGER,
  qos INTEGER NOT NULL,
  retain INTEGER NOT NULL,
  identifiers TEXT NOT NULL,
  size INTEGER NOT NULL,
  packet_id INTEGER,
  PRIMARY KEY (session, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO queue VALUES (1, 1, 1, 1, 0, '[7]', 264, NULL);
INSERT INTO queue VALUES (1, 2, 2, 2, 1, '[7]', 264, NULL);
INSERT INTO queue VALUES (2, 1, 1, 1, 0, '[]', 264, NULL);
CREATE TABLE received (
  session INTEGER NOT NULL,
  packet_id INTEGER NOT NULL,
  PRIMARY KEY (session, packet_id)
) STRICT, WITHOUT ROWID;
INSERT INTO received VALUES (3, 2);
CREATE TABLE retained (
  topic TEXT NOT NULL UNIQUE,
  payload ANY NOT NULL,
  details TEXT NOT NULL,
  size INTEGER NOT NULL
) STRICT;
INSERT INTO retained VALUES ('try/b', X'010002', '{"cmd":"publish","qos":2,"retain":true}', 8);
CREATE TABLE will (
  client_id TEXT NOT NULL UNIQUE,
  username TEXT NOT NULL,
  delay_seconds INTEGER NOT NULL,
  topic TEXT NOT NULL,
  payload ANY NOT NULL,
  details TEXT NOT NULL
) STRICT;
INSERT INTO will VALUES ('sender', 'try', 0, 'try/will', X'676F6E65', '{"retain":false,"qos":1,"clientId":"sender"}');
