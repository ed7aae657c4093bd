/* SPDX-License-Identifier: Apache-2.0 */
/* Events: one stream for each tenant, best effort. */
#include "base/log.h"
#include "cluster/store_state.h"

enum { EVENT_FIELDS_MAX = 64, HEAD_ARGS = 6 };
#define EVENTS_KEPT "100000"

void store_event(struct store *s, struct bytes tenant, const struct store_field *fields, size_t n)
{
	char key[STORE_KEY_MAX];
	struct writer w = writer_over(key, sizeof(key));
	struct bytes args[HEAD_ARGS + 2 * EVENT_FIELDS_MAX];

	writer_str(&w, "td:{ev:");
	writer_bytes(&w, tenant);
	writer_str(&w, "}");
	args[0] = BYTES_LIT("XADD");
	args[1] = writer_done(&w);
	args[2] = BYTES_LIT("MAXLEN");
	args[3] = BYTES_LIT("~");
	args[4] = BYTES_LIT(EVENTS_KEPT);
	args[5] = BYTES_LIT("*");
	for (size_t i = 0; i < n && i < EVENT_FIELDS_MAX; i++) {
		args[HEAD_ARGS + 2 * i] = bytes_str(fields[i].name);
		args[HEAD_ARGS + 2 * i + 1] = fields[i].value;
	}
	if (w.overflow || n == 0 || n > EVENT_FIELDS_MAX || !s->guest.redis ||
	    redis_command(s->guest.redis, args, HEAD_ARGS + 2 * n, 0, NULL, NULL) != 0)
		metric_add(s->metrics.events_dropped, 1);
}
