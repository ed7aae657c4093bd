/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in small (app/node/node_record.c): how long they are, and that nothing is said any more. Each party speaks for some seconds. */
#include <inttypes.h>
#include <string.h>

#include "tests/event_value.h"
#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

enum { LOG_MS = 7000, GROWS_MS = 3000, ENDED_MS = 20 };

static uint64_t said_until_ns(const struct recorder_file *f)
{
	return f->begun_ns + LOG_MS * NS_PER_MS;
}

/* What this process has in its file: no silence at its end. */
static uint32_t file_ms(const struct sim *s, const struct recorder_file *f)
{
	uint64_t until_ns = s->now_ns < said_until_ns(f) ? s->now_ns : said_until_ns(f);

	return until_ns > f->here_ns ? (uint32_t)((until_ns - f->here_ns) / NS_PER_MS) : 0;
}

static void tell(struct node *n, uint64_t call, const struct record_reply *outcome)
{
	const struct reply reply = { .ask = ASK_RECORD, .of = call, .record = *outcome };
	struct shard *core = node_core_of(n, call);

	if (!core)
		return;
	shard_replied(core, &reply, node_now(n));
	node_carry(n);
}

/* e->who: process; a: call; b: run of its shard << 8 | number */
static void on_grows(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	struct recorder_file *f = recorder_file_of(s, e->a, (uint8_t)e->b);
	struct record_reply outcome = { .kind = RECORD_REPLY_GROWN, .number = (uint8_t)e->b };

	if (!n || !f || f->ended || f->run != e->b >> 8)
		return;
	sim_after(s, GROWS_MS * NS_PER_MS, on_grows, e->who, e->a, e->b);
	outcome.ms = file_ms(s, f);
	if (f->silence_ms && !f->quiet &&
	    s->now_ns >= said_until_ns(f) + f->silence_ms * NS_PER_MS) {
		f->quiet = true;
		outcome.kind = RECORD_REPLY_QUIET;
	}
	tell(n, e->a, &outcome);
}

void recorder_message_begin(const struct node *n, struct recorder_file *f, const struct effect *e)
{
	const struct request_record *r = e->request;
	struct sim *s = n->sim;

	f->message = true;
	f->here_ns = s->now_ns;
	f->silence_ms = r->silence_ms;
	f->quiet = false;
	if (r->act == RECORD_START)
		f->begun_ns = s->now_ns;
	sim_after(s, GROWS_MS * NS_PER_MS, on_grows, n->incarnation, f->call,
		  (uint64_t)f->run << 8 | f->number);
}

/* b: how long it is << 8 | number */
static void on_ended(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	const struct record_reply outcome = { .kind = RECORD_REPLY_ENDED,
					      .number = (uint8_t)e->b,
					      .ms = (uint32_t)(e->b >> 8) };

	if (n)
		tell(n, e->a, &outcome);
}

void recorder_message_end(const struct node *n, const struct recorder_file *f)
{
	sim_after(n->sim, ENDED_MS * NS_PER_MS, on_ended, n->incarnation, f->call,
		  (uint64_t)file_ms(n->sim, f) << 8 | f->number);
}

void recorder_message_told(struct sim *s, const struct sig_event *e)
{
	const char *want = s->script ? s->script->message : NULL;
	const char *reason = event_str(e, EV_REASON);
	uint32_t ms = (uint32_t)event_number(e, EV_MS);

	trace_line(s, "event: message %s, %u ms: %s", event_str(e, EV_RECORDING), ms, reason);
	s->recorders.messages++;
	/* whom it was to be given to may be nobody's by then */
	if (want && want[0] && strcmp(want, reason) != 0 && !s->totals.documents)
		check_fail(s, "a message is over by %s, not by %s", reason, want);
	if (ms > LOG_MS)
		check_fail(s, "a message has %u ms, and %u were said", ms, LOG_MS);
	if (want && !ms && !s->totals.crashes && !s->totals.taken && !s->totals.fences)
		check_fail(s, "a message is empty");
}
