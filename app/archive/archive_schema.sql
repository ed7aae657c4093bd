-- The schema of the archive, for PostgreSQL and SQLite. Each part behind "-- migration N" is applied once, in order;
-- a part that is in use is never changed. Lines that begin with @p are PostgreSQL's alone, those with @s SQLite's.
-- Times are ms since 1970. month: in which the call began, as YYYYMM, by its id alone, so all rows of a call are in
-- one partition; 0: the call was made by a command, and its id has no time.

-- migration 1

-- Where the next entry of a stream begins: behind this one, which stays in the stream. own: its id of ours, as the
-- same id of the stream may be another entry after a failover.
CREATE TABLE mark (
	source TEXT PRIMARY KEY,
	entry TEXT NOT NULL,
	own TEXT NOT NULL,
	saved_ms BIGINT NOT NULL
);

-- A pair of parties: one call record. That of the higher revision counts.
CREATE TABLE leg (
	month INTEGER NOT NULL,
	call BIGINT NOT NULL,
	leg INTEGER NOT NULL,
	revision BIGINT NOT NULL,
	began_ms BIGINT NOT NULL,
	ringing_ms BIGINT NOT NULL,
	answered_ms BIGINT NOT NULL,
	ended_ms BIGINT NOT NULL,
	talk_ms BIGINT NOT NULL,
	sip_status INTEGER NOT NULL,
	q850 INTEGER NOT NULL,
	mos INTEGER NOT NULL,
	tenant TEXT NOT NULL,
	from_number TEXT NOT NULL,
	from_name TEXT NOT NULL,
	from_trunk TEXT NOT NULL,
	to_number TEXT NOT NULL,
	to_trunk TEXT NOT NULL,
	answered_by TEXT NOT NULL,
	forwarded_to TEXT NOT NULL,
	missed TEXT NOT NULL,
	grp TEXT NOT NULL,
	dnis TEXT NOT NULL,
	account TEXT NOT NULL,
	flow TEXT NOT NULL,
	path TEXT NOT NULL,
	recordings TEXT NOT NULL,
	message TEXT NOT NULL,
	cause TEXT NOT NULL,
	detail TEXT NOT NULL,
	PRIMARY KEY (month, call, leg)
)
@p PARTITION BY LIST (month)
;

-- A conversation: all legs of a call. owners: in whose lists it is, one a line. words: what a text is looked for in.
CREATE TABLE conversation (
	month INTEGER NOT NULL,
	call BIGINT NOT NULL,
	legs INTEGER NOT NULL,
	direction INTEGER NOT NULL,
	result INTEGER NOT NULL,
	flags INTEGER NOT NULL,
	mos INTEGER NOT NULL,
	began_ms BIGINT NOT NULL,
	answered_ms BIGINT NOT NULL,
	ended_ms BIGINT NOT NULL,
	talk_ms BIGINT NOT NULL,
	tenant TEXT NOT NULL,
	from_number TEXT NOT NULL,
	from_name TEXT NOT NULL,
	to_number TEXT NOT NULL,
	answered_by TEXT NOT NULL,
	grp TEXT NOT NULL,
	dnis TEXT NOT NULL,
	account TEXT NOT NULL,
	flow TEXT NOT NULL,
	path TEXT NOT NULL,
	recordings TEXT NOT NULL,
	message TEXT NOT NULL,
	cause TEXT NOT NULL,
	owners TEXT NOT NULL,
	words TEXT NOT NULL,
	PRIMARY KEY (month, call)
)
@p PARTITION BY LIST (month)
;

-- The lists: of a tenant (owner is empty), a user (u1001), a group (gsales), a number outside (n+49...). A page is a
-- range of this one index.
CREATE TABLE listing (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	ended_ms BIGINT NOT NULL,
	call BIGINT NOT NULL,
	month INTEGER NOT NULL,
	direction INTEGER NOT NULL,
	result INTEGER NOT NULL,
	flags INTEGER NOT NULL,
	PRIMARY KEY (tenant, owner, ended_ms, call, month)
@p	INCLUDE (direction, result, flags)
)
@p PARTITION BY LIST (month)
@s WITHOUT ROWID
;

