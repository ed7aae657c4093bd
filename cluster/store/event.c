/* SPDX-License-Identifier: Apache-2.0 */
/* Events: one stream for each tenant, and one for those of security; best effort. */
#include <string.h>

#include "base/log.h"
#include "cluster/store/state.h"

enum { EVENT_FIELDS_MAX = 64, EVENT_ARGS = 6 };
#define EVENTS_KEPT      "100000"
#define SECURITY_KEPT    "10000"
#define APPLICATION_KEPT "10000"

/* key empty: it did not fit. */
static bool event_add(struct redis *redis, struct bytes key, const char *kept,
		      const struct store_field *fields, size_t n)
{
	struct bytes args[EVENT_ARGS + 2 * EVENT_FIELDS_MAX];

	if (key.n == 0 || n == 0 || n > EVENT_FIELDS_MAX || !redis)
		return false;
	args[0] = BYTES_LIT("XADD");
	args[1] = key;
	args[2] = BYTES_LIT("MAXLEN");
	args[3] = BYTES_LIT("~");
	args[4] = bytes_str(kept);
	args[5] = BYTES_LIT("*");
	for (size_t i = 0; i < n; i++) {
		args[EVENT_ARGS + 2 * i] = bytes_str(fields[i].name);
		args[EVENT_ARGS + 2 * i + 1] = fields[i].value;
	}
	return redis_command_later(redis, args, EVENT_ARGS + 2 * n) == 0;
}

static void event_of(struct store_base *base, struct bytes tenant, struct bytes application,
		     const struct store_field *fields, size_t n)
{
	char key[STORE_KEY_MAX];
	struct writer w = writer_over(key, sizeof(key));

	writer_str(&w, "td:{ev:");
	writer_bytes(&w, tenant);
	writer_str(&w, "}");
	if (application.n) {
		writer_str(&w, ":");
		writer_bytes(&w, application);
	}
	if (!event_add(base->guest.redis, w.overflow ? (struct bytes){ 0 } : writer_done(&w),
		       application.n ? APPLICATION_KEPT : EVENTS_KEPT, fields, n))
		metric_add(base->metrics.events_dropped, 1);
}

void store_event(struct store_shard *s, struct bytes tenant, struct bytes application,
		 const struct store_field *fields, size_t n)
{
	event_of(&s->base, tenant, application, fields, n);
}

void store_shared_event(struct store_shared *s, struct bytes tenant, struct bytes application,
			const struct store_field *fields, size_t n)
{
	event_of(&s->base, tenant, application, fields, n);
}

void store_security(struct store_shared *s, const struct store_field *fields, size_t n)
{
	struct store_field all[EVENT_FIELDS_MAX];

	if (n < EVENT_FIELDS_MAX) {
		memcpy(all, fields, n * sizeof(*fields));
		all[n++] = (struct store_field){ "node", bytes_str(s->settings.node) };
	}
	if (!event_add(s->base.guest.redis, BYTES_LIT("td:security"), SECURITY_KEPT, all, n))
		metric_add(s->base.metrics.events_dropped, 1);
}
