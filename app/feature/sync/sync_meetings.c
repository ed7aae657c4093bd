/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meetings of a calendar as presence: while one runs, its user is in a meeting until it ends, which
 * is by itself, also when no node runs at that time. The run of a calendar is due again when the
 * next meeting begins, and that is in the archive, so that it outlives this node.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_start.h"
#include "app/document/extensions.h"
#include "app/feature/sync/sync.h"
#include "app/node/node.h"
#include "base/json_member.h"
#include "sig/host/tenant_tables.h"
#include "sig/identity/presence.h"

enum { SYNC_SOONEST_MS = 1000 };

struct meeting {
	uint64_t from_ms, until_ms;
};

static int meeting_compare(const void *a, const void *b)
{
	const struct meeting *x = a, *y = b;

	return (x->from_ms > y->from_ms) - (x->from_ms < y->from_ms);
}

uint64_t sync_meetings_end(const json_t *meetings, uint64_t utc_ms, uint64_t *next_ms)
{
	size_t count = json_array_size(meetings), i = 0;
	struct meeting *all = calloc(count + 1, sizeof(*all));
	uint64_t end = utc_ms;

	*next_ms = UINT64_MAX;
	for (; all && i < count; i++) {
		all[i].from_ms = json_count(json_array_get(meetings, i), "from_ms");
		all[i].until_ms = json_count(json_array_get(meetings, i), "until_ms");
	}
	if (all)
		qsort(all, count, sizeof(*all), meeting_compare);
	for (i = 0; all && i < count && all[i].from_ms <= end; i++)
		end = all[i].until_ms > end ? all[i].until_ms : end;
	if (all && i < count)
		*next_ms = all[i].from_ms;
	free(all);
	return end;
}

static void meeting_set(json_t *answer, void *arg)
{
	(void)arg; /* refused: the next run begins a meeting, and none ends before its former end */
	json_decref(answer);
}

/* until_ms 0: he is in no meeting. */
static void meeting_say(struct node *n, const char *tenant, const char *user, uint64_t until_ms,
			uint64_t utc_ms)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN };
	char id[COMMAND_ID_MAX];
	json_t *args = json_pack("{s:s, s:s, s:s}", "number", user, "by", "calendar", "state",
				 until_ms ? PRESENCE_MEETING : PRESENCE_USUAL);

	if (until_ms)
		(void)json_object_set_new(args, "until_utc_ms", json_integer((json_int_t)until_ms));
	(void)snprintf(who.tenant, sizeof(who.tenant), "%s", tenant);
	(void)snprintf(id, sizeof(id), "meeting %s %" PRIu64, user, utc_ms);
	command_start(n, &who, BYTES_LIT("presence.set"), bytes_str(id), args, meeting_set, NULL);
	json_decref(args);
}

uint64_t sync_meetings_say(struct node *n, const char *tenant, const struct sync_value *v,
			   const json_t *meetings, uint64_t utc_ms, uint64_t *set_ms)
{
	uint64_t next, end = sync_meetings_end(meetings, utc_ms, &next);
	uint64_t until = end > utc_ms ? end : 0, most = v->minutes * UINT64_C(60000), said = 0;
	struct extension e;

	if (!extensions_find(n->api.extensions, tenants_find(n->common.tenants, bytes_str(tenant)),
			     bytes_str(v->user), &e))
		return most;
	if (e.presence.words[PRESENCE_CALENDAR].until_utc_ms > utc_ms)
		said = e.presence.words[PRESENCE_CALENDAR].until_utc_ms;
	extension_wipe(&e);
	if (until > said || (until != said && *set_ms == said)) {
		meeting_say(n, tenant, v->user, until, utc_ms);
		if (until < said)
			sync_others_due(n, tenant, v);
		*set_ms = until;
	}
	if (next == UINT64_MAX || next - utc_ms > most)
		return most;
	return next - utc_ms < SYNC_SOONEST_MS ? SYNC_SOONEST_MS : next - utc_ms;
}
