/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of users: the number and password of an extension give a token for the rights of its
 * user (docs/adr/0109). A session is a document, so all nodes know it. Its name has a code over the
 * password, so a new password ends it.
 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_session.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/command/door.h"
#include "app/command/tokens.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/schema/feature.h"
#include "app/schema/token_field.h"
#include "base/json_member.h"
#include "sig/identity/shown.h"
#include "sig/sip/id.h"

enum { USER_SESSIONS_MAX = 8, TENANT_SESSIONS_MAX = 4096, CODE_LEN = 8 };

/* ---- what a user may ---- */

static bool user_extension(const struct node *node, const char *tenant, const char *user,
			   struct extension *e)
{
	uint16_t number = tenants_find(node->common.tenants, bytes_str(tenant));

	return number != TENANT_NONE &&
	       extensions_find(node->api.extensions, number, bytes_str(user), e);
}

static int user_refuse(struct command_error *error, enum command_error_code code,
		       const char *argument, const char *what)
{
	*error = (struct command_error){ .code = code, .argument = argument };
	(void)snprintf(error->message, sizeof(error->message), "%s", what);
	return -EINVAL;
}

/* The flags of the extension hold for its user as for its phones. NULL: it may. */
static const char *user_is_denied(const struct node *node, const struct extension *e,
				  const struct command *c)
{
	static const struct {
		enum entitlement entitled;
		const char *words;
	} needs[] = {
		[NEEDS_CALL_CONTROL] = { ENTITLED_CALL_CONTROL, "the extension controls no calls "
								"(features_off: call_control)" },
		[NEEDS_HOLD] = { ENTITLED_CALL_CONTROL, "the extension may not hold (hold)" },
		[NEEDS_TRANSFER] = { ENTITLED_TRANSFER,
				     "the extension may not transfer (transfer, features_off)" },
		[NEEDS_PARK] = { ENTITLED_PARK, "the extension may not park (features_off: park)" },
		[NEEDS_CONFERENCE] = { ENTITLED_CONFERENCE, "the extension makes no conferences "
							    "(features_off: conference)" },
		[NEEDS_RECORD_KEY] = { ENTITLED_RECORD_KEY, "the extension does not record "
							    "(features_off: record_key)" },
	};
	const struct tenants *tenants = node->common.tenants;

	if (!e->core.enabled)
		return "the extension is not enabled";
	if (!c->needs)
		return NULL;
	if (!extension_may(tenants, &e->core, ENTITLED_CALL_CONTROL))
		return needs[NEEDS_CALL_CONTROL].words;
	return !extension_may(tenants, &e->core, needs[c->needs].entitled) ||
			       (c->needs == NEEDS_TRANSFER && e->core.no_transfer) ||
			       (c->needs == NEEDS_HOLD && e->core.no_hold)
		       ? needs[c->needs].words
		       : NULL;
}

/* Of extension.put: what the phones may not set by codes, the user may not set either. */
static const char *user_may_not_set(const struct extension *e, json_t *args)
{
	const char *name;
	json_t *value;

	json_object_foreach(args, name, value)
	{
		if (e->core.no_forwarding_codes && bytes_starts(bytes_str(name), "forward_"))
			return "the extension may not change forward_* (forwarding_codes)";
		if (e->core.no_do_not_disturb_codes && strstr(name, "do_not_disturb"))
			return "the extension may not change do_not_disturb "
			       "(do_not_disturb_codes)";
		if (!e->record_own && !strcmp(name, "record"))
			return "the extension may not change record (record_own)";
	}
	return NULL;
}

bool command_user_was(const struct command_run *run, struct call_parties p)
{
	return !run->user[0] || (!p.from_trunk[0] && !strcmp(p.from, run->user)) ||
	       (!p.to_trunk[0] && (!strcmp(p.to, run->user) || !strcmp(p.forwarded_to, run->user)));
}

/* The part that the user has in that call; of an ended one it may look at it. */
static struct call_part user_part(const struct command_run *run, struct bytes text)
{
	const struct node *n = run->node;
	const struct ended_call *ended;
	struct call_part none = { 0 };
	uint16_t tenant;
	uint64_t call;

