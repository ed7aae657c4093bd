/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what is read and written again reads back the same, then events in any order keep the job in order. */
#include <assert.h>
#include <string.h>

#include "app/deliver/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void job_live(struct job *j, const uint8_t *data, size_t size)
{
	static const struct job_terms terms = { 1000, 60000, 3600000, 3 };
	struct rand_source rand;
	uint64_t now_ms = UINT64_C(1795564800000);

	rand_open_seed(&rand, size);
	for (size_t i = 0; i < size && i < 64 && j->count; i++) {
		const struct job_event e = { (enum job_event_kind)(data[i] % 4),
					     data[i] / 4 % j->count, "x" };
		enum job_action action;

		now_ms += data[i] * 1000u;
		action = job_step(j, &e, &terms, now_ms, &rand);
		assert(action != JOB_FINISH || job_state(j) == DELIVERY_DONE);
		assert(action != JOB_DEAD || j->of[e.delivery].state == DELIVERY_DEAD);
		assert((job_state(j) == DELIVERY_WAITS) == (job_next_ms(j) != UINT64_MAX));
		assert(job_state(j) == DELIVERY_WAITS ||
		       job_due(j, &terms, UINT64_MAX, 0) == j->count);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job first, again;
	char text[JOB_TEXT_MAX * 2];
	struct writer w = writer_over(text, sizeof(text));

	memset(&first, 0, sizeof(first));
	memset(&again, 0, sizeof(again));
	if (job_parse(&first, (struct bytes){ data, size })) {
		assert(!memcmp(&first, &again, sizeof(first)));
		return 0;
	}
	job_write(&w, &first);
	assert(!w.overflow);
	if (w.n <= JOB_TEXT_MAX) {
		assert(!job_parse(&again, writer_done(&w)));
		assert(!memcmp(&first, &again, sizeof(first)));
	}
	job_live(&first, data, size);
	return 0;
}
