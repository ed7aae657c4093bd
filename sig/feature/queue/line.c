/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads what nodes tell each other of queues, with protobuf (line.h). It comes from the
 * network: a message is checked as a whole before any of it is handed on. Pure. */

#include "sig/feature/queue/line.h"

#include <errno.h>

#include "sig/host/tenant.h"
#include "sig/line.pb-c.h"

typedef Tandem__Line__Caller pb_caller;
typedef Tandem__Line__Agent pb_agent;
typedef Tandem__Line__Line pb_line;

static void line_message_put(struct writer *w, const pb_line *line)
{
	uint8_t *to = writer_room(w, tandem__line__line__get_packed_size(line));

	if (to)
		(void)tandem__line__line__pack(line, to);
}

void line_add_caller(struct writer *w, const char *tenant, const struct queue_caller *c, bool gone)
{
	pb_caller one, *list[] = { &one };
	pb_line line;

	tandem__line__line__init(&line);
	tandem__line__caller__init(&one);
	one.call = c->call;
	one.tenant = (char *)(uintptr_t)tenant;
	one.queue = (char *)(uintptr_t)c->queue;
	one.priority = c->priority;
	one.joined_utc_ms = c->joined_utc_ms;
	one.rings = c->rings;
	one.gone = gone;
	line.callers = list;
	line.n_callers = COUNT_OF(list);
	line_message_put(w, &line);
}

void line_add_agent(struct writer *w, const char *tenant, const char *number,
		    const struct queue_agent_word *word)
{
	pb_agent one, *list[] = { &one };
	pb_line line;

	tandem__line__line__init(&line);
	tandem__line__agent__init(&one);
	one.tenant = (char *)(uintptr_t)tenant;
	one.number = (char *)(uintptr_t)number;
	one.by = word->by;
	one.holds = word->holds;
	one.wraps = word->wraps;
	one.missed = word->missed;
	one.until_utc_ms = word->until_utc_ms;
	one.spoke_utc_ms = word->spoke_utc_ms;
	one.epoch = word->epoch;
	one.talk_ms = word->talk_ms;
	line.agents = list;
	line.n_agents = COUNT_OF(list);
	line_message_put(w, &line);
}

/* ---- read ---- */

static bool line_name_is_good(const char *text, size_t max)
{
	size_t n = bytes_str(text).n;

	return n && n < max;
}

static bool caller_unpack(struct queue_caller *out, const pb_caller *in)
{
	*out = (struct queue_caller){ .call = in->call,
				      .priority = (uint8_t)in->priority,
				      .joined_utc_ms = in->joined_utc_ms,
				      .rings = in->rings };
	return in->call && in->priority <= QUEUE_PRIORITY_MAX &&
	       line_name_is_good(in->tenant, TENANT_NAME_MAX) &&
	       line_name_is_good(in->queue, QUEUE_NAME_MAX) &&
	       !bytes_cstr(bytes_str(in->queue), out->queue, sizeof(out->queue));
}

static bool agent_unpack(struct queue_agent_word *out, const pb_agent *in)
{
	*out = (struct queue_agent_word){ .by = in->by,
					  .holds = in->holds,
					  .wraps = in->wraps,
					  .missed = (uint8_t)in->missed,
					  .until_utc_ms = in->until_utc_ms,
					  .spoke_utc_ms = in->spoke_utc_ms,
					  .epoch = in->epoch,
					  .talk_ms = in->talk_ms };
	return in->by && in->missed <= UINT8_MAX && !(in->holds && in->wraps) &&
	       line_name_is_good(in->tenant, TENANT_NAME_MAX) &&
	       line_name_is_good(in->number, DIAL_NUMBER_MAX);
}

/* readers NULL: only checks. */
static bool line_walk(const pb_line *line, const struct line_readers *readers)
{
	for (size_t i = 0; i < line->n_callers; i++) {
		const pb_caller *in = line->callers[i];
		struct queue_caller c;

		if (!caller_unpack(&c, in))
			return false;
		if (readers)
			readers->caller(readers->arg, bytes_str(in->tenant), &c, in->gone);
	}
	for (size_t i = 0; i < line->n_agents; i++) {
		const pb_agent *in = line->agents[i];
		struct queue_agent_word word;

		if (!agent_unpack(&word, in))
			return false;
		if (readers)
			readers->agent(readers->arg, bytes_str(in->tenant), bytes_str(in->number),
				       &word);
	}
	return true;
}

int line_read(struct bytes octets, const struct line_readers *readers)
{
	pb_line *line = tandem__line__line__unpack(NULL, octets.n, octets.p);
	bool good = line && line_walk(line, NULL);

	if (good)
		(void)line_walk(line, readers);
	if (line)
		tandem__line__line__free_unpacked(line, NULL);
	return good ? 0 : -EBADMSG;
}
