/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts: people outside, in the book of an extension or of the tenant. A contact is an object of
 * JSON, the same in commands, files and the database:
 *
 *     name, first_name, middle_name, last_name, prefix, suffix, company, department, title, note
 *     phones   a list: number, kind (contact_kinds), params and group of its vCard
 *     emails   a list: address, kind, params and group
 *     default_number   one of its numbers
 *     line     the number as which one calls it
 *     photo    data:image/jpeg;base64,... or data:image/png;base64,..., or a link
 *     uid, rev of its vCard; uid where the contact's id is another
 *     kept     lines of its vCard that mean nothing here
 *     sync     the name of the sync that it is of (contact_sync.c)
 *
 * Members without a value are absent. One thread; nothing is kept but what an argument says.
 */
#ifndef APP_ARCHIVE_CONTACT_CONTACT_H
#define APP_ARCHIVE_CONTACT_CONTACT_H

#include "app/archive/archive_request.h"
#include "sig/dial/dial.h"

enum {
	CONTACT_NAME_MAX = 63, /* octets of names, company and numbers: what lists are sorted by */
	CONTACT_TEXT_MAX = 255,
	CONTACT_NOTE_MAX = 4000,
	CONTACT_PHOTO_MAX = 48 << 10,  /* octets of its text, */
	CONTACT_PHOTO_SIDE_MAX = 4096, /* and pixels of a side */
	CONTACT_KEPT_MAX = 32 << 10,
	CONTACT_PHONES_MAX = 16,
	CONTACT_EMAILS_MAX = 8,
	CONTACT_ID_MAX = 64, /* with its NUL */
	CONTACT_FILE_MAX = 1 << 20,
	CONTACT_NORMAL_FORMS = 2,    /* of one number */
	CONTACT_OWN_MAX = 10000,     /* of an extension, */
	CONTACT_SHARED_MAX = 20000,  /* of the tenant's book, */
	CONTACT_TENANT_MAX = 200000, /* and of all books of a tenant */
	CONTACT_OF_NUMBER_MAX = 100, /* of one form of a number in one book that are looked at */
	CONTACT_GONE_MAX = 1000      /* deleted ones of a book that are known, */
};
#define CONTACT_GONE_MS (90 * 86400000LL) /* and for how long */

extern const char *const contact_kinds[];       /* of phones; ends with NULL */
extern const char *const contact_email_kinds[]; /* ends with NULL */

/* ---- contact.c ---- */

/* Takes the given members over into a contact; an empty one goes. 0; -EINVAL with why: one is
 * wrong, or it has no name then, and the contact may be in part another one. */
int contact_read(json_t *contact, const json_t *given, char why[SQL_WHY_MAX]) NODISCARD;
/* A text for a member, as files have it: no control characters but line feeds where lines is set,
 * cut at a whole character, without blanks at its ends. Does nothing where it is empty. */
void contact_text_set(json_t *contact, const char *member, struct bytes text, size_t most,
		      bool lines);
/* Fills in a name that is left open; a default number that is not among its numbers goes. Returns
 * -EINVAL if it has no name. */
int contact_finish(json_t *contact, char why[SQL_WHY_MAX]) NODISCARD;
/* The id of a contact by its uid, else by what it is: the same file again has the same ids. */
void contact_id(char out[CONTACT_ID_MAX], const json_t *contact);
const char *contact_text(const json_t *contact, const char *member); /* "": absent */
/* What it is called at: its default number, else its first one; "": it has none. */
const char *contact_main_number(const json_t *contact);

/* The plan as the node says it: country, area, area_digits, national_prefix, international_prefix
 * and access. */
void contact_plan(struct dial_plan *out, const json_t *args);

/* ---- photo_parse.c; also of the node ---- */

/* The type of a picture by its octets: JPEG or PNG, constant. NULL: it is neither, or too many
 * pixels. */
const char *photo_type(struct bytes octets);
/* The octets of a photo, malloc'ed. NULL: it is a link, or no picture. */
uint8_t *photo_octets(struct bytes text, const char **type, size_t *n);
/* A photo as it is kept: a link of HTTP, or a picture under the type that it has. False: it is
 * neither, or there is no room. */
bool photo_write_kept(struct writer *w, struct bytes text);

/* ---- contact_number.c; also of the node ---- */

/*
 * The forms of a number by which it is found, as people, phones and trunks write it: with or
 * without country and area code, prefixes, the access code of the plan, separators, an extension.
 * Two where the access code may be one or the beginning of the number. Returns their count, 0: it
 * is no number.
 */
uint32_t contact_normal(const struct dial_plan *plan, struct bytes number,
			char out[CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX]);

/* ---- vcard_parse.c: RFC 2426 and 6350 ---- */

struct vcard_reader {
	struct bytes rest; /* of the file */
	uint32_t line;     /* of the last one read, from 1 on */
	char *text;        /* of a line without its folds, malloc'ed */
};

/* A property: slices of its line. */
struct vcard_property {
	struct bytes whole, group, name, params, value;
};

