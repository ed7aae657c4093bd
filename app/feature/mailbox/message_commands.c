/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of mailboxes (docs/adr/0123): Redis has their rows for all nodes, and boxes.c
 * changes them. message.forward and message.link go through stages: each target mailbox must have
 * room before the first copy is made, and ids of copies follow from the command, so that a repeated
 * command makes none twice. */

#include <stdlib.h>
#include <string.h>

#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/command_tenant.h"
#include "app/command/commands.h"
#include "app/document/extensions.h"
#include "app/feature/mailbox/boxes.h"
#include "app/feature/recording/deliver.h"
#include "app/node/node.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/table.h"
#include "sig/host/box.h"
#include "sig/host/groups.h"
#include "sig/shard/shared_tables.h"

static json_t *counts_json(const char *mailbox, const struct box_counts *c)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "mailbox", mailbox, "new",
			 (json_int_t)c->fresh, "old", (json_int_t)c->old, "urgent_new",
			 (json_int_t)c->urgent_fresh, "urgent_old", (json_int_t)c->urgent_old,
			 "deleted", (json_int_t)c->deleted, "version", (json_int_t)c->version);
}

static void message_on_answer(const struct node_box_answer *answer, void *arg)
{
	struct command_run *run = arg;
	json_t *row = json_array_get(answer->rows, 0);

	if (answer->result == BOX_UNKNOWN)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis did not answer: nothing is known of messages; try again");
	else if (run->command->fn == command_message_count)
		command_answer(run, counts_json(json_text(run->args, "mailbox"), &answer->counts));
	else if (run->command->fn == command_message_list)
		command_answer(run, json_incref(answer->rows));
	else if (answer->secluded)
		command_fail(run, COMMAND_CONFLICT, "private",
			     "it is private: nobody takes that from it");
	else if (answer->result == BOX_CONFLICT)
		command_fail(run, COMMAND_CHANGED, "version",
			     "somebody has changed it meanwhile: message.get shows what it is");
	else if (answer->result == BOX_NONE || !row)
		command_fail(run, COMMAND_NOT_FOUND, "message",
			     "there is no such message in that mailbox: message.list has them");
	else
		command_answer(run, json_incref(row));
}

static bool message_redis(struct command_run *run)
{
	if (run->node->redis->store && redis_is_connected(run->node->redis->link))
		return true;
	command_fail(run, COMMAND_UNAVAILABLE, NULL,
		     "Redis is away: nothing is known of messages until it is back");
	return false;
}

static struct node_box_request message_request(const struct command_run *run, enum box_act act)
{
	return (struct node_box_request){ .tenant = bytes_str(run->tenant),
					  .box = command_value(run, "mailbox")->text,
					  .order = { .act = act } };
}

static void message_send(struct command_run *run, const struct node_box_request *ask)
{
	if (message_redis(run))
		node_box_request(run->node, ask, message_on_answer, run);
}

void command_message_count(struct command_run *run)
{
	const struct node_box_request ask = message_request(run, BOX_LOOK);

	message_send(run, &ask);
}

void command_message_list(struct command_run *run)
{
	static const char *const sets[] = { "new urgent", "old oldurgent", "gone" };
	const struct command_value *state = command_value(run, "state");
	struct node_box_request ask = message_request(run, BOX_LIST);

	ask.sets = state->given ? sets[state->number] : "new urgent old oldurgent";
	ask.most = (uint32_t)command_limit(run);
	ask.order.newest_first = true;
	(void)bytes_cstr(command_value(run, "after")->text, ask.order.id, sizeof(ask.order.id));
	message_send(run, &ask);
}

void command_message_get(struct command_run *run)
{
	struct node_box_request ask = message_request(run, BOX_LIST);
	char id[MESSAGE_ID_MAX + 1];

	(void)bytes_cstr(command_value(run, "message")->text, id, sizeof(id));
	ask.one = id;
	message_send(run, &ask);
}

/* ask->marks: stolen. */
static void message_set(struct command_run *run, struct node_box_request *ask)
{
	ask->by = bytes_str(run->user[0] ? run->user : run->by);
	(void)bytes_cstr(command_value(run, "message")->text, ask->order.id, sizeof(ask->order.id));
	message_send(run, ask);
	json_decref(ask->marks);
}

