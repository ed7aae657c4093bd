/* SPDX-License-Identifier: Apache-2.0 */
/* Paging groups as documents of a tenant, and the command that rings their members. A group is
 * carried out by a flow that is made of its document, and by a room (sig/pbx/page.h). Control
 * thread. */
#ifndef APP_FEATURE_PAGE_PAGE_H
#define APP_FEATURE_PAGE_PAGE_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/dial/dial.h"

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

struct page_value {
	char name[PAGE_NAME_MAX];
	char members[PAGE_MEMBERS_TEXT_MAX]; /* joined by ',' */
	uint8_t priority;                    /* enum page_priority */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_page_fields[];
extern const struct form g_page_form;
extern const struct document_kind g_page_documents;

command_fn page_ring;

#endif
