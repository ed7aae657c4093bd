/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions: their documents (put, get, list), registrations, subscriptions, greetings and the
 * parts that other commands change (group login, presence). A put checks what no field says alone,
 * hashes secrets, and is applied to the tables of all shards; command table rows name these
 * functions. It must hold that a number means one thing: no extension is put on a feature code, a
 * room or another number.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_extension.h"
#include "app/command/command_flow.h"
#include "app/command/command_group.h"
#include "app/command/command_presence.h"
#include "app/command/command_start.h"
#include "app/command/command_tenant.h"
#include "app/command/command_trunk.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "sig/dial/pattern.h"
#include "sig/host/calendars.h"
#include "sig/host/name_index.h"
#include "sig/host/tenant_tables.h"
#include "sig/model/park.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"
#include "sig/sip/uri.h"

/* 0: its record is of an older program. */
static uint64_t registered_utc_ms(const struct locations *locations, const struct binding *b)
{
	return b->registered_utc_ms ? locations_wall_utc_ms(locations, b->registered_utc_ms) : 0;
}

static json_t *contacts_json(const struct locations *locations, const struct aor *aor)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < aor->count; i++) {
		const struct binding *b = &aor->bindings[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:b, s:i}", "contact",
				  command_text_json(text_bytes(&b->contact)), "source",
				  command_addr_json(&b->hop.remote), "user_agent",
				  command_text_json(text_bytes(&b->user_agent)), "instance",
				  command_text_json(text_bytes(&b->instance)), "registered_utc_ms",
				  (json_int_t)registered_utc_ms(locations, b), "expires_utc_ms",
				  (json_int_t)locations_wall_utc_ms(locations, b->expires_utc_ms),
				  "nat", b->nat, "location", (int)b->location));
	}
	return list;
}

static json_t *aor_json(const struct locations *locations, const struct aor *aor)
{
	return json_pack("{s:s, s:o, s:I, s:o}", "tenant", text_str(&aor->tenant), "number",
			 command_text_json(text_bytes(&aor->user)), "version",
			 (json_int_t)aor->version, "contacts", contacts_json(locations, aor));
}

/* The last one is the one that was refreshed last. */
static uint64_t aor_utc_ms(const struct locations *locations, const struct aor *aor)
{
	return aor->count ? registered_utc_ms(locations, &aor->bindings[aor->count - 1]) : 0;
}

/* Operators see that number in all tenants. A searched user without a phone is not registered. */
static bool registration_look(const struct command_run *run, const struct command_span *span,
			      struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	const struct locations *locations = run->node->common.locations;
	const struct aor *aor = locations_next(locations, &at->place);

	if (!aor)
		return false;
	out->utc_ms = aor_utc_ms(locations, aor);
	(void)snprintf(out->key, sizeof(out->key), BYTES_FMT "/" BYTES_FMT,
		       BYTES_ARG(text_bytes(&aor->user)), BYTES_ARG(text_bytes(&aor->tenant)));
	out->wanted = aor->count && command_may_see(run, text_str(&aor->tenant)) &&
		      command_span_has(span, out->utc_ms) &&
		      (!span->number.n || bytes_eq(text_bytes(&aor->user), span->number));
	out->json = show && out->wanted ? aor_json(locations, aor) : NULL;
	return true;
}

void command_registration_list(struct command_run *run)
{
	command_walk_start(run, registration_look);
}

/* The presence greeting as extension.put would set it. */
struct greeting_run {
	struct command_run *run;
	char number[sizeof(((struct shard_extension *)NULL)->number)];
	char state[PRESENCE_MAX], file[GREETING_FILE_MAX];
	char list[GREETINGS_MAX]; /* of all, with this one */
};

static void extension_greeting_done(json_t *answer, void *arg)
{
	struct greeting_run *g = arg;
	const json_t *error = json_object_get(answer, "error");
	const char *text = json_string_value(json_object_get(error, "message"));

	if (json_is_true(json_object_get(answer, "ok")))
		command_answer(g->run, json_pack("{s:s, s:s, s:s}", "number", g->number, "state",
						 g->state, "file", g->file));
	else /* as extension.put said it */
		command_fail(g->run,
			     command_error_named(json_string_value(json_object_get(error, "code"))),
			     NULL, "%s", text ? text : "out of memory");
	json_decref(answer);
	free(g);
}

