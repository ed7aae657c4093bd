/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms for conferences that are dialled (CONF-01). */
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/room_field.h"
#include "app/node/node.h"
#include "base/log.h"

static void room_seal_key(const struct node *node, struct seal_key *key)
{
	key->id = node->keys.id;
	keys_derive(&node->keys, "tandem room seal 1", key->octets);
}

/* A number that means something else already would not be reached. False: the run has failed. */
static bool room_number_is_free(struct command_run *run, struct bytes number)
{
	if (extensions_has(&run->node->extensions, document_tenant(run), number)) {
		command_fail(run, COMMAND_CONFLICT, "number",
			     "extension " BYTES_FMT " has this number: take another one, or "
			     "extension.delete it first",
			     BYTES_ARG(number));
		return false;
	}
	if (command_is_code(run, number)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "number", COMMAND_NUMBER_IS_CODE);
		return false;
	}
	return true;
}

/* What cannot be opened must not be written over by something else than new PINs. False: the run has failed. */
static bool room_may_change(struct command_run *run, const struct room_value *r)
{
	const char *lacks = !command_value(run, "pin")->given ? "pin" : "host_pin";

	if (!r->unread ||
	    (command_value(run, "pin")->given && command_value(run, "host_pin")->given))
		return true;
	command_fail(run, COMMAND_MISSING_ARGUMENT, lacks,
		     "its PINs were sealed with other keys: give pin and host_pin");
	return false;
}

/* False: the run has failed. */
static bool room_pin_take(struct command_run *run, const char *name, char pin[ROOM_PIN_MAX])
{
	const struct command_value *given = command_value(run, name);

	if (!given->given || room_pin_set(pin, given->text))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, name, "%s has 4 to 16 digits, or is " ROOM_NO_PIN,
		     name);
	return false;
}

/* False: the run has failed. */
static bool room_pins_take(struct command_run *run, struct room_value *r)
{
	const char *member, *wrong;

	if (!room_pin_take(run, "pin", r->core.pin) ||
	    !room_pin_take(run, "host_pin", r->core.host_pin))
		return false;
	r->unread = false;
	wrong = room_wrong(r, &member);
	if (wrong)
		command_fail(run, COMMAND_BAD_ARGUMENT, member, "%s", wrong);
	return !wrong;
}

static bool room_put_make(struct command_run *run, void *value)
{
	struct bytes number = command_value(run, "number")->text;
	struct room_value *r = value;

	room_default(r);
	if (document_stored(run->node, run->tenant, &g_room_documents, number, r)
		    ? !room_may_change(run, r)
		    : !room_number_is_free(run, number))
		return false;
	r->changed_utc_ms = clock_utc_ms();
	return field_take(run, g_room_fields, r) && room_pins_take(run, r);
}

static void room_name(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct room_value *r = value;

	(void)bytes_cstr(bytes_str(r->core.number), name, DOCUMENT_NAME_MAX);
}

static json_t *room_write_document(struct node *node, const void *value)
{
	struct seal_key key;
	json_t *json;

	room_seal_key(node, &key);
	json = room_to_document(value, &key, &node->rand);
	seal_key_wipe(&key);
	return json;
}

static json_t *room_show(const struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	return room_to_view(value);
}

static int room_read_document(const struct node *node, void *value, struct bytes json,
			      const char **reason)
{
	struct seal_key key;
	int err;

	room_seal_key(node, &key);
	err = room_from_document(value, json, &key, reason);
	seal_key_wipe(&key);
	return err;
}

/* A room whose PINs nobody knows must be open to nobody. */
static int room_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct room_value *r = value;
	struct room_terms core = r->core;
	int err;

	if (r->unread) {
		rooms_delete(node->rooms, tenant, bytes_str(core.number));
		LOG_WARN("node", 0,
			 "a room's PINs were sealed with other keys: bring the file keys back, or "
			 "set them again",
			 LOG_STR("number", core.number));
		return 0;
	}
	core.tenant = tenant;
	err = rooms_put(node->rooms, &core);
	explicit_bzero(&core, sizeof(core));
	return err;
}

static void room_forget(struct node *node, uint16_t tenant, const char *name)
{
	rooms_delete(node->rooms, tenant, bytes_str(name));
}

const struct document_kind g_room_documents = {
	.name = "room",
	.argument = "number",
	.limit = "the number of rooms (4096)",
	.quota = "max_rooms",
	.item = TENANT_ROOMS,
	.exact = true, /* its number is no extension's */
	.size = sizeof(struct room_value),
	.make = room_put_make,
	.name_of = room_name,
	.write = room_write_document,
	.show = room_show,
	.read = room_read_document,
	.apply = room_apply,
	.forget = room_forget,
};
static_assert(ROOMS_MAX == 4096, "the text above says it");