	if (id_call_get(text, &call))
		return none;
	if (shard_call_tenant(node_core(n, call), call, &tenant))
		return strcmp(tenants_name(n->common.tenants, tenant), run->tenant) != 0
			       ? none
			       : shard_call_part(node_core(n, call), call, bytes_str(run->user));
	ended = ended_find(&n->shards->ended, call, clock_now_ns());
	if (!ended || strcmp(ended->cdr.tenant, run->tenant) != 0)
		return none;
	return (struct call_part){ .rings = command_user_was(
					   run, (struct call_parties){
							ended->cdr.from, ended->cdr.from_trunk,
							ended->cdr.to, ended->cdr.to_trunk,
							ended->cdr.forwarded_to }) };
}

/* A call on another node, which the command does not run on: sends the question to that node. */
static bool user_is_asked(const struct command_run *run, const struct command_arg *own,
			  struct bytes text)
{
	uint64_t call;

	return own->place != PLACE_ID && !id_call_get(text, &call) &&
	       !node_shard_find(run->node, id_shard(call));
}

static int user_call_check(struct command_run *run, const struct command_arg *own,
			   struct command_error *error)
{
	const char *text = json_string_value(json_object_get(run->args, own->name));
	enum command_part needed = run->command->own_part;
	struct call_part part;
	char leg[2] = "";

	if (!text || user_is_asked(run, own, bytes_str(text)))
		return 0;
	part = user_part(run, bytes_str(text));
	if (!part.side && !part.rings && !part.gives)
		return user_refuse(error, COMMAND_NOT_FOUND, own->name,
				   "there is no such call of yours");
	if ((needed == PART_SPEAKS || needed == PART_GIVES) && !part.side &&
	    !(needed == PART_GIVES && part.gives))
		return user_refuse(error, COMMAND_CONFLICT, own->name,
				   "it is no call in which you speak");
	if (needed == PART_RINGS && !part.rings)
		return user_refuse(error, COMMAND_CONFLICT, own->name,
				   "your phone does not ring for it");
	leg[0] = run->command->own_peer ? (char)('a' + 'b' - part.side) : part.side;
	if (own->place == PLACE_ID && part.side && command_arg_find(run->command, BYTES_LIT("leg")))
		(void)json_object_set_new(run->args, "leg", json_string(leg));
	return 0;
}

static int user_calls_check(struct command_run *run, struct command_error *error)
{
	struct bytes names = bytes_str(run->command->own);
	const struct command_arg *own;
	int err = 0;

	while (!err && (own = command_own_next(run->command, &names)) != NULL) {
		if (command_arg_is_call(own))
			err = user_call_check(run, own, error);
	}
	return err;
}

/* Another extension's mailbox must have the user among its members. False: it does not. */
static bool user_sees_box(const struct command_run *run)
{
	const char *box = run->command->own_shared
				  ? json_string_value(json_object_get(run->args, run->command->own))
				  : run->user;
	struct extension_box of;

	return !box || !strcmp(box, run->user) ||
	       (run->node->hooks->box(run->node, run->tenant, bytes_str(box), &of) &&
		bytes_list_has(bytes_str(of.members), bytes_str(run->user)));
}

int command_user_check(struct command_run *run, struct command_error *error)
{
	const char *denied = "the extension is gone";
	struct extension e;

	if (!run->user[0])
		return 0;
	if (!run->args && !(run->args = json_object()))
		return user_refuse(error, COMMAND_INTERNAL, NULL, "out of memory");
	if (user_extension(run->node, run->tenant, run->user, &e)) {
		denied = user_is_denied(run->node, &e, run->command);
		if (!denied && run->command->documents == &g_extension_documents)
			denied = user_may_not_set(&e, run->args);
		extension_wipe(&e);
	}
	if (denied)
		return user_refuse(error, COMMAND_NOT_ALLOWED, NULL, denied);
	if (!user_sees_box(run))
		return user_refuse(error, COMMAND_NOT_ALLOWED, run->command->own,
				   "it is no mailbox of yours, nor of a team of yours");
	return command_own(run->command, run->user, run->args, error) ||
			       user_calls_check(run, error)
		       ? -EINVAL
		       : 0;
}

void command_party_hide(const struct command_run *run, json_t *call)
{
	const char *from = json_text(call, "from");

	if (!call || party_is_shown(!strcmp(json_text(call, "from_name"), PARTY_HIDDEN_NAME),
				    bytes_str(from), bytes_str(run->user)))
		return;
	(void)json_object_set_new(call, "from", json_string(PARTY_HIDDEN));
}