static void extension_greeting_put(struct greeting_run *g)
{
	struct command_principal who = command_in_name(g->run, COMMAND_FOR_ADMIN);
	json_t *args = json_pack("{s:s, s:s}", "number", g->number, "greetings", g->list);
	char id[COMMAND_ID_MAX];

	(void)snprintf(id, sizeof(id), "greeting %.*s", COMMAND_ID_MAX - 16, g->run->id);
	command_start(g->run->node, &who, BYTES_LIT("extension.put"), bytes_str(id), args,
		      extension_greeting_done, g);
	json_decref(args);
}

void command_extension_greeting(struct command_run *run)
{
	struct bytes number = command_value(run, "number")->text;
	struct bytes file = command_value(run, "file")->text;
	struct greeting_run *g = calloc(1, sizeof(*g));
	struct extension e;
	bool fits = false;

	if (!g) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	g->run = run;
	if (bytes_cstr(number, g->number, sizeof(g->number)) ||
	    !extensions_find(run->node->api.extensions, document_tenant(run), number, &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		free(g);
		return;
	}
	(void)bytes_cstr(command_value(run, "state")->text, g->state, sizeof(g->state));
	fits = !bytes_cstr(file, g->file, sizeof(g->file)) &&
	       greeting_set(e.greetings, g->state, file, g->list);
	extension_wipe(&e);
	if (fits) {
		extension_greeting_put(g);
		return;
	}
	free(g);
	command_fail(run, COMMAND_BAD_ARGUMENT, "file",
		     "it has too many greetings: all of them have %d characters at most",
		     GREETINGS_MAX - 1);
}

static json_t *subscription_json(const struct subscription_row *row)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, row->id);
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:i, s:I, s:I, s:I, s:o}", "id",
			 command_text_json(bytes_mem(id, sizeof(id))), "tenant", row->tenant,
			 "number", command_text_json(row->watcher), "watches",
			 command_text_json(row->resource), "trunk", command_text_json(row->trunk),
			 "event", row->package, "resources", (int)row->resources, "begun_utc_ms",
			 (json_int_t)row->begun_utc_ms, "expires_utc_ms",
			 (json_int_t)row->expires_utc_ms, "notified", (json_int_t)row->notified,
			 "source", command_addr_json(row->remote));
}

static const enum subscription_ending g_endings[] = { ENDING_DEACTIVATED, ENDING_PROBATION,
						      ENDING_GIVEUP, ENDING_REJECTED,
						      ENDING_NORESOURCE };

/* A subscription of another tenant counts as not found. */
static bool subscription_is_seen(const struct command_run *run, const struct shard *core,
				 uint64_t id)
{
	uint16_t tenant;

	return core && shard_subscription_tenant(core, id, &tenant) &&
	       command_may_see(run, tenants_name(run->node->common.tenants, tenant));
}

void command_subscription_end(struct command_run *run)
{
	enum subscription_ending why = g_endings[command_value(run, "reason")->number];
	struct shard *core;
	uint64_t id;

	if (id_call_get(command_value(run, "id")->text, &id)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "id",
			     "id must be one as subscription.list shows it");
		return;
	}
	core = node_core(run->node, id);
	if (!subscription_is_seen(run, core, id) ||
	    shard_subscription_end(core, id, why, clock_instant()))
		command_fail(run, COMMAND_NOT_FOUND, "id", "there is no subscription " BYTES_FMT,
			     BYTES_ARG(command_value(run, "id")->text));
	else
		command_answer(run, json_pack("{s:o}", "id", command_call_id_json(id)));
}