void command_message_put(struct command_run *run)
{
	const struct command_value *urgent = command_value(run, "urgent"),
				   *is_private = command_value(run, "private"),
				   *note = command_value(run, "note"),
				   *mail = command_value(run, "mail"),
				   *state = command_value(run, "state");
	struct node_box_request ask = message_request(run, BOX_SET);
	json_t *marks = json_object();

	if (state->given) {
		ask.order.what |= BOX_STATE;
		ask.order.state = state->number ? MESSAGE_OLD : MESSAGE_NEW;
	}
	if (urgent->given) {
		ask.order.what |= BOX_URGENT;
		ask.order.urgent = urgent->number;
	}
	if (is_private->given) {
		ask.order.what |= BOX_PRIVATE;
		ask.order.is_private = is_private->number;
	}
	if (note->given)
		(void)json_object_set_new(marks, "note",
					  json_stringn((const char *)note->text.p, note->text.n));
	if (mail->given) {
		ask.order.what |= BOX_MAIL;
		(void)json_object_set_new(marks, "mail", json_object());
	}
	ask.order.version = command_value(run, "version")->number;
	ask.marks = marks;
	message_set(run, &ask);
}

void command_message_delete(struct command_run *run)
{
	struct node_box_request ask = message_request(run, BOX_SET);

	ask.order.what = BOX_STATE;
	ask.order.state = MESSAGE_DELETED;
	message_set(run, &ask);
}

void command_message_undelete(struct command_run *run)
{
	struct node_box_request ask = message_request(run, BOX_RESTORE);

	message_set(run, &ask);
}

/* ---- forward, and links ---- */

/* Stages in this order; message.forward does ROOM before all others, and message.link ends with
 * FETCH. The arguments grow on the way: parts, and copies (message, mailbox). */
enum forward_stage { FORWARD_LOOK, FORWARD_FETCH, FORWARD_COPY, FORWARD_WAIT, FORWARD_ROOM };

struct forward {
	enum forward_stage stage;
	bool before;     /* it is the introduction's turn */
	uint32_t looked; /* mailboxes with room, of copies in their order */
	uint32_t left;   /* copies that are not in their mailboxes yet */
	bool late;
	bool draft; /* the introduction is one, and is to be dropped once all copies have it */
};

static const char *forward_arg(const struct command_run *run, const char *key)
{
	return json_string_value(json_object_get(run->args, key));
}

/* Returns the id of the copy, always the same: a repeated command makes no second copy. */
static json_t *forward_id(const struct command_run *run, const char *to)
{
	static const struct hash_key key = { 0 };
	const char *before = forward_arg(run, "introduction");
	char text[256], call[BASE32_U64_LEN];

	(void)snprintf(text, sizeof(text), "%s %s %s %s", forward_arg(run, "message"),
		       forward_arg(run, "mailbox"), to, before ? before : "");
	base32_u64_put(call, hash_sip(&key, bytes_str(text)));
	return json_sprintf("%.*s-1", (int)sizeof(call), call);
}

static void forward_add(const struct command_run *run, json_t *copies, struct bytes to)
{
	json_t *copy;
	char box[BOX_NAME_MAX + 1];
	size_t i;

	if (bytes_cstr(to, box, sizeof(box)))
		return;
	json_array_foreach(copies, i, copy)
	{
		if (!strcmp(json_text(copy, "mailbox"), box))
			return;
	}
	(void)json_array_append_new(copies, json_pack("{s:s, s:o}", "mailbox", box, "message",
						      forward_id(run, box)));
}

bool command_message_copies(struct command_run *run)
{
	const struct node *n = run->node;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(run->tenant));
	struct bytes rest = command_value(run, "to")->text, to;
	json_t *copies = json_array();

	(void)json_object_set_new(run->args, "copies", copies);
	while (bytes_cut(&rest, ',', &to)) {
		const struct ring_group *g =
			groups_find(n->common.shared_tables->groups, tenant, to);

		if (extensions_has(n->api.extensions, tenant, to)) {
			forward_add(run, copies, to);
			continue;
		}
		for (uint8_t i = 0; g && i < g->count; i++) {
			if (extensions_has(n->api.extensions, tenant,
					   bytes_str(g->members[i].number)))
				forward_add(run, copies, bytes_str(g->members[i].number));
		}
		if (!g) {
			command_fail(run, COMMAND_NOT_FOUND, "to",
				     "there is no extension and no group %.*s", (int)to.n,
				     (const char *)to.p);
			return false;
		}
	}
	if (json_array_size(copies))
		return true;
	command_fail(run, COMMAND_CONFLICT, "to", "nobody in that group has a mailbox");
	return false;
}

static void message_on_copied(struct command_run *run);

