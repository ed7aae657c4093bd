/* SPDX-License-Identifier: Apache-2.0 */
/* message.introduce (VM-05): the phone of the mailbox's extension rings, and its call goes through
 * the shipped flow introduction: what its user says is a draft in the mailbox, and # forwards the
 * message behind it. Message and receivers are variables of that flow, so a successor of the call
 * has them. Control thread. */
#include <string.h>

#include "app/command/command_order.h"
#include "app/command/command_start.h"
#include "app/feature/mailbox/boxes.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "sig/model/flow_run.h"
#include "sig/model/saved.h"
#include "sig/shard/shard.h"

/* A phone alone is rung: forwards and other callees of the extension are not. */
static void introduce_ring(struct command_run *run)
{
	struct bytes box = command_value(run, "mailbox")->text;
	char from[BOX_NAME_MAX + 1], to[SAVED_USER_MAX];
	struct bytes id = bytes_str(run->id);
	struct shard_order by;
	struct shard_originate o = {
		.tenant = tenants_find(run->node->common.tenants, bytes_str(run->tenant)),
		.call = id_call_derive(node_shard_of_command(run->node, id), id),
		.from = from,
		.to = to,
		.by = &by
	};

	(void)bytes_cstr(box, from, sizeof(from));
	(void)snprintf(to, sizeof(to),
		       FLOW_WORD "introduction" FLOW_BOX "%s" FLOW_BOX "message=" BYTES_FMT FLOW_BOX
				 "to=" BYTES_FMT,
		       from, BYTES_ARG(command_value(run, "message")->text),
		       BYTES_ARG(command_value(run, "to")->text));
	if (command_order_start(run, &by))
		command_order_end(run, &by, false,
				  shard_call_originate(node_core(run->node, o.call), &o,
						       clock_instant()));
}

static void introduce_on_message(json_t *answer, void *arg)
{
	struct command_run *run = arg;
	const json_t *row = json_object_get(answer, "result");

	if (!row) {
		command_end(run, answer);
		return;
	}
	if (json_flag(row, "private"))
		command_fail(run, COMMAND_CONFLICT, "message",
			     "it is private: it stays where it is");
	else
		introduce_ring(run);
	json_decref(answer);
}

void command_message_introduce(struct command_run *run)
{
	struct command_principal who = command_in_name(run, COMMAND_FOR_READER);
	struct bytes box = command_value(run, "mailbox")->text;
	struct bytes message = command_value(run, "message")->text;
	char id[COMMAND_ID_MAX];
	json_t *args;

	if (command_awaits_user(run, run->tenant, box) || !command_message_copies(run))
		return;
	(void)snprintf(id, sizeof(id), "introduced %.*s", COMMAND_ID_MAX - 16, run->id);
	args = json_pack("{s:s%, s:s%}", "mailbox", box.p, box.n, "message", message.p, message.n);
	command_start(run->node, &who, BYTES_LIT("message.get"), bytes_str(id), args,
		      introduce_on_message, run);
	json_decref(args);
}