/* Operators see all tenants that have the number. */
static bool subscription_look(const struct command_run *run, const struct command_span *span,
			      struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct subscription_row row;
	struct shard *core;

	while ((core = command_walk_shard(run, at)) &&
	       !shard_subscription_next(core, &at->place, &row))
		command_walk_past(at);
	if (!core)
		return false;
	out->utc_ms = row.begun_utc_ms;
	id_call_put(out->key, row.id);
	out->wanted = command_may_see(run, row.tenant) && command_span_has(span, out->utc_ms) &&
		      (!span->number.n || bytes_eq(row.watcher, span->number) ||
		       bytes_eq(row.resource, span->number));
	out->json = show && out->wanted ? subscription_json(&row) : NULL;
	return true;
}

void command_subscription_list(struct command_run *run)
{
	command_walk_start(run, subscription_look);
}

/* "2=HASHES,5=HASHES": reads the hashes of one location. False: it has none. */
static bool location_ha1_read(struct bytes list, uint16_t location, struct digest_secret *secret)
{
	struct bytes one, id;
	uint16_t is;

	while (bytes_cut(&list, ',', &one)) {
		if (bytes_cut(&one, '=', &id) && !location_read(id, &is) && is == location)
			return !ha1_read(secret, one);
	}
	return false;
}

#define PIN_OFF "off"

/* Of the password as it is given now, else as it was. False: it cannot be made. */
static bool located_make(const struct command_run *run, const struct extension *e,
			 struct shard_location *l)
{
	const struct command_value *password = command_value(run, "password");
	char name[sizeof(e->core.number) + 32];
	struct writer w = writer_over(name, sizeof(name));

	if (password->given) {
		located_user_write(&w, bytes_str(e->core.number), l->location);
		digest_secret_make(&l->secret, writer_done(&w), bytes_str(e->realm),
				   password->text);
		return true;
	}
	if (command_value(run, "ha1")->given)
		return location_ha1_read(command_value(run, "location_ha1")->text, l->location,
					 &l->secret);
	for (uint16_t i = 0; i < e->located.count; i++) {
		if (e->located.of[i].location != l->location)
			continue;
		l->secret = e->located.of[i].secret;
		return true;
	}
	return false;
}

/* REG-32: hashes the password for each realm; the password is not stored. False: the run failed. */
static bool extension_located_read(struct command_run *run, struct extension *e)
{
	uint16_t ids[EXTENSION_LOCATIONS_MAX];
	int count = extension_locations(bytes_str(e->locations), ids);
	struct shard_located next = { .count = count > 0 ? (uint16_t)count : 0 };
	bool ok = true;

	for (uint16_t i = 0; ok && i < next.count; i++) {
		next.of[i].location = ids[i];
		ok = located_make(run, e, &next.of[i]);
		if (!ok && command_value(run, "ha1")->given)
			command_fail(run, COMMAND_MISSING_ARGUMENT, "location_ha1",
				     "location %u needs its hashes: tandemctl makes them where "
				     "locations is given with the password",
				     ids[i]);
		else if (!ok)
			command_fail(run, COMMAND_MISSING_ARGUMENT, "password",
				     "location %u is new: give the password, of which its hash is "
				     "made",
				     ids[i]);
	}
	if (ok)
		e->located = next;
	explicit_bzero(&next, sizeof(next));
	return ok;
}

/* False: the run has failed. */
static bool extension_pin_read(struct command_run *run, struct extension *e)
{
	struct bytes pin = command_value(run, "pin")->text;
	bool off = bytes_is(pin, PIN_OFF);

	if (!command_value(run, "pin")->given)
		return true;
	if (tenants_terms(run->node->common.tenants, document_tenant(run))->one_password) {
		command_fail(run, COMMAND_CONFLICT, "pin",
			     "one_password of the tenant: the PIN is the password");
		return false;
	}
	be64_put(e->core.pin,
		 off ? 0 : extension_pin(bytes_str(e->core.number), bytes_str(e->realm), pin));
	return true;
}

