/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the node plays, in small: when they are open, and when they end. */
#include "tests/sim/node_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sig/call/prompts.h"
#include "tests/sim/sim.h"

enum { PLAY_CODECS = 8 };

static void play_told(struct sim *s, const struct event *e, enum prompt_reply_kind kind)
{
	const struct reply reply = { .ask = ASK_PLAY,
				     .of = e->b,
				     .play = { .kind = kind,
					       .serial = e->a,
					       .job = { .slot = 9, .generation = 1 },
					       .codec =
						       (enum media_codec)(e->who % PLAY_CODECS) } };
	struct node *n = node_of_process(s, e->who / PLAY_CODECS);
	struct shard *core = n ? node_core_of(n, e->b) : NULL;

	if (!core)
		return;
	shard_replied(core, &reply, node_now(n));
	node_carry(n);
}

static void on_play_open(struct sim *s, const struct event *e)
{
	play_told(s, e, PROMPT_REPLY_OPEN);
}

static void on_play_ended(struct sim *s, const struct event *e)
{
	play_told(s, e, PROMPT_REPLY_ENDED);
}

static void on_play_failed(struct sim *s, const struct event *e)
{
	play_told(s, e, PROMPT_REPLY_FAILED);
}

/* It takes a moment to read it. Some are not there. */
void node_play(struct node *n, const struct effect *e)
{
	const struct request_play *play = e->request;
	struct sim *s = n->sim;
	uint32_t who = n->incarnation * PLAY_CODECS + (uint32_t)play->codec;
	uint64_t ms = s->script ? 1500 : 100 + rand_below(&s->applications, 4000);

	ms = ms > play->begin_ms ? ms - play->begin_ms : 0;

	trace_line(s, "node: plays %s to call %" PRIx64, text_str(&play->file), e->call);
	if (!s->script && rand_below(&s->applications, 10) == 0) {
		sim_after(s, 50 * NS_PER_MS, on_play_failed, who, e->serial, e->call);
		return;
	}
	sim_after(s, 50 * NS_PER_MS, on_play_open, who, e->serial, e->call);
	if (strncmp(text_str(&play->file), "echo-", 5) == 0)
		return; /* without an end */
	sim_after(s, (50 + ms) * NS_PER_MS, on_play_ended, who, e->serial, e->call);
}

/* All in it hear it; it takes no codec. */
void node_play_room(struct node *n, const struct effect *e)
{
	const struct request_room_play *play = e->request;
	uint32_t who = n->incarnation * PLAY_CODECS;

	trace_line(n->sim, "node: plays %s to conference %" PRIx64, text_str(&play->file), e->call);
	sim_after(n->sim, 50 * NS_PER_MS, on_play_open, who, e->serial, e->call);
	sim_after(n->sim, 350 * NS_PER_MS, on_play_ended, who, e->serial, e->call);
}

static void on_mixes(struct sim *s, const struct event *e)
{
	const struct job_id job = { .slot = 10, .generation = 1 };
	struct node *n = node_of_process(s, e->who);
	struct shard *core = n ? node_core_of(n, e->b) : NULL;

	if (!core)
		return;
	shard_on_room(core, e->b, e->a, &job, node_now(n));
	node_carry(n);
}

void node_mixes(struct node *n, const struct effect *e)
{
	trace_line(n->sim, "node: mixes conference %" PRIx64, e->call);
	sim_after(n->sim, 2 * NS_PER_MS, on_mixes, n->incarnation, e->serial, e->call);
}

/* ---- calls that are to come into a conference of another shard ---- */

enum { CONFER_DIALOGS = 64 };

static void on_confer(struct sim *s, const struct event *e)
{
	struct shard *core = node_core(s, e->a);
	struct node *n = node_of_call(s, e->a);
	struct shard_conference_give give = { .call = e->a,
					      .room = e->b,
					      .dialog = (uint8_t)(e->who % CONFER_DIALOGS) };
	char user[16];

	(void)snprintf(user, sizeof(user), "%u", e->who / CONFER_DIALOGS);
	if (e->who / CONFER_DIALOGS)
		give.leaves = bytes_str(user);
	if (!core)
		return;
	if (shard_conference_give(core, n->tenant, &give, node_now(n)))
		trace_line(s, "node: call %" PRIx64 " does not come into a conference", e->a);
	node_carry(n);
}

/* The shard of that call hears of it, wherever it is. */
void node_confers(struct node *n, const struct effect *e)
{
	const struct request_conference *to_conference = e->request;
	uint32_t user = 0;

	(void)bytes_u32(text_bytes(&to_conference->user), &user);
	sim_after(n->sim, NS_PER_MS, on_confer, user * CONFER_DIALOGS + to_conference->dialog,
		  e->call, to_conference->room);
}
