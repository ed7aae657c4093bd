/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_siprec.h"

#include <errno.h>
#include <string.h>

#include "app/node/node.h"
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "media/tap.h"

enum { FAILED_PER_TURN = 64 };

/* The sender's thread. */
static uint32_t forks_read(void *source, uint32_t max, sender_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_FORK, max, fn, arg);
}

static void fork_failed(struct node *n, uint64_t call, uint8_t number, int error)
{
	struct answer failed = {
		.kind = ANSWER_RECORD, .call = call, .version = number, .error = error
	};

	answers_add(&n->answers, &failed);
}

static struct node_figure *figure_find(struct node_figures *f, uint64_t call, uint8_t number)
{
	for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
		if (f->list[i].call == call && f->list[i].number == number)
			return &f->list[i];
	}
	return NULL;
}

static void figure_keep(struct node_figures *f, const struct sender_told *told)
{
	struct node_figure *to = figure_find(f, told->call, told->number);

	if (!to)
		to = &f->list[f->next++ % NODE_FIGURES_MAX];
	*to = (struct node_figure){ told->call, told->number, told->figures };
}

void node_siprec_ask(struct node *n, uint64_t call, uint8_t number)
{
	struct node_figure *before = figure_find(&n->siprec_figures, call, number);

	if (before)
		*before = (struct node_figure){ 0 };
	if (n->sender)
		(void)sender_ask(n->sender, call, number);
}

const struct sender_figures *node_siprec_figures(const struct node *n, uint64_t call,
						 uint8_t number)
{
	for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
		const struct node_figure *f = &n->siprec_figures.list[i];

		if (f->call == call && f->number == number)
			return &f->is;
	}
	return NULL;
}

static void node_on_sender(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	struct sender_told told[FAILED_PER_TURN];
	uint32_t count = sender_told(n->sender, told, FAILED_PER_TURN);

	(void)fd;
	(void)events;
	for (uint32_t i = 0; i < count; i++) {
		if (told[i].error)
			fork_failed(n, told[i].call, told[i].number, told[i].error);
		else
			figure_keep(&n->siprec_figures, &told[i]);
	}
}

void node_siprec_carry(struct node *n, const struct effect *e)
{
	bool taken =
		n->sender && (e->fork ? sender_set(n->sender, e->call, e->record.number, e->fork)
				      : sender_end(n->sender, e->call, e->record.number));

	if (taken)
		return;
	LOG_ERROR("siprec", e->call, "an order about an external recorder is lost",
		  LOG_U64("recording", e->record.number));
	if (e->fork)
		fork_failed(n, e->call, e->record.number, n->sender ? -EAGAIN : -ENOSYS);
}

int node_siprec_open(struct node *n)
{
	int err = sender_open(&n->sender, forks_read, n->engine);

	if (!err)
		err = loop_watch(sender_told_fd(n->sender), LOOP_READ, node_on_sender, n);
	if (err) {
		sender_close(n->sender);
		n->sender = NULL;
		LOG_ERROR("node", 0, "nothing can be sent to external recorders",
			  LOG_STR("error", strerror(-err)),
			  LOG_STR("next", "look at the limits of threads and descriptors, and "
					  "start again"));
	}
	return NODE_EXIT_OK;
}

void node_siprec_close(struct node *n)
{
	if (!n->sender)
		return;
	loop_unwatch(sender_told_fd(n->sender));
	sender_close(n->sender);
	n->sender = NULL;
}
