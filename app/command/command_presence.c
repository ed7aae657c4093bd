/* SPDX-License-Identifier: Apache-2.0 */
/* Presence of extensions: set by commands and by PUBLISH requests of phones (RFC 3903), and stored
 * in the documents of extensions. The entity-tag of a PUBLISH is part of the command's id: a
 * repeated request gets the same one, at another node as well. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_presence.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/log.h"
#include "sig/identity/presence.h"

bool command_presence_may(struct command_run *run, const char *state)
{
	const struct tenant_terms *terms =
		tenants_terms(run->node->common.tenants, document_tenant(run));

	if (!state[0] || presence_may_say(bytes_str(terms->presence_states), bytes_str(state)))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT,
		     command_arg_find(run->command, BYTES_LIT("state")) ? "state" : "presence",
		     "no such state: one of the seven, or of presence_states of tenant.put");
	return false;
}

/* ---- said ---- */

static const char *presence_state_name(const struct presence *p, uint64_t utc_ms)
{
	const struct presence_word *said = presence_current(p, utc_ms);

	return said ? said->state : PRESENCE_USUAL;
}

/* False: the run has failed. */
static bool presence_word_args(struct command_run *run, struct presence_word *word)
{
	(void)bytes_cstr(command_value(run, "state")->text, word->state, sizeof(word->state));
	(void)bytes_cstr(command_value(run, "note")->text, word->note, sizeof(word->note));
	return command_presence_may(run, word->state);
}

static bool presence_word_make(struct command_run *run, struct presence *p, uint64_t utc_ms)
{
	const struct command_value *by = command_value(run, "by");
	struct presence_word word = { .set_utc_ms = utc_ms,
				      .until_utc_ms = command_value(run, "until_utc_ms")->number };

	if (!presence_word_args(run, &word))
		return false;
	word.by = by->given      ? (uint8_t)by->number
		  : run->user[0] ? PRESENCE_BY_PAGE
				 : PRESENCE_BY_COMMAND;
	if (word.until_utc_ms && word.until_utc_ms <= utc_ms) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "until_utc_ms", "that is over");
		return false;
	}
	if (word.by == PRESENCE_BY_CALENDAR && !strcmp(word.state, PRESENCE_USUAL)) {
		word.state[0] = '\0';
	} else if (word.by == PRESENCE_BY_CALENDAR &&
		   (strcmp(word.state, PRESENCE_MEETING) != 0 || !word.until_utc_ms)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "state",
			     "a calendar says in_a_meeting with until_utc_ms, or available");
		return false;
	}
	presence_say(p, &word);
	return true;
}

/* What is left to say when it is saved. */
struct presence_kept {
	uint64_t etag; /* 0: it was no publication */
	uint32_t expires_s;
	bool is_change;
};

#define PUBLISH_ID "publish "

/* Of a phone the etag is in the id, so that the same request has it again, at another node too. */
static bool presence_make_published(struct command_run *run, struct presence *p, uint64_t utc_ms,
				    struct presence_kept *kept)
{
	struct bytes etag = command_value(run, "etag")->text, id = bytes_str(run->id);
	const struct command_value *expires = command_value(run, "expires_s");
	uint64_t expires_s = expires->given ? expires->number : 3600, if_match = 0;
	struct presence_word word = { .until_utc_ms = utc_ms + expires_s * 1000 };

	if (!presence_word_args(run, &word))
		return false;
	if (!run->door || strcmp(run->door, "phone") != 0 || !bytes_starts(id, PUBLISH_ID) ||
	    base32_u64_get(bytes_from(id, sizeof(PUBLISH_ID) - 1), &word.etag))
		word.etag = rand_u64_from(&run->node->rand) | 1;
	if (!etag.n && !word.state[0])
		(void)bytes_cstr(BYTES_LIT(PRESENCE_USUAL), word.state, sizeof(word.state));
	if (!(etag.n && base32_u64_get(etag, &if_match)) &&
	    !presence_publish(p, if_match, &word, utc_ms)) {
		kept->etag = word.etag;
		kept->expires_s = (uint32_t)expires_s;
		return true;
	}
	command_fail(run, COMMAND_CHANGED, "etag", "there is no such publication any more");
	return false;
}

bool command_presence_make(struct command_run *run, struct extension *e)
{
	struct presence *p = &e->presence;
	const struct presence before = *p;
	struct presence_kept *kept = run->kept ? run->kept : calloc(1, sizeof(*kept));
	uint64_t utc_ms = clock_utc_ms();

	run->kept = kept;
	if (!kept) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return false;
	}
	(void)presence_expire(p, utc_ms);
	if (!(command_arg_find(run->command, BYTES_LIT("etag"))
		      ? presence_make_published(run, p, utc_ms, kept)
		      : presence_word_make(run, p, utc_ms)))
		return false;
	/* before: ended states included, as no NOTIFY of their end has been sent */
	kept->is_change =
		strcmp(presence_state_name(&before, 0), presence_state_name(p, utc_ms)) != 0;
	return true;
}

static void presence_notify(const struct command_run *run, const struct extension *e)
{
	struct effects effects = { 0 };
	struct sig_event *event =
		effects_event(&effects, SIG_PRESENCE, 0, clock_utc_ms(), bytes_str(run->tenant));

	event_put_str(event, EV_TO, e->core.number);
	event_put_str(event, EV_PRESENCE, presence_state_name(&e->presence, clock_utc_ms()));
	effects_carry_out(&run->node->shards->effects_to, &effects);
	effects_close(&effects);
}

