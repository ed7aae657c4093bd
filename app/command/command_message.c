/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of mailboxes (docs/adr/0123): Redis has what they are, for all nodes. */
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_boxes.h"
#include "sig/host/box.h"

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
	const struct node_box_answer *a = answer;
	const char *mailbox = json_string_value(json_object_get(run->args, "mailbox"));
	json_t *row = json_array_get(a->rows, 0);

	if (a->result == BOX_UNKNOWN)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis did not answer: nothing is known of messages; try again");
	else if (run->command->fn == command_message_count)
		command_answer(run, counts_json(mailbox ? mailbox : "", &a->counts));
	else if (run->command->fn == command_message_list)
		command_answer(run, json_incref(a->rows));
	else if (a->result == BOX_CONFLICT)
		command_fail(run, COMMAND_CHANGED, "version",
			     "somebody has changed it meanwhile: message.get shows what it is");
	else if (a->result == BOX_NONE || !row)
		command_fail(run, COMMAND_NOT_FOUND, "message",
			     "there is no such message in that mailbox: message.list has them");
	else
		command_answer(run, json_incref(row));
}

static bool message_redis(struct command_run *run)
{
	if (run->node->redis.store && redis_is_connected(run->node->redis.link))
		return true;
	command_fail(run, COMMAND_UNAVAILABLE, NULL,
		     "Redis is away: nothing is known of messages until it is back");
	return false;
}

static struct node_box_ask message_ask(const struct command_run *run, enum box_act act)
{
	return (struct node_box_ask){ .tenant = bytes_str(run->tenant),
				      .box = command_value(run, "mailbox")->text,
				      .order = { .act = act } };
}

static void message_send(struct command_run *run, const struct node_box_ask *ask)
{
	if (message_redis(run))
		node_box_ask(run->node, ask, message_on_answer, run);
}

void command_message_count(struct command_run *run)
{
	const struct node_box_ask ask = message_ask(run, BOX_LOOK);

	message_send(run, &ask);
}

void command_message_list(struct command_run *run)
{
	static const char *const sets[] = { "new urgent", "old oldurgent", "gone" };
	const struct command_value *state = command_value(run, "state");
	struct node_box_ask ask = message_ask(run, BOX_LIST);

	ask.sets = state->given ? sets[state->number] : "new urgent old oldurgent";
	ask.most = (uint32_t)command_limit(run);
	ask.order.newest_first = true;
	(void)bytes_cstr(command_value(run, "after")->text, ask.order.id, sizeof(ask.order.id));
	message_send(run, &ask);
}

void command_message_get(struct command_run *run)
{
	struct node_box_ask ask = message_ask(run, BOX_LIST);
	char id[MESSAGE_ID_MAX + 1];

	(void)bytes_cstr(command_value(run, "message")->text, id, sizeof(id));
	ask.one = id;
	message_send(run, &ask);
}

/* Who did it is one of its marks. ask->marks: stolen. */
static void message_set(struct command_run *run, struct node_box_ask *ask)
{
	if (!ask->marks)
		ask->marks = json_object();
	(void)json_object_set_new(ask->marks, "by",
				  json_string(run->user[0] ? run->user : run->by));
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
	struct node_box_ask ask = message_ask(run, BOX_SET);
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
	struct node_box_ask ask = message_ask(run, BOX_SET);

	ask.to = "deleted";
	message_set(run, &ask);
}

void command_message_undelete(struct command_run *run)
{
	struct node_box_ask ask = message_ask(run, BOX_SET);

	ask.to = "kept";
	message_set(run, &ask);
}

bool command_box_of(const struct node *n, const char *tenant, struct bytes number,
		    struct extension_box *out)
{
	return extensions_box(n->api.extensions, tenants_find(n->common.tenants, bytes_str(tenant)),
			      number, out);
}

void command_box_call(struct node *n, const char *tenant, const char *id, json_t *args,
		      void (*done)(json_t *answer, void *arg), void *arg)
{
	struct command_principal who = { .role = COMMAND_FOR_APPLICATION, .door = "mailbox" };

	(void)snprintf(who.tenant, sizeof(who.tenant), "%s", tenant);
	command_start(n, &who, BYTES_LIT("call.originate"), bytes_str(id), args, done, arg);
	json_decref(args);
}