/* False: the run has failed. */
static bool extension_secret_read(struct command_run *run, struct extension *e)
{
	const char *realm = document_realm(run->node, document_tenant(run));
	bool given;

	if (!command_take_secret(run, e->core.number, realm, &e->core.secret, &given))
		return false;
	if (given && strcmp(e->realm, realm) != 0) {
		be64_put(e->core.pin, 0); /* it is a hash over the other one */
		(void)bytes_cstr(bytes_str(realm), e->realm, sizeof(e->realm));
	}
	return extension_located_read(run, e) && extension_pin_read(run, e);
}

bool command_is_code(const struct command_run *run, struct bytes number)
{
	struct feature_codes node, codes;
	enum feature_action feature;
	struct bytes rest;

	settings_codes_read(run->node->settings, &node);
	dial_plan_codes(dial_plans_of(run->node->common.dials, document_tenant(run)), &node,
			&codes);
	return feature_dialled(&codes, number, &feature, &rest);
}

static bool is_room(const struct command_run *run, struct bytes number)
{
	return mirror_version(&run->node->api.documents->keep.mirror, bytes_str(run->tenant),
			      bytes_str(g_room_documents.name), number) != 0;
}

/* A number that means something else would never be called. False: the run has failed. */
static bool extension_number_is_free(struct command_run *run, struct bytes number)
{
	if (command_is_code(run, number)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "number", COMMAND_NUMBER_IS_CODE);
		return false;
	}
	if (is_room(run, number)) {
		command_fail(run, COMMAND_CONFLICT, "number",
			     "room " BYTES_FMT
			     " has this number: take another one, or room.delete it "
			     "first",
			     BYTES_ARG(number));
		return false;
	}
	return !command_number_leads(run, number);
}

bool command_in_number_plan(const struct node *node, uint16_t tenant, struct bytes number)
{
	struct bytes plan = bytes_str(dial_plans_of(node->common.dials, tenant)->extensions);
	struct pattern unused;

	return !plan.n || pattern_list_match(plan, number, &unused).whole;
}

/* There is room for one more, and it comes with its secret. False: the run has failed. */
static bool extension_may_start(struct command_run *run)
{
	struct bytes number = command_value(run, "number")->text;

	if (!command_value(run, "password")->given && !command_value(run, "ha1")->given) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "password",
			     "a new extension needs password or ha1");
		return false;
	}
	if (!command_in_number_plan(run->node, document_tenant(run), number)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "number", COMMAND_NOT_IN_PLAN);
		return false;
	}
	return extension_number_is_free(run, number);
}

/* A sealed password that cannot be opened is replaced only by a new one. False: the run failed. */
static bool may_change(struct command_run *run, const struct extension *before)
{
	if (before->realm[0] || command_value(run, "password")->given ||
	    command_value(run, "ha1")->given)
		return true;
	command_fail(run, COMMAND_MISSING_ARGUMENT, "password",
		     "its password was sealed with other keys: give a new one");
	return false;
}

/* REG-08: both or neither. False: the run has failed. */
static bool tls_and_srtp(struct command_run *run, const struct extension *e)
{
	if (e->core.tls_srtp == e->srtp)
		return true;
	if (command_value(run, "srtp")->given) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "srtp",
			     "srtp and tls go together: give tls=%s as well",
			     e->srtp ? "true" : "false");
	} else {
		command_fail(run, COMMAND_BAD_ARGUMENT, "tls",
			     "tls and srtp go together: give srtp=%s as well",
			     e->core.tls_srtp ? "true" : "false");
	}
	return false;
}

/* REC-07. A page that is switched off takes its link along. False: the run has failed. */
static bool page_make(struct command_run *run, struct extension *e)
{
	bool anew = command_value(run, "record_page_renew")->number;

	if (anew && !e->core.record_page) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "record_page_renew",
			     "it has no page: give record_page=true");
		return false;
	}
	if (!e->core.record_page)
		e->page = 0;
	else if (anew || !e->page)
		e->page = rand_u64_from(&run->node->rand) | 1;
	return true;
}

/* False: the run has failed. */
static bool access_fits(struct command_run *run, const struct extension *e)
{
	if (!e->forward.trunk_access[0] || !command_value(run, "trunk_access")->given ||
	    shard_forward_access(&e->forward).n)
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "trunk_access", "trunk_accesses has no %s",
		     e->forward.trunk_access);
	return false;
}

