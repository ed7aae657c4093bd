/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms for dial-in conferences: documents by number, with sealed PINs. */
#ifndef APP_SCHEMA_ROOM_FIELD_H
#define APP_SCHEMA_ROOM_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "base/seal.h"
#include "sig/host/tenant_tables.h"

/* In place of a PIN: none. */
#define ROOM_NO_PIN "off"

enum { ROOM_OWNER_MAX = 64 };

struct room_value {
	struct room_terms core;     /* without its tenant */
	bool unread;                /* its PINs were sealed with other keys */
	char owner[ROOM_OWNER_MAX]; /* extension of its user; "": an administrator made it */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_room_fields[];

void room_default(struct room_value *out);
/* Sets core.pin or core.host_pin. False: no valid PIN. */
bool room_pin_set(char pin[ROOM_PIN_MAX], struct bytes text);
/* The conflict between its fields, and the argument to name; or NULL. */
const char *room_wrong(const struct room_value *r, const char **member);
/* Without its PINs. */
json_t *room_to_view(const struct room_value *r);
/* With its PINs, sealed. */
json_t *room_to_document(const void *value, const struct seal_key *key, struct rand_source *rand);
/* 0, -EBADMSG or -EPROTONOSUPPORT with a reason. */
int room_from_document(void *value, struct bytes json, const struct seal_key *key,
		       const char **reason) NODISCARD;

#endif