-- What somebody took out of his list: one conversation, which has a flag there, or all that had ended. It stays out
-- when it is read again.
CREATE TABLE hidden (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	call BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	PRIMARY KEY (tenant, owner, call)
);
CREATE TABLE cleared (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	until_ms BIGINT NOT NULL,
	PRIMARY KEY (tenant, owner)
);
CREATE TABLE note (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	call BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	text TEXT NOT NULL,
	PRIMARY KEY (tenant, owner, call)
);

-- Persons and tenants that were erased, up to that time. who: a digest; empty: the whole tenant.
CREATE TABLE erasure (
	tenant TEXT NOT NULL,
	who TEXT NOT NULL,
	until_ms BIGINT NOT NULL,
	PRIMARY KEY (tenant, who)
);

-- Entries of the audit, events of messages and of agents; kind is enum archive_kind.
CREATE TABLE event (
	own TEXT PRIMARY KEY,
	kind INTEGER NOT NULL,
	utc_ms BIGINT NOT NULL,
	tenant TEXT NOT NULL,
	type TEXT NOT NULL,
	subject TEXT NOT NULL,
	who TEXT NOT NULL,
	body TEXT NOT NULL
);
CREATE INDEX event_time ON event (tenant, kind, utc_ms, own);
CREATE INDEX event_subject ON event (tenant, subject, utc_ms);

-- migration 2

-- People. owner: d, the book of the tenant; u1001, that of an extension; of contact_book also t, all books of the
-- tenant. Each change counts on the revision of its book, whose row it locks.
CREATE TABLE contact_book (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	revision BIGINT NOT NULL,
	entries INTEGER NOT NULL,
	PRIMARY KEY (tenant, owner)
);

-- card: a contact as JSON. sort, name, number, company: what lists are in order of. words: what a text is looked for
-- in.
CREATE TABLE contact (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	id TEXT
@p	COLLATE "C"
	NOT NULL,
	revision BIGINT NOT NULL,
	changed_ms BIGINT NOT NULL,
	flags INTEGER NOT NULL,
	sort TEXT
@p	COLLATE "C"
	NOT NULL,
	name TEXT
@p	COLLATE "C"
	NOT NULL,
	number TEXT
@p	COLLATE "C"
	NOT NULL,
	company TEXT
@p	COLLATE "C"
	NOT NULL,
	words TEXT NOT NULL,
	card TEXT NOT NULL,
	PRIMARY KEY (tenant, owner, id)
);
CREATE INDEX contact_sort ON contact (tenant, owner, sort, id, words, flags);

-- By what forms of its numbers a contact is found.
CREATE TABLE contact_number (
	tenant TEXT NOT NULL,
	normal TEXT NOT NULL,
	owner TEXT NOT NULL,
	id TEXT NOT NULL,
	PRIMARY KEY (tenant, normal, owner, id)
);
CREATE INDEX contact_number_of ON contact_number (tenant, owner, id);

-- Notes of an owner: about contact/ID of the own book, directory/ID, extension/NUMBER, or me.
CREATE TABLE contact_note (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	about TEXT NOT NULL,
	note BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	archived INTEGER NOT NULL,
	text TEXT NOT NULL,
	PRIMARY KEY (tenant, owner, about, note)
);
CREATE INDEX contact_note_about ON contact_note (tenant, about);

-- migration 3

-- For CardDAV. epoch: when the book was first written in this database, in ms: what clients know of another one is not
-- of this. pruned: what was deleted up to this revision is forgotten. uid: of the vCard.
ALTER TABLE contact_book ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE contact_book ADD COLUMN pruned BIGINT NOT NULL DEFAULT 0;
ALTER TABLE contact ADD COLUMN uid TEXT NOT NULL DEFAULT '';
CREATE INDEX contact_revision ON contact (tenant, owner, revision);
CREATE INDEX contact_uid ON contact (tenant, owner, uid);

-- Contacts that were deleted, at that revision of their book.
CREATE TABLE contact_gone (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	id TEXT
@p	COLLATE "C"
	NOT NULL,
	revision BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	PRIMARY KEY (tenant, owner, id)
);
CREATE INDEX contact_gone_revision ON contact_gone (tenant, owner, revision);

-- migration 4