/* P7-08: such phones do not know that a call waits, so one of several is all that works there. */
static bool waiting_fits(struct command_run *run, const struct extension *e)
{
	if (e->core.phone_features != PHONE_FEATURES_NONE ||
	    e->forward.call_waiting != CALL_WAITING_SINGLE)
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT,
		     command_value(run, "call_waiting")->given ? "call_waiting" : "phone_features",
		     "with phone_features=none one call cannot wait: off, phone or multiple");
	return false;
}

static bool may_monitor(const struct extension *e, const struct blf_key *blf_key)
{
	return blf_key->park || e->core.monitor == MONITOR_ALL ||
	       (e->core.monitor == MONITOR_LISTED &&
		bytes_list_has(bytes_str(e->monitors), blf_key->target));
}

/* BLF-01, BLF-02: checks across all BLF entries. False: the run has failed. */
static bool blf_fit(struct command_run *run, const struct extension *e)
{
	uint32_t left = command_tenant_blf_limit(run->node, e->core.tenant);
	struct bytes rest = bytes_str(e->blf_keys);
	struct blf_key blf_key, other;

	while (command_value(run, "lamps")->given && blf_cut(&rest, &blf_key)) {
		struct bytes t = blf_key.target;

		if (!may_monitor(e, &blf_key)) {
			command_fail(run, COMMAND_BAD_ARGUMENT, "lamps",
				     "lamp %" PRIu32 ": the extension may not watch " BYTES_FMT
				     ": add it to monitors first",
				     blf_key.slot, BYTES_ARG(t));
		} else if (blf_key.park && (!park_slot_is(t) || t.n < FEATURE_SLOT_MIN)) {
			command_fail(run, COMMAND_BAD_ARGUMENT, "lamps",
				     "lamp %" PRIu32 ": a slot to park in has 2 to 8 digits",
				     blf_key.slot);
		} else if (blf_key_of(rest, blf_key.park, t, &other)) {
			command_fail(run, COMMAND_CONFLICT, "lamps",
				     "lamps %" PRIu32 " and %" PRIu32 " are both of " BYTES_FMT,
				     blf_key.slot, other.slot, BYTES_ARG(t));
		} else if (!blf_key.park && !left--) {
			command_fail(run, COMMAND_FULL, "lamps", "blf_lamps of the tenant");
		} else {
			continue;
		}
		return false;
	}
	return true;
}

#define SEAT_GIVEN(id, word)                                           \
	{                                                              \
		"seats", word, "seats=" word, TENANT_SEATS + SEAT_##id \
	}
static const struct document_seat g_extension_seats[] = {
	{ "record", NULL, "max_recorded", TENANT_RECORDED },
	SEAT_GIVEN(WEB, "web"),
	SEAT_GIVEN(IPTALK, "iptalk"),
	SEAT_GIVEN(PHONE, "phone"),
	SEAT_GIVEN(ADVANCED, "advanced"),
	SEAT_GIVEN(CRM, "crm"),
	{ 0 },
};
#undef SEAT_GIVEN

static bool extension_has(const struct shard_extension *e, const struct document_seat *seat)
{
	return seat->word ? e->seats >> (seat->item - TENANT_SEATS) & 1 : e->record != RECORD_OFF;
}

/* False: the run has failed. */
static bool extension_seats_fit(struct command_run *run, const struct shard_extension *before,
				const struct shard_extension *e)
{
	if (e->seats & ~before->seats & 1u << SEAT_ADVANCED &&
	    !extension_has_seat(run->node->common.tenants, e, SEAT_PHONE)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "seats",
			     "advanced is for phones: it needs a seat phone, too");
		return false;
	}
	for (const struct document_seat *seat = g_extension_seats; seat->quota; seat++) {
		if (!document_seat_is_left(run, seat, extension_has(before, seat),
					   extension_has(e, seat)))
			return false;
	}
	return true;
}

