/* SPDX-License-Identifier: Apache-2.0 */
/* Paging groups as documents of a tenant, and the command that rings their members. A group is
 * carried out by a flow that is made of its document, and by a room (sig/pbx/page.h). Control
 * thread. */
#ifndef APP_FEATURE_PAGE_PAGE_H
#define APP_FEATURE_PAGE_PAGE_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/dial/dial.h"

struct node;

enum {
	PAGE_NAME_MAX = 26, /* with its NUL: its room has a number */
	PAGE_MEMBERS_MAX = 250,
	PAGE_MEMBERS_TEXT_MAX = 4096,
};

/* Which members a page rings. */
enum page_priority {
	PAGE_NORMAL,    /* those without a call and without do_not_disturb */
	PAGE_PRIORITY,  /* those with a call, too */
	PAGE_EMERGENCY, /* all of them */
};

/* Limits of phones that page each other by multicast. Each of their groups has a channel and a name
 * to be read. */
enum { PAGE_CHANNELS = 25, PAGE_PERSON_MAX = 33, PAGE_TEXT_MAX = 65 };

struct page_value {
	char name[PAGE_NAME_MAX];
	uint8_t channel; /* 1 to PAGE_CHANNELS; 0: none */
	char first_name[PAGE_PERSON_MAX], last_name[PAGE_PERSON_MAX], department[PAGE_PERSON_MAX];
	char description[PAGE_TEXT_MAX];
	char members[PAGE_MEMBERS_TEXT_MAX]; /* joined by ',' */
	uint8_t priority;                    /* enum page_priority */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_page_fields[];
extern const struct form g_page_form;
extern const struct document_kind g_page_documents;

command_fn page_ring;

/* A channel of a tenant, as the phone of an extension has it. */
struct page_channel {
	char label[2 * PAGE_PERSON_MAX]; /* "": no group has it */
	bool heard;                      /* the extension is a member of one that has it */
};
void page_channels(const struct node *n, uint16_t tenant, struct bytes number,
		   struct page_channel out[PAGE_CHANNELS]);

#endif