static void forward_query(struct command_run *run, const char *command, json_t *args)
{
	uint64_t ticket = waiting_put(run->node->api.waiting, run);
	bool sent;

	run->delivered = message_on_copied;
	if (!node_deliver_runs()) /* a successor begins with it at once */
		child_beat(g_store_child.child, clock_now_ns());
	sent = ticket && args && node_deliver_runs() &&
	       node_deliver_query(run->node, ticket, command, run->tenant, args);
	json_decref(args);
	if (sent)
		return;
	if (ticket)
		(void)waiting_pop(run->node->api.waiting, ticket);
	command_fail(run, COMMAND_UNAVAILABLE, NULL, "recordings cannot be copied now: try again");
}

static void forward_on_copy(const struct node_box_answer *answer, void *arg)
{
	struct command_run *run = arg;
	struct forward *f = run->kept;
	struct node_box_request ask = message_request(run, BOX_DROP);

	f->late |= answer->result != BOX_OK;
	if (--f->left)
		return;
	if (f->late) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "not all copies are safe yet: try again");
		return;
	}
	if (f->draft) {
		ask.order.lasting = true;
		(void)bytes_cstr(bytes_str(forward_arg(run, "introduction")), ask.order.id,
				 sizeof(ask.order.id));
		node_box_request(run->node, &ask, NULL, NULL);
	}
	command_answer(run, json_pack("{s:O}", "copies", json_object_get(run->args, "copies")));
}

/* Waits until each copy is in its mailbox and safe. */
static void forward_wait(struct command_run *run)
{
	struct forward *f = run->kept;
	json_t *copies = json_incref(json_object_get(run->args, "copies")), *copy;
	size_t i, parts = json_array_size(json_object_get(run->args, "parts"));

	f->left = (uint32_t)json_array_size(copies);
	json_array_foreach(copies, i, copy)
	{
		struct node_box_request ask = message_request(run, BOX_SEND);

		ask.box = bytes_str(json_text(copy, "mailbox"));
		(void)bytes_cstr(bytes_str(json_text(copy, "message")), ask.order.id,
				 sizeof(ask.order.id));
		ask.order.wait_ms = BOX_DEPOSIT_MS;
		ask.order.segment = (uint16_t)parts;
		node_box_request(run->node, &ask, forward_on_copy, run);
	}
	json_decref(copies);
}

static void forward_go_on(struct command_run *run);

/* The mailbox that is looked at, and its limits. Empty: all have room. */
static struct bytes forward_box(const struct command_run *run, struct extension_box *limits)
{
	const struct forward *f = run->kept;
	const json_t *copy = json_array_get(json_object_get(run->args, "copies"), f->looked);
	struct bytes box = bytes_str(copy ? json_text(copy, "mailbox") : NULL);

	*limits = (struct extension_box){ 0 };
	(void)command_box_of(run->node, run->tenant, box, limits);
	return box;
}

static void forward_on_room(const struct node_box_answer *answer, void *arg)
{
	struct command_run *run = arg;
	struct forward *f = run->kept;
	struct extension_box limits;
	struct bytes box = forward_box(run, &limits);

	if (node_box_is_full(&limits, answer)) {
		command_fail(run, COMMAND_FULL, "to",
			     "the mailbox of " BYTES_FMT " is full: nobody was sent the message",
			     BYTES_ARG(box));
		return;
	}
	f->looked++;
	forward_go_on(run);
}

/* Checks that every target mailbox has room, one mailbox at a time, before any copy is sent. */
static void forward_ask_room(struct command_run *run)
{
	struct forward *f = run->kept;
	struct node_box_request ask = message_request(run, BOX_LOOK);
	struct extension_box limits;

	ask.box = forward_box(run, &limits);
	node_box_ask_room(&ask, &limits);
	if (ask.box.n) {
		node_box_request(run->node, &ask, forward_on_room, run);
		return;
	}
	f->stage = FORWARD_LOOK;
	forward_go_on(run);
}

static void forward_on_row(const struct node_box_answer *answer, void *arg);

/* Returns the first part of the message: a link is to its present file. */
static const char *link_part(const struct command_run *run)
{
	const json_t *part = json_array_get(json_object_get(run->args, "parts"), 0);

	return json_string_value(json_object_get(part, "name"));
}