static void extension_seats_count(const struct node *node, uint16_t tenant,
				  const struct shard_extension *before,
				  const struct shard_extension *e)
{
	for (const struct document_seat *seat = g_extension_seats; seat->quota; seat++)
		document_seat_hold(node, tenant, seat->item, extension_has(before, seat),
				   extension_has(e, seat));
}

/* The present extension with what the arguments change. False: the run has failed. */
static bool extension_make(struct command_run *run, void *value)
{
	const struct command_value *number = command_value(run, "number");
	struct extension *e = value;
	uint16_t tenant = document_tenant(run);
	bool changes = extensions_find(run->node->api.extensions, tenant, number->text, e);
	const struct shard_extension before = { .record = e->core.record, .seats = e->core.seats };

	if (changes ? !may_change(run, e) : !extension_may_start(run))
		return false;
	if (!changes) {
		extension_start(e);
		e->core.enabled = true;
		e->core.classes = command_tenant_first_classes(run->node, tenant);
	}
	e->core.tenant = tenant;
	e->changed_utc_ms = clock_utc_ms();
	if (command_value(run, "presence")->given)
		presence_say(&e->presence,
			     &(struct presence_word){ .set_utc_ms = e->changed_utc_ms });
	return fields_read_args(run, g_extension_fields, e) &&
	       command_presence_may(run, e->presence.words[PRESENCE_MANUAL].state) &&
	       extension_seats_fit(run, &before, &e->core) && blf_fit(run, e) &&
	       waiting_fits(run, e) && access_fits(run, e) && tls_and_srtp(run, e) &&
	       page_make(run, e) && extension_secret_read(run, e);
}

static bool extension_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	struct bytes number = command_value(run, "number")->text;

	if (extensions_has(run->node->api.extensions, document_tenant(run), number))
		return bytes_cstr(number, name, DOCUMENT_NAME_MAX) == 0;
	command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
	return false;
}

static json_t *extension_show(const struct node *node, uint16_t tenant, const void *value)
{
	return extension_to_view(value, document_realm(node, tenant));
}

/* Calls under way follow it from their next decision on; held parties hear new music at once. */
static int shard_put(struct shard *s, const struct extension *e, uint8_t music)
{
	struct shard_extension core = e->core;
	int err;

	core.music = music;
	err = shard_extension_put(s, &core);
	explicit_bzero(&core, sizeof(core));
	if (!err)
		err = shard_monitors_set(s, e->core.tenant, e->core.number, e->monitors);
	if (!err)
		err = shard_members_set(s, e->core.tenant, e->core.number, e->box.members);
	if (!err)
		err = shard_blf_set(s, e->core.tenant, e->core.number, e->blf_keys);
	if (!err)
		err = shard_pickup_set(s, e->core.tenant, e->core.number, e->pickup_groups);
	if (!err)
		err = shard_park_groups_set(s, e->core.tenant, e->core.number, e->park_groups);
	if (!err)
		err = shard_located_set(s, e->core.tenant, e->core.number, &e->located);
	if (!err)
		err = shard_presence_set(s, e->core.tenant, e->core.number, &e->presence);
	return err ? err : shard_forward_set(s, e->core.tenant, e->core.number, &e->forward);
}

static int shards_put(struct node *node, const struct extension *e, uint8_t music)
{
	uint32_t cursor = 0;
	struct shard *core;
	int err = 0;

	while (!err && (core = node_core_next(node, &cursor)))
		err = shard_put(core, e, music);
	return err;
}

static void shards_delete(struct node *node, uint16_t tenant, const char *number)
{
	uint32_t cursor = 0;
	struct shard *core;

	while ((core = node_core_next(node, &cursor)))
		(void)shard_extension_delete(core, tenant, number);
}

/* Returns what counts of it for seats. */
static struct shard_extension extension_music_of(const struct node *node, uint16_t tenant,
						 const char *number, char out[SETTINGS_SOUND_MAX])
{
	struct shard_extension seats = { 0 };
	struct extension e;

	out[0] = '\0';
	if (!extensions_find(node->api.extensions, tenant, bytes_str(number), &e))
		return seats;
	memcpy(out, e.music, SETTINGS_SOUND_MAX);
	seats.record = e.core.record;
	seats.seats = e.core.seats;
	extension_wipe(&e);
	return seats;
}