void command_presence_saved(struct command_run *run, const void *value, json_t *view)
{
	bool part = run->command->documents == &g_presence_documents;
	const struct presence_kept *kept = part ? run->kept : NULL;
	const json_t *before = json_array_get(json_object_get(run->changes, "presence"),
					      0); /* of a new one: null */
	char etag[BASE32_U64_LEN];

	if (kept ? kept->is_change : json_is_string(before))
		presence_notify(run, value);
	if (!kept || !kept->etag)
		return;
	base32_u64_put(etag, kept->etag);
	(void)json_object_set_new(view, "etag", json_stringn(etag, sizeof(etag)));
	(void)json_object_set_new(view, "expires_s", json_integer(kept->expires_s));
}

/* ---- shown ---- */

static const char *source_name(const struct presence_word *said)
{
	return !said ? "" : said->by == PRESENCE_BY_PHONE ? "phone" : g_presence_sources[said->by];
}

json_t *command_presence_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct extension *e = value;
	uint64_t utc_ms = clock_utc_ms();
	const struct presence_word *said = presence_current(&e->presence, utc_ms);
	struct presence_view view = { .state = "offline", .note = "" };
	uint32_t cursor = 0;
	struct shard *core = node_core_next(node, &cursor);

	if (core)
		shard_presence_of(core, tenant, bytes_str(e->core.number), clock_instant(), &view);
	return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:I, s:s}", "number", e->core.number,
			 "state", view.state, "available", view.open, "said",
			 presence_state_name(&e->presence, utc_ms), "by", source_name(said), "note",
			 view.note, "until_utc_ms", (json_int_t)view.until_utc_ms, "states",
			 tenants_terms(node->common.tenants, tenant)->presence_states);
}

void command_presence_get(struct command_run *run)
{
	struct extension e;

	if (!extensions_find(run->node->api.extensions, document_tenant(run),
			     command_value(run, "number")->text, &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return;
	}
	command_answer(run, command_presence_show(run->node, document_tenant(run), &e));
	extension_wipe(&e);
}

/* ---- a phone's PUBLISH ---- */

struct publish_run {
	struct node *node;
	uint64_t of;
	bool asked; /* a phone waits for it */
	struct publish_reply outcome;
};

static uint16_t publish_status(const json_t *answer)
{
	const char *code =
		json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	static const struct {
		enum command_error_code code;
		uint16_t status;
	} rows[] = {
		{ COMMAND_CHANGED, 412 },
		{ COMMAND_NOT_FOUND, 404 },
		{ COMMAND_BAD_ARGUMENT, 403 }, /* the tenant has no such state */
	};

	if (json_is_true(json_object_get(answer, "ok")))
		return 200;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (command_error_named(code) == rows[i].code)
			return rows[i].status;
	}
	return 503;
}

static void publish_on_done(json_t *answer, void *arg)
{
	struct publish_run *p = arg;
	struct reply reply = { .ask = ASK_PUBLISH, .of = p->of, .publish = p->outcome };

	reply.publish.status = publish_status(answer);
	if (p->asked)
		answers_reply(&p->node->shards->answers, &reply);
	json_decref(answer);
	free(p);
}

void command_publish(const struct effect *e, void *arg)
{
	struct publish_run *p = calloc(1, sizeof(*p));
	struct command_principal who = { .role = COMMAND_FOR_ADMIN, .door = "phone" };
	const struct request_publish *publish = e->request;
	struct bytes data = text_bytes(&publish->data), part;
	char number[COMMAND_USER_MAX], id[COMMAND_ID_MAX], etag[BASE32_U64_LEN + 1] = "";
	uint64_t if_match = 0;
	json_t *args;

	if (!p || bytes_cstr(text_bytes(&publish->user), number, sizeof(number)) ||
	    bytes_cstr(text_bytes(&publish->tenant), who.tenant, sizeof(who.tenant))) {
		free(p);
		return; /* the phone says it again */
	}
	*p = (struct publish_run){ .node = arg,
				   .of = e->call,
				   .asked = data.n != 0,
				   .outcome = { .txn = e->serial,
						.etag = publish->etag,
						.expires_s = (uint32_t)(publish->ttl_ms / 1000) } };
	who.by = number;
	base32_u64_put(etag, publish->etag);
	(void)snprintf(id, sizeof(id), PUBLISH_ID "%s", etag);
	args = json_pack("{s:s, s:I}", "number", number, "expires_s",
			 (json_int_t)(publish->ttl_ms / 1000));
	if (bytes_cut(&data, ' ', &part) && !bytes_u64(part, &if_match) && if_match) {
		base32_u64_put(etag, if_match);
		(void)json_object_set_new(args, "etag", json_string(etag));
	}
	if (bytes_cut(&data, ' ', &part) && part.n) {
		(void)json_object_set_new(args, "state",
					  json_stringn((const char *)part.p, part.n));
		(void)json_object_set_new(args, "note", json_stringn((const char *)data.p, data.n));
	}
	command_start(p->node, &who, BYTES_LIT("presence.publish"), bytes_str(id), args,
		      publish_on_done, p);
	json_decref(args);
}