void command_user_view(const struct command_run *run, json_t *call)
{
	static const char *const seen[] = {
		"id",           "tenant",    "state",        "application",    "waits",
		"from",         "to",        "setup_utc_ms", "ringing_utc_ms", "answer_utc_ms",
		"end_utc_ms",   "talk_ms",   "sip_status",   "ended_by",       "cause",
		"forwarded_to", "forwarded", "version",      "saved",          "restored",
		"group",        "queue",
	};
	const char *name;
	json_t *value;
	void *next;

	if (!run->user[0])
		return;
	command_party_hide(run, call);
	json_object_foreach_safe(call, next, name, value)
	{
		size_t i = 0;

		while (i < COUNT_OF(seen) && strcmp(name, seen[i]) != 0)
			i++;
		if (i == COUNT_OF(seen))
			(void)json_object_del(call, name);
	}
}

/* ---- names ---- */

/* "session-CODE-": of that user, as long as the password is the same. */
static void session_head(const struct node *node, const char *tenant, const struct extension *e,
			 char out[TOKEN_NAME_MAX])
{
	uint8_t key[KEYS_LEN], mac[EVP_MAX_MD_SIZE] = { 0 }, said[sizeof(e->core.secret) + 2 * 64];
	struct writer w = writer_over((char *)said, sizeof(said));
	struct writer name = writer_over(out, TOKEN_NAME_MAX - 1);

	keys_derive(&node->keys, "tandem session 1", key);
	writer_bytes(&w, bytes_mem(tenant, strlen(tenant) + 1));
	writer_bytes(&w, bytes_mem(e->core.number, strlen(e->core.number) + 1));
	writer_bytes(&w, bytes_mem(&e->core.secret, sizeof(e->core.secret)));
	(void)HMAC(EVP_sha256(), key, sizeof(key), said, w.n, mac, NULL);
	writer_str(&name, TOKEN_SESSION);
	writer_hex(&name, bytes_mem(mac, CODE_LEN));
	writer_str(&name, "-");
	out[name.n] = '\0';
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(said, sizeof(said));
}

/* False: there is no such extension. */
static bool session_head_of(const struct node *node, const char *tenant, const char *user,
			    char out[TOKEN_NAME_MAX])
{
	struct extension e;

	if (!user_extension(node, tenant, user, &e))
		return false;
	session_head(node, tenant, &e, out);
	extension_wipe(&e);
	return true;
}

bool command_session_counts(const struct node *node, const char *tenant, const char *user,
			    const char *name)
{
	char head[TOKEN_NAME_MAX];

	return session_head_of(node, tenant, user, head) &&
	       (!bytes_starts(bytes_str(name), TOKEN_SESSION) ||
		bytes_starts(bytes_str(name), head));
}

static bool session_stored(const struct command_run *run, const char *name, struct token_value *v)
{
	return document_stored(run->node, run->tenant, &g_session_documents, bytes_str(name), v);
}

static bool session_is_over(const struct token_value *v)
{
	return clock_utc_ms() / 1000 >= v->expires_utc_s;
}

static void session_name(char out[TOKEN_NAME_MAX], const char *head, unsigned i)
{
	(void)snprintf(out, TOKEN_NAME_MAX, "%.*s%u", TOKEN_NAME_MAX - 2, head,
		       i % USER_SESSIONS_MAX);
}

/* A free one of the user's, else the one that ends first, which the new one takes the place of. */
static void session_pick(const struct command_run *run, const char *head, char out[TOKEN_NAME_MAX])
{
	uint32_t first = UINT32_MAX;
	char name[TOKEN_NAME_MAX];
	struct token_value v;

	for (unsigned i = 0; i < USER_SESSIONS_MAX; i++) {
		session_name(name, head, i);
		if (!session_stored(run, name, &v))
			v.expires_utc_s = 0;
		if (v.expires_utc_s < first) {
			first = v.expires_utc_s;
			memcpy(out, name, sizeof(name));
		}
	}
}

/* ---- seats ---- */

static bool user_has_seat(const struct node *node, const char *tenant, const char *user)
{
	struct extension e;
	bool has;

	if (!user_extension(node, tenant, user, &e))
		return false;
	has = extension_has_seat(node->common.tenants, &e.core, SEAT_WEB);
	extension_wipe(&e);
	return has;
}

struct session_seats {
	const struct command_run *run;
	const char *user; /* the user who logs in: his sessions are not counted */
};

/* Each user counts once, by the first of the sessions. */
static bool session_takes_seat(void *arg, const char *name, const char *user)
{
	const struct session_seats *seats = arg;
	char other[TOKEN_NAME_MAX];
	struct token_value v;
	size_t end = strlen(name) - 1;

	if (!strcmp(user, seats->user) || user_has_seat(seats->run->node, seats->run->tenant, user))
		return false;
	for (char i = '0'; i < name[end]; i++) {
		(void)snprintf(other, sizeof(other), "%.*s%c", (int)end, name, i);
		if (session_stored(seats->run, other, &v) && !session_is_over(&v))
			return false;
	}
	return true;
}