static int extension_put_run(struct node *node, const struct extension *e)
{
	char before[SETTINGS_SOUND_MAX];
	struct shard_extension seats;
	uint8_t music;
	int err;

	seats = extension_music_of(node, e->core.tenant, e->core.number, before);
	err = extensions_put(node->api.extensions, e);
	if (!err)
		extension_seats_count(node, e->core.tenant, &seats, &e->core);
	if (!err)
		err = groups_out_put(node->common.shared_tables->groups, e->core.tenant,
				     bytes_str(e->core.number), bytes_str(e->groups_out));
	if (!err)
		err = name_index_put(node->common.shared_tables->names, e->core.tenant,
				     bytes_str(e->core.number),
				     bytes_str(e->unlisted ? "" : e->core.display_name));
	if (err)
		return err;
	music = node_music_track(node, tenants_name(node->common.tenants, e->core.tenant),
				 e->music);
	if (!strcmp(e->realm, document_realm(node, e->core.tenant)))
		err = shards_put(node, e, music);
	node_music_leave(node, tenants_name(node->common.tenants, e->core.tenant), before);
	return err;
}

static void features_extension(struct node *n, uint16_t tenant, const char *number)
{
	FEATURE_EACH (f) {
		if (f->extension)
			f->extension(n, tenant, number);
	}
}

static int extension_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct extension e = *(const struct extension *)value;
	int err;

	e.core.tenant = tenant;
	err = extension_put_run(node, &e);
	if (!err && strcmp(e.realm, document_realm(node, tenant)) != 0) {
		shards_delete(node, tenant, e.core.number);
		LOG_WARN("node", 0,
			 e.realm[0] ? "an extension's password belongs to another realm: set "
				      "it again"
				    : "an extension's password was sealed with other keys: bring "
				      "the file keys back, or set it again",
			 LOG_STR("number", e.core.number));
	}
	features_extension(node, tenant, e.core.number);
	extension_wipe(&e);
	return err;
}

/* The next user of the number starts without its recent calls. */
static void extension_kept_drop(const struct node *node, uint16_t tenant, const char *number)
{
	for (unsigned i = 0; i < KV_COUNT; i++) {
		const struct store_kept of = {
			.tenant = bytes_str(tenants_name(node->common.tenants, tenant)),
			.user = bytes_str(number),
			.name = kv_name((enum kept)i),
		};

		store_kept_drop(node->redis->store, &of, NULL, NULL);
	}
}

static void extension_forget(struct node *node, uint16_t tenant, const char *name)
{
	const struct shard_extension none = { 0 };
	char before[SETTINGS_SOUND_MAX];
	struct shard_extension seats = extension_music_of(node, tenant, name, before);

	extension_seats_count(node, tenant, &seats, &none);
	shards_delete(node, tenant, name);
	(void)!groups_out_put(node->common.shared_tables->groups, tenant, bytes_str(name),
			      (struct bytes){ 0 });
	(void)!name_index_put(node->common.shared_tables->names, tenant, bytes_str(name),
			      (struct bytes){ 0 });
	locations_forget(node->common.locations, tenant, bytes_str(name), clock_instant());
	(void)extensions_delete(node->api.extensions, tenant, bytes_str(name));
	extension_kept_drop(node, tenant, name);
	node_music_leave(node, tenants_name(node->common.tenants, tenant), before);
	features_extension(node, tenant, name);
}

/* Warns of resources that its mailbox needs and that are missing, or not on this node. */
static void extension_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	const struct extension_box *box = &((const struct extension *)value)->box;
	struct bytes number = bytes_str(((const struct extension *)value)->core.number);

	command_warn_emergency(node, tenant, number, out);
	if (!command_in_number_plan(node, tenant, number))
		(void)json_array_append_new(out, json_string("number: " COMMAND_NOT_IN_PLAN));
	if (box->mail[0] && !node->settings->mail.url[0])
		(void)json_array_append_new(
			out, json_string("mailbox_mail: mail.url is not set on this node"));
	if (box->transcribe && !node->settings->transcription.url[0])
		(void)json_array_append_new(
			out, json_string("mailbox_transcribe: transcription.url is not set on this "
					 "node"));
}

