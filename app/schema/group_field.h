/* SPDX-License-Identifier: Apache-2.0 */
/* A ring or hunt group: a document of a tenant in Redis, by its name. */
#ifndef APP_SCHEMA_GROUP_FIELD_H
#define APP_SCHEMA_GROUP_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/host/groups.h"

enum { GROUP_MEMBERS_TEXT_MAX = 1024, GROUP_ELSE_MAX = 48, GROUP_PROGRAM_MAX = 512 };
#define GROUP_WORD "group:" /* in front of the name, where other kinds are allowed */

struct group_value {
	struct ring_group core; /* without tenant and members */
	char members[GROUP_MEMBERS_TEXT_MAX];
	char otherwise[GROUP_ELSE_MAX]; /* flow:NAME or a number; "": nowhere */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_group_fields[];
extern const struct form g_group_form;

/* Of a checked value. */
void group_to_core(const struct group_value *v, uint16_t tenant, struct ring_group *out);
/* The flow of a number that leads to it: JSON, equal for equal groups. */
void group_program(const struct group_value *v, struct writer *w);
/* Changes the list groups_out of an extension by one name; name "": all. mine: its groups, for
 * leaving "all" but one. False: no room. */
bool groups_out_change(char list[GROUPS_OUT_MAX], struct bytes name, bool out, struct bytes mine);

#endif