-- A number is looked up by its primary key. An index that began with the owner was taken for that, too, and a look-up
-- then read a book from end to end. With PostgreSQL ids compare as those of contact do, else no index joins them.
@p ALTER TABLE contact_number ALTER COLUMN id TYPE TEXT COLLATE "C";
DROP INDEX contact_number_of;
CREATE INDEX contact_number_of ON contact_number (tenant, id, owner);

-- migration 5

-- Of calls that come in, those that have something here are found by their ids.
CREATE INDEX hidden_call ON hidden (call);

-- migration 6

-- What a person did is exported, and erased.
CREATE INDEX event_who ON event (tenant, who, utc_ms);

-- migration 7

-- The second part of the id that the entry had in its stream: those of one millisecond in order. -1: not known.
ALTER TABLE event ADD COLUMN seq BIGINT NOT NULL DEFAULT -1;

-- migration 8

-- Conversations of a user that are logged in a CRM. record: its id there; empty: a page asked for it at asked_ms, and
-- nobody knows whether it is there. ended_ms: the end of the conversation that it tells; 0: none. The row of call 0:
-- what ended behind ended_ms is to have a log.
CREATE TABLE logged (
	tenant TEXT NOT NULL,
	owner TEXT NOT NULL,
	call BIGINT NOT NULL,
	asked_ms BIGINT NOT NULL,
	ended_ms BIGINT NOT NULL,
	record TEXT NOT NULL,
	PRIMARY KEY (tenant, owner, call)
);
CREATE INDEX logged_since ON logged (tenant, owner) WHERE call = 0;

-- migration 9

-- Contacts of other services. sync: the one that it is of, empty: none. seen_ms: a run has last had it from there.
ALTER TABLE contact ADD COLUMN sync TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN seen_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX contact_synced ON contact (tenant, sync, seen_ms) WHERE sync <> '';

-- Syncs. changed_ms: of the document. due_ms: the next run; wait_ms: the service wants none before. run: counts, and
-- the newest one alone may write; until_ms: its lease, 0: none is under way. token: where changes go on; empty: all is
-- read. began_ms: of the run that reads all: what it has not seen goes; 0: none does.
CREATE TABLE contact_sync (
	tenant TEXT NOT NULL,
	sync TEXT NOT NULL,
	owner TEXT NOT NULL,
	changed_ms BIGINT NOT NULL,
	due_ms BIGINT NOT NULL,
	wait_ms BIGINT NOT NULL DEFAULT 0,
	run BIGINT NOT NULL DEFAULT 0,
	until_ms BIGINT NOT NULL DEFAULT 0,
	token TEXT NOT NULL DEFAULT '',
	began_ms BIGINT NOT NULL DEFAULT 0,
	ran_ms BIGINT NOT NULL DEFAULT 0,
	good_ms BIGINT NOT NULL DEFAULT 0,
	failed BIGINT NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	detail TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (tenant, sync)
);
CREATE INDEX contact_sync_due ON contact_sync (due_ms);
CREATE INDEX contact_sync_until ON contact_sync (tenant, until_ms);

-- migration 10
-- server: a number of service, url, login and account; where it stays, wait_ms does.

ALTER TABLE contact_sync ADD COLUMN server BIGINT NOT NULL DEFAULT 0;

-- migration 0
-- Of each session: rows that come many at once.

CREATE TEMP TABLE new_call (month INTEGER NOT NULL, call BIGINT NOT NULL)
@p ON COMMIT DELETE ROWS
;
@p CREATE TEMP TABLE new_leg (LIKE leg) ON COMMIT DELETE ROWS;
@p CREATE TEMP TABLE new_conversation (LIKE conversation) ON COMMIT DELETE ROWS;
@p CREATE TEMP TABLE new_listing (LIKE listing) ON COMMIT DELETE ROWS;
@p CREATE TEMP TABLE new_event (LIKE event) ON COMMIT DELETE ROWS;
@s CREATE TEMP TABLE new_leg AS SELECT * FROM leg WHERE false;
@s CREATE TEMP TABLE new_conversation AS SELECT * FROM conversation WHERE false;
@s CREATE TEMP TABLE new_listing AS SELECT * FROM listing WHERE false;
@s CREATE TEMP TABLE new_event AS SELECT * FROM event WHERE false;