const struct document_kind g_extension_documents = {
	.name = "extension",
	.argument = "number",
	.several = "extensions",
	.quota = "max_extensions",
	.item = TENANT_EXTENSIONS,
	.seats = g_extension_seats,
	.size = sizeof(struct extension),
	.make = extension_make,
	.aim = extension_aim,
	.fields = g_extension_fields,
	.name_at = offsetof(struct extension, core.number),
	.write = extension_to_document,
	.show = extension_show,
	.read = extension_from_document,
	.apply = extension_apply,
	.warn = extension_warn,
	.forget = extension_forget,
	.saved = command_presence_saved,
};

/* group.login, presence.set and the like: made in turn from the present document, so no change of
 * another writer is lost. */
static bool part_start(struct command_run *run, struct extension *e)
{
	if (!extensions_find(run->node->api.extensions, document_tenant(run),
			     command_value(run, "number")->text, e)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return false;
	}
	e->changed_utc_ms = clock_utc_ms();
	if (e->realm[0])
		return true;
	command_fail(run, COMMAND_CONFLICT, "number",
		     "its password was sealed with other keys: give a new one (extension.put)");
	return false;
}

static bool login_make(struct command_run *run, void *value)
{
	return part_start(run, value) && command_group_log(run, value);
}

static bool presence_make(struct command_run *run, void *value)
{
	return part_start(run, value) && command_presence_make(run, value);
}

static json_t *login_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct extension *e = value;

	(void)node;
	(void)tenant;
	return json_pack("{s:s, s:s}", "number", e->core.number, "groups_out", e->groups_out);
}

#define EXTENSION_PART(makes, shows)                                                               \
	.name = "extension", .argument = "number", .several = "extensions",                        \
	.quota = "max_extensions", .item = TENANT_EXTENSIONS, .size = sizeof(struct extension),    \
	.make = (makes), .show = (shows), .name_at = offsetof(struct extension, core.number),      \
	.write = extension_to_document, .read = extension_from_document, .apply = extension_apply, \
	.forget = extension_forget

const struct document_kind g_login_documents = { EXTENSION_PART(login_make, login_show) };
const struct document_kind g_presence_documents = {
	EXTENSION_PART(presence_make, command_presence_show), .saved = command_presence_saved
};

/* NULL: no such extension, or no memory. */
static json_t *extension_view(const struct node *n, uint16_t tenant, struct bytes number)
{
	struct extension e;
	json_t *view;

	if (!extensions_find(n->api.extensions, tenant, number, &e))
		return NULL;
	view = extension_to_view(&e, document_realm(n, e.core.tenant));
	extension_wipe(&e);
	return view;
}

void command_extension_get(struct command_run *run)
{
	json_t *view =
		extension_view(run->node, document_tenant(run), command_value(run, "number")->text);

	if (view)
		command_answer(run, view);
	else
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
}

/* With how many phones it has registered (MGT-04). */
static json_t *extension_row(const struct node *n, uint16_t tenant, struct bytes number)
{
	const struct aor *aor = locations_find(n->common.locations, tenant, number);
	json_t *json = extension_view(n, tenant, number);

	if (json)
		(void)json_object_set_new(json, "registered", json_integer(aor ? aor->count : 0));
	return json;
}

static bool extension_look(const struct command_run *run, const struct command_span *span,
			   struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	uint16_t tenant;
	struct bytes number;

	(void)span;
	if (!extensions_next(run->node->api.extensions, &at->place, &tenant, &number))
		return false;
	out->wanted =
		tenant == document_tenant(run) && !bytes_cstr(number, out->key, sizeof(out->key));
	out->json = show && out->wanted ? extension_row(run->node, tenant, number) : NULL;
	return true;
}

void command_extension_list(struct command_run *run)
{
	command_walk_start(run, extension_look);
}
