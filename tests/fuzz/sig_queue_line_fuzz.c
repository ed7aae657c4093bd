/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of another node about queues. A message that is accepted is within bounds, is read as the same when it is written again, and leaves
 * the line of a table in order. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sig/feature/queue/line.h"
#include "sig/host/tenant.h"

enum { AGAIN_MAX = 1 << 20 };

struct heard {
	struct queues *x;
	struct writer again;
	uint32_t count;
};

static const char *name_of(char out[TENANT_NAME_MAX], struct bytes name)
{
	assert(name.n && !bytes_cstr(name, out, TENANT_NAME_MAX));
	return out;
}

static void on_caller(void *arg, struct bytes tenant, struct queue_caller *c, bool gone)
{
	struct heard *h = arg;
	char name[TENANT_NAME_MAX];

	assert(c->call && c->priority <= QUEUE_PRIORITY_MAX && c->queue[0]);
	line_add_caller(&h->again, name_of(name, tenant), c, gone);
	c->tenant = 1;
	c->process = 2 + c->priority % 2;
	if (h->x)
		assert(!queues_hear_caller(h->x, c, gone));
	h->count++;
}

static void on_agent(void *arg, struct bytes tenant, struct bytes number,
		     const struct queue_agent_word *word)
{
	struct heard *h = arg;
	char name[TENANT_NAME_MAX], of[DIAL_NUMBER_MAX];

	assert(word->by && number.n && !bytes_cstr(number, of, sizeof(of)));
	line_add_agent(&h->again, name_of(name, tenant), of, word);
	if (h->x)
		assert(!queues_hear_agent(h->x, 1, number, 2, word, h->count));
	h->count++;
}

static bool nobody_is_there(void *arg, uint64_t process)
{
	(void)arg;
	(void)process;
	return false;
}

static int heard_read(struct bytes octets, struct heard *h)
{
	const struct line_readers readers = { on_caller, on_agent, h };

	return line_read(octets, &readers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *space = malloc(2 * AGAIN_MAX);
	struct heard first = { .x = queues_create() }, second = { 0 };
	const struct queues_around nobody = { nobody_is_there, nobody_is_there, NULL };
	uint32_t cursor = 0;
	struct queue *q;

	assert(space && first.x);
	first.again = writer_over(space, AGAIN_MAX);
	second.again = writer_over(space + AGAIN_MAX, AGAIN_MAX);
	if (heard_read(bytes_mem(data, size), &first)) {
		assert(!first.count);
	} else if (!first.again.overflow) {
		assert(!heard_read(writer_done(&first.again), &second));
		assert(first.count == second.count);
		assert(bytes_eq(writer_done(&first.again), writer_done(&second.again)));
	}
	while ((q = queues_next(first.x, &cursor)) != NULL) {
		const struct queue_caller *c, *before = NULL;
		struct queue_walk walk = queue_walk(q);

		for (; (c = queue_walk_next(&walk)) != NULL; before = c)
			assert(c->of == q && (!before || before->priority >= c->priority));
	}
	for (int i = 0; i <= QUEUE_UNHEARD_S; i++)
		queues_second(first.x, false, &nobody);
	for (cursor = 0; (q = queues_next(first.x, &cursor)) != NULL;)
		assert(!q->waiting);
	assert(!queues_first(first.x, 1));
	queues_free(first.x);
	free(space);
	return 0;
}