/* The user has one of the extension, or one of the tenant's for sessions is left. False: the run
 * has failed. */
static bool session_seat_fits(struct command_run *run, const char *user)
{
	const struct tenants *tenants = run->node->common.tenants;
	struct session_seats seats = { run, user };
	uint32_t most;

	if (user_has_seat(run->node, run->tenant, user))
		return true;
	most = tenants_most(tenants, document_tenant(run),
			    (enum tenant_item)(TENANT_SEATS + SEAT_SESSION));
	if (most && tokens_sessions(door_tokens(run->node->api.door), run->tenant,
				    session_takes_seat, &seats) < most)
		return true;
	command_fail(run, COMMAND_NO_SEAT, NULL,
		     "the extension has no seat of its own (web), and %s%" PRIu32 " seats for "
		     "sessions: an administrator gives one",
		     most ? "others have taken all " : "the tenant has ", most);
	return false;
}

uint32_t command_session_seats(const struct command_run *run)
{
	struct session_seats seats = { run, "" };

	return tokens_sessions(door_tokens(run->node->api.door), run->tenant, session_takes_seat,
			       &seats);
}

/* ---- the documents ---- */

/* Two nodes that give the last one at the same time would both find it free. */
static const struct document_seat g_session_seats[] = {
	{ NULL, NULL, "seats", (enum tenant_item)(TENANT_SEATS + SEAT_SESSION) },
	{ 0 },
};

static uint32_t session_until(const struct command_run *run)
{
	return (uint32_t)(clock_utc_ms() / 1000 + command_value(run, "ttl_s")->number);
}

/* In its turn, so that two at once have two places. */
static bool session_create(struct command_run *run, struct token_value *v)
{
	struct bytes number = command_value(run, "number")->text;
	char head[TOKEN_NAME_MAX], name[TOKEN_NAME_MAX], user[COMMAND_USER_MAX];

	if (bytes_cstr(number, user, sizeof(user)) ||
	    !session_head_of(run->node, run->tenant, user, head)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return false;
	}
	if (!session_seat_fits(run, user))
		return false;
	session_pick(run, head, name);
	form_start(&g_token_form, v, bytes_str(name));
	memcpy(v->name, name, sizeof(name));
	memcpy(v->user, user, sizeof(user));
	v->expires_utc_s = session_until(run);
	v->changed_utc_ms = clock_utc_ms();
	token_secret_make(v, run->tenant, &run->node->rand);
	return true;
}

/* The named session, if it is of the given number. False: the run has failed. */
static bool session_named(struct command_run *run, struct token_value *v)
{
	const struct command_value *number = command_value(run, "number");

	if (document_stored(run->node, run->tenant, &g_session_documents,
			    command_value(run, "name")->text, v) &&
	    (!number->given || bytes_is(number->text, v->user)))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "name", "there is no such session");
	return false;
}

static bool session_make(struct command_run *run, void *value)
{
	struct token_value *v = value;

	if (!command_arg_find(run->command, BYTES_LIT("name")))
		return session_create(run, v);
	if (!session_named(run, v) || !session_seat_fits(run, v->user))
		return false;
	v->expires_utc_s = session_until(run);
	v->changed_utc_ms = clock_utc_ms();
	return true;
}

/* The run keeps it until it is deleted. */
static bool session_aim(struct command_run *run, char name[DOCUMENT_NAME_MAX])
{
	struct token_value v;

	if (!session_named(run, &v))
		return false;
	(void)bytes_cstr(command_value(run, "name")->text, name, DOCUMENT_NAME_MAX);
	free(run->kept);
	run->kept = session_is_over(&v) ? NULL : malloc(sizeof(v));
	if (run->kept)
		memcpy(run->kept, &v, sizeof(v));
	return true;
}

static void session_deleted(struct node *node, const char *name, const struct command_run *run)
{
	(void)node;
	(void)name;
	FEATURE_EACH (f) {
		if (f->session && run->kept)
			f->session(run, run->kept);
	}
}

