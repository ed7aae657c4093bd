/* SPDX-License-Identifier: Apache-2.0 */
/* The newest SIP messages, as they may be shown. */
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"
#include "app/watch/watch.h"
#include "sig/sip/redact.h"

enum { RECENT_LIMIT = 50, ANSWER_OCTETS = 256 * 1024 };

static json_t *octets_json(struct bytes message)
{
	uint8_t *copy = malloc(message.n);
	json_t *json;

	if (!copy)
		return json_null();
	memcpy(copy, message.p, message.n);
	redact_credentials(copy, message.n);
	redact_keys(copy, message.n);
	redact_digits(copy, message.n);
	json = command_text_json(bytes_mem(copy, message.n));
	explicit_bzero(copy, message.n);
	free(copy);
	return json;
}

static json_t *message_json(const struct node *node, const struct recent_message *m)
{
	struct addr local = watch_local(node->watch, &m->hop);

	return json_pack("{s:I, s:b, s:s, s:o, s:o, s:s*, s:o}", "utc_ms", (json_int_t)m->utc_ms,
			 "sent", m->sent, "transport", sip_transport_name(m->hop.transport),
			 "local", command_addr_json(&local), "remote",
			 command_addr_json(&m->hop.remote), "reason", m->why, "message",
			 octets_json(m->octets));
}

void command_sip_recent(struct command_run *run)
{
	const struct recent *r = &run->node->recent;
	struct recent_choice choice = { 0 };
	struct command_span span;
	struct recent_cursor cursor = { 0 };
	struct recent_message m;
	uint32_t limit = RECENT_LIMIT, skip;
	json_t *list;

	if (command_value(run, "call")->given && !command_call_id(run, &choice.call))
		return;
	if (!command_span_take(run, &span))
		return;
	choice.user = span.number;
	choice.since_utc_ms = span.since_utc_ms;
	choice.until_utc_ms = span.until_utc_ms;
	command_take_u32(run, "limit", &limit);
	recent_choose(r, &choice);
	skip = recent_surplus(r, &choice, limit, ANSWER_OCTETS);
	list = json_array();
	while (recent_next(r, &cursor, &m)) {
		if (!recent_is_chosen(&choice, &m))
			continue;
		if (skip)
			skip--;
		else
			(void)json_array_insert_new(list, 0, message_json(run->node, &m));
	}
	command_answer(run, list);
}