/* 0, or -ENOMEM. */
int vcard_open(struct vcard_reader *r, struct bytes file) NODISCARD;
void vcard_close(struct vcard_reader *r);
/* The next contact, the caller's; NULL: the end. 0; -EBADMSG with a line and why: that card
 * cannot be read, and the next may be; -ENOMEM. */
int vcard_read(struct vcard_reader *r, json_t **contact, char why[SQL_WHY_MAX]) NODISCARD;
/* The next property of all cards; valid until the next call. False: the end. */
bool vcard_property_next(struct vcard_reader *r, struct vcard_property *out);
/* Version 3 or 4, with that UID and REV, where it has none of its own. */
void vcard_write(struct writer *w, const json_t *contact, int version, const char *uid,
		 const char *rev);

/* ---- contact_csv_parse.c: headings of Google, of Outlook, and our own ---- */

enum { CSV_COLUMNS_MAX = 128 };
enum contact_csv { CONTACT_CSV_OWN, CONTACT_CSV_GOOGLE, CONTACT_CSV_OUTLOOK };

struct csv_reader {
	struct bytes rest;
	uint32_t row; /* the last one read; the heading is 1 */
	char *text;   /* of a row, malloc'ed */
	uint32_t count;
	uint8_t columns[CSV_COLUMNS_MAX]; /* what each is */
	char unknown[SQL_WHY_MAX];        /* headings that mean nothing here, joined by ", " */
};

/* Reads the heading. 0; -EBADMSG with why; -ENOMEM. */
int csv_open(struct csv_reader *r, struct bytes file, char why[SQL_WHY_MAX]) NODISCARD;
void csv_close(struct csv_reader *r);
/* As vcard_read. */
int csv_read(struct csv_reader *r, json_t **contact, char why[SQL_WHY_MAX]) NODISCARD;
void csv_heading_write(struct writer *w, enum contact_csv form);
/* Numbers and addresses that the form has no column for are left out: returns their count. */
uint32_t csv_write(struct writer *w, const json_t *contact, enum contact_csv form, const char *id);

/* ---- contact_store.c, contact_list.c, contact_file.c, contact_note.c, contact_mirror.c,
 * contact_backup.c ---- */

archive_answer_fn contact_put, contact_get, contact_delete, contact_list, contact_find,
	contact_import, contact_export, contact_note_put, contact_note_delete, contact_note_list,
	contact_mirror, contact_mirrored, contact_backup, contact_restore;

/* ---- contact_sync.c: contacts that other services have (app/feature/sync/sync.h) ---- */

archive_answer_fn contact_sync_notify, contact_sync_claim, contact_sync_apply, contact_sync_end,
	contact_sync_wish, contact_sync_state, contact_sync_drop;

/* An owner is "d", the tenant's book, "u" and the number of an extension, or CONTACT_COLLEAGUES. */
struct contact_book {
	struct bytes tenant, owner;
};
struct contact_book contact_book_of(const json_t *args);
/* Puts one within a transaction that has begun; *added: it is new. As archive_answer_fn. */
int contact_save(struct archive *a, struct contact_book book, const char *id, const json_t *contact,
		 int64_t flags, const struct dial_plan *plan, int64_t now_ms, bool *added,
		 char why[SQL_WHY_MAX]) NODISCARD;
/* The one of that id, the caller's, or NULL; with id, owner, revision, changed_utc_ms, favourite,
 * pinned, blocked and notes. */
int contact_load(struct archive *a, struct contact_book book, struct bytes id,
		 json_t **contact) NODISCARD;
/* Deletes the one that args name, within a transaction; one of a sync only where args name that,
 * too. As archive_answer_fn. */
int contact_remove(struct archive *a, struct contact_book book, const json_t *args,
		   char why[SQL_WHY_MAX]) NODISCARD;
/* Where args have a revision, the contact must have that one; 0: it is not there (NULL). -EEXIST
 * with why. */
int contact_revision_check(const json_t *args, const json_t *contact,
			   char why[SQL_WHY_MAX]) NODISCARD;
/* A contact of a service is changed there: here by given in its flags, its line and its default
 * number alone, and not at all where given is NULL. contact may be NULL. -EPERM with why. */
int contact_synced_check(const json_t *contact, const json_t *given,
			 char why[SQL_WHY_MAX]) NODISCARD;
/* Counts on the revision of a book, and locks it to the end of the transaction; added: contacts
 * more than before. -ENOBUFS with why: too many. */
int contact_book_touch(struct archive *a, struct contact_book book, int added, int64_t *revision,
		       char why[SQL_WHY_MAX]) NODISCARD;

enum contact_flag { CONTACT_FAVOURITE = 1, CONTACT_PINNED = 2, CONTACT_BLOCKED = 4 };
/* X(flag, member) */
#define CONTACT_FLAGS(X)                  \
	X(CONTACT_FAVOURITE, "favourite") \
	X(CONTACT_PINNED, "pinned")       \
	X(CONTACT_BLOCKED, "blocked")
/* Those that are given, in *mask, too. */
int64_t contact_flags(const json_t *given, int64_t *mask);

#endif