static json_t *session_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct token_value *v = value;
	json_t *json = json_pack("{s:s, s:s, s:I, s:I}", "name", v->name, "number", v->user,
				 "expires_utc_s", (json_int_t)v->expires_utc_s, "changed_utc_ms",
				 (json_int_t)v->changed_utc_ms);

	(void)node;
	(void)tenant;
	if (json && v->text[0])
		(void)json_object_set_new(json, "token", json_string(v->text));
	return json;
}

static int session_apply(struct node *node, uint16_t tenant, const void *value)
{
	return tokens_put(door_tokens(node->api.door), tenants_name(node->common.tenants, tenant),
			  value);
}

static void session_forget(struct node *node, uint16_t tenant, const char *name)
{
	tokens_delete(door_tokens(node->api.door), tenants_name(node->common.tenants, tenant),
		      name);
}

const struct document_kind g_session_documents = {
	.rank = 2,
	.name = "session",
	.argument = "name",
	.passing = true,
	.several = "sessions",
	.places = TOKENS_SESSIONS_MAX,
	.share = TENANT_SESSIONS_MAX,
	.quota = "max_sessions",
	.item = TENANT_SESSIONS,
	.seats = g_session_seats,
	.size = sizeof(struct token_value),
	.form = &g_token_form,
	.make = session_make,
	.aim = session_aim,
	.show = session_show,
	.apply = session_apply,
	.forget = session_forget,
	.deleted = session_deleted,
};

/* ---- commands ---- */

/* False: the run has failed. */
static bool password_is_right(struct command_run *run, const char *argument)
{
	uint16_t tenant = document_tenant(run);
	uint32_t cursor = 0;
	struct shard *core = node_core_next(run->node, &cursor);
	uint64_t wait_ns = 0;

	if (!core)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "the node has no shard yet");
	else if (tenant != TENANT_NONE &&
		 shard_password_proves(core, tenant, command_value(run, "number")->text,
				       command_value(run, argument)->text, &run->source,
				       clock_instant(), &wait_ns))
		return true;
	else if (wait_ns)
		command_fail(run, COMMAND_BUSY, NULL,
			     "too many wrong passwords: it is looked at again in %" PRIu64 " s",
			     wait_ns / NS_PER_S + 1);
	else
		command_fail(run, COMMAND_NOT_ALLOWED, NULL, "number or password is wrong");
	return false;
}

void command_session_create(struct command_run *run)
{
	if (password_is_right(run, "password"))
		document_put(run);
}

/* The extension with all that it has is not what was asked for. */
static void secret_on_put(json_t *answer, void *arg)
{
	struct command_run *run = arg;

	if (!json_is_true(json_object_get(answer, "ok"))) {
		command_end(run, answer);
		return;
	}
	json_decref(answer);
	command_answer(run, json_pack("{s:o}", "number",
				      command_text_json(command_value(run, "number")->text)));
}

static void secret_add(const struct command_run *run, const char *from, json_t *args,
		       const char *to)
{
	const struct command_value *v = command_value(run, from);

	if (v->given)
		(void)json_object_set_new(args, to, command_text_json(v->text));
}

void command_extension_secret(struct command_run *run)
{
	struct command_principal who = command_in_name(run, COMMAND_FOR_ADMIN);
	char id[COMMAND_ID_MAX];
	json_t *args;

	if (!command_value(run, "new_password")->given && !command_value(run, "new_pin")->given) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "new_password",
			     "give new_password, new_pin, or both");
		return;
	}
	if (!password_is_right(run, "present"))
		return;
	args = json_object();
	secret_add(run, "number", args, "number");
	secret_add(run, "new_password", args, "password");
	secret_add(run, "new_pin", args, "pin");
	(void)snprintf(id, sizeof(id), "secret %.*s", COMMAND_ID_MAX - 16, run->id);
	command_start(run->node, &who, BYTES_LIT("extension.put"), bytes_str(id), args,
		      secret_on_put, run);
	json_decref(args);
}

void command_session_list(struct command_run *run)
{
	char head[TOKEN_NAME_MAX], name[TOKEN_NAME_MAX], user[COMMAND_USER_MAX];
	json_t *list = json_array();
	struct token_value v;

	if (bytes_cstr(command_value(run, "number")->text, user, sizeof(user)) ||
	    !session_head_of(run->node, run->tenant, user, head)) {
		json_decref(list);
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return;
	}
	for (unsigned i = 0; i < USER_SESSIONS_MAX; i++) {
		session_name(name, head, i);
		if (session_stored(run, name, &v) && !session_is_over(&v))
			(void)json_array_append_new(list, session_show(run->node, 0, &v));
	}
	command_answer(run, list);
}
