/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of contacts and of a tenant's directory; their rows are in contact_rows.c. What they
 * ask for is in the archive (app/archive/contact/contact.h). */
#ifndef APP_FEATURE_CONTACT_CONTACTS_H
#define APP_FEATURE_CONTACT_CONTACTS_H

#include "app/schema/command.h"
#include "app/schema/list.h"
#include "sig/host/effect.h"

struct extension;
struct page_run;

enum { CONTACT_SEARCH_MAX = 64, CONTACT_OWNER_MAX = 66 };
enum {
	DIRECTORY_PROFILE_NAME_MAX = 33, /* each with its NUL */
	DIRECTORY_DEPARTMENTS_MAX = 1024,
	DIRECTORY_EXTENSIONS_MAX = 4096,
};

struct directory_profile {
	char name[DIRECTORY_PROFILE_NAME_MAX];
	char departments[DIRECTORY_DEPARTMENTS_MAX]; /* joined by ';' */
	char extensions[DIRECTORY_EXTENSIONS_MAX];   /* joined by ',' */
	uint64_t changed_utc_ms;
};
extern const struct command_arg g_directory_profile_fields[];
extern const struct form g_directory_profile_form;
extern const struct document_kind g_directory_profile_documents;

command_fn command_contact_put, command_contact_get, command_contact_list, command_contact_find,
	command_contact_import, command_contact_export, command_contact_note, command_contact_pin,
	command_directory_list, command_contact_picture, command_contact_backup,
	command_contact_restore;

/* Requests of CardDAV, of phones for their book, and for pictures. */
void contact_dav_page(struct page_run *run);
void contact_phone_book(struct page_run *run);
void contact_picture_page(struct page_run *run);
/* EFFECT_EVENT, EFFECT_CONTACT. */
void contact_on_event(const struct effect *e, void *node);
void contact_on_wanted(const struct effect *e, void *node);
/* Columns of the feature's row: the archive's copy of the extensions. */
void contact_extension(struct node *n, uint16_t tenant, const char *number);
void contact_second(struct node *n, uint64_t now_ns);

/* ---- between the files ---- */

enum { PERSON_ROOM = 4 * CONTACT_SEARCH_MAX };
/* The name that it is shown by, else that of the person. */
void person_name(const struct extension *e, char out[PERSON_ROOM]);
/* The row of an extension for contact.mirror; one that is gone or hidden has no card. It is the
 * caller's. NULL: its number is too long for an id. */
json_t *colleague_row(const struct node *n, uint16_t tenant, struct bytes number);

/* The arguments of a request: the tenant, the owner of the book that the command is about, and the
 * dial plan. NULL: the run has failed, and is gone. */
json_t *contact_args(struct command_run *run);
/* The same of that owner, for any caller of the command. */
json_t *contact_args_in(const struct node *n, uint16_t tenant, const char *owner);
/* What the page of a list needs, and where it goes on: in args. */
void contact_page_args(const struct command_run *run, json_t *args);
/* Puts rows of contact.list into the page, each as make makes it (a new reference); key: the column
 * that names one. The place of the last one goes into args. False: the page needs no more. */
bool contact_page_put(struct command_run *run, const json_t *rows, const char *key,
		      json_t *(*make)(const json_t *row), json_t *args);

#endif