/* The introduction comes first where there is one, in each stage. */
static void forward_go_on(struct command_run *run)
{
	struct forward *f = run->kept;
	const char *id = forward_arg(run, f->before ? "introduction" : "message");
	struct node_box_request ask = message_request(run, BOX_LIST);

	switch (f->stage) {
	case FORWARD_ROOM:
		forward_ask_room(run);
		break;
	case FORWARD_LOOK:
		ask.one = id;
		ask.order.wait_ms = f->before ? BOX_DEPOSIT_MS : 0;
		node_box_request(run->node, &ask, forward_on_row, run);
		break;
	case FORWARD_FETCH:
		forward_query(run, "recording.fetch",
			      json_pack("{s:s, s:s}", "recording", id, "name",
					run->command->fn == command_message_link ? link_part(run)
										 : ""));
		break;
	case FORWARD_COPY:
		forward_query(run, "message.forward",
			      json_pack("{s:O, s:O, s:s}", "parts",
					json_object_get(run->args, "parts"), "copies",
					json_object_get(run->args, "copies"), "from",
					forward_arg(run, "mailbox")));
		break;
	case FORWARD_WAIT:
		forward_wait(run);
		break;
	}
}

static void link_answer(struct command_run *run)
{
	json_t *links = json_array(), *part;
	size_t i;

	json_array_foreach(json_object_get(run->args, "parts"), i, part)
	{
		(void)json_array_append_new(
			links,
			command_recording_linked(
				run, bytes_str(json_string_value(json_object_get(part, "name")))));
	}
	command_answer(run, json_pack("{s:s, s:o}", "message", forward_arg(run, "message"), "links",
				      links));
}

static void message_on_copied(struct command_run *run)
{
	struct forward *f = run->kept;

	if (f->stage == FORWARD_FETCH && run->command->fn == command_message_link) {
		link_answer(run);
		return;
	}
	if (f->before)
		f->before = false;
	else
		f->before = ++f->stage == FORWARD_FETCH && forward_arg(run, "introduction");
	forward_go_on(run);
}

static bool forward_may(const json_t *row, const json_t *parts, bool before)
{
	json_t *part;
	size_t i;

	json_array_foreach(parts, i, part)
	{
		if (json_object_get(part, "encrypted"))
			return false;
	}
	return before || !json_flag(row, "private");
}

static void forward_on_row(const struct node_box_answer *answer, void *arg)
{
	struct command_run *run = arg;
	struct forward *f = run->kept;
	const json_t *row = json_array_get(answer->rows, 0);
	json_t *parts = json_object_get(row, "parts");

	if (answer->result != BOX_OK || !row || !json_array_size(parts)) {
		message_on_answer(&(struct node_box_answer){ .result = answer->result == BOX_OK
									       ? BOX_NONE
									       : answer->result },
				  run);
		return;
	}
	if (run->command->fn == command_message_forward && !forward_may(row, parts, f->before)) {
		command_fail(run, COMMAND_CONFLICT, "message",
			     "it is private, or encrypted: it stays where it is");
		return;
	}
	f->draft |=
		f->before && command_value(run, "drop")->number && box_row_is(row, MESSAGE_DRAFT);
	(void)json_array_extend(json_object_get(run->args, "parts"), parts);
	message_on_copied(run);
}

/* False: the run has failed. */
static bool forward_start(struct command_run *run)
{
	run->kept = calloc(1, sizeof(struct forward));
	(void)json_object_set_new(run->args, "parts", json_array());
	if (run->kept)
		return message_redis(run);
	command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
	return false;
}

void command_message_forward(struct command_run *run)
{
	struct forward *f;

	if (!forward_start(run) || !command_message_copies(run))
		return;
	f = run->kept;
	f->stage = FORWARD_ROOM;
	f->before = forward_arg(run, "introduction");
	forward_go_on(run);
}

void command_message_link(struct command_run *run)
{
	if (command_recording_has_port(run) && forward_start(run))
		forward_go_on(run);
}

bool command_box_of(const struct node *n, const char *tenant, struct bytes number,
		    struct extension_box *out)
{
	uint16_t of = tenants_find(n->common.tenants, bytes_str(tenant));

	if (!extensions_box(n->api.extensions, of, number, out))
		return false;
	if (!out->messages)
		out->messages = command_tenant_mailbox_messages(n, of);
	return true;
}

void command_box_call(struct node *n, const char *tenant, const char *id, json_t *args,
		      void (*done)(json_t *answer, void *arg), void *arg)
{
	struct command_principal who = { .role = COMMAND_FOR_APPLICATION, .door = "mailbox" };

	(void)snprintf(who.tenant, sizeof(who.tenant), "%s", tenant);
	command_start(n, &who, BYTES_LIT("call.originate"), bytes_str(id), args, done, arg);
	json_decref(args);
}
