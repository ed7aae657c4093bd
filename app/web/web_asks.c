/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_asks.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "app/web/web_rings.h"

struct web_asks {
	web_asked_fn *asked;
	void *arg;
	void (*wake)(void *arg);
	void *wake_arg;
	struct ring in, out;
};

static void on_asks(int fd, unsigned events, void *arg)
{
	struct web_asks *a = arg;
	struct web_asked asked;

	(void)fd;
	(void)events;
	ring_awake(&a->in);
	do {
		while (ring_pop(&a->in, &asked, 1))
			a->asked(&asked, a->arg);
	} while (!ring_sleep(&a->in));
}

int web_asks_open(struct web_asks **out, web_asked_fn *asked, void *arg)
{
	struct web_asks *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->asked = asked;
	a->arg = arg;
	err = web_rings_open(
		&a->in, (struct web_rings_size){ sizeof(struct web_asked), WEB_ASKS_MAX }, &a->out,
		(struct web_rings_size){ sizeof(struct web_answered), WEB_ASKS_MAX }, on_asks, a);
	if (err) {
		free(a);
		return err;
	}
	*out = a;
	return 0;
}

void web_asks_close(struct web_asks *a)
{
	if (!a)
		return;
	web_rings_close(&a->in, &a->out);
	free(a);
}

void web_asks_answer(struct web_asks *a, const struct web_answered *answered)
{
	if (!ring_push(&a->out, answered))
		assert(false && "each question has one answer");
	if (a->wake)
		a->wake(a->wake_arg);
}

void web_asks_attach(struct web_asks *a, void (*wake)(void *arg), void *arg)
{
	a->wake = wake;
	a->wake_arg = arg;
}

void web_asks_ask(struct web_asks *a, const struct web_asked *asked)
{
	if (!ring_push(&a->in, asked))
		assert(false && "there are as many places as the ring has");
}

bool web_asks_take(struct web_asks *a, struct web_answered *out)
{
	return ring_pop(&a->out, out, 1) == 1;
}
