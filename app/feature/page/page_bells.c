/* SPDX-License-Identifier: Apache-2.0 */
/* Bells: the kind of documents "bell", a sound that a paging group hears at times of the week. All
 * nodes have all of them. When one is due, each node adds the same command, page.play, to the
 * stream of operators' commands, with an id of that bell and minute: it is carried out once, also
 * where the node that has it is killed. While Redis is away, one node of those that hear each
 * other plays it. Times are those of the tenant's zone. Control thread. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/others.h"
#include "app/document/document.h"
#include "app/feature/page/page.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/named.h"
#include "base/table.h"
#include "sig/host/calendars.h"
#include "sig/host/tenant.h"
#include "sig/shard/shared_tables.h"

enum { BELLS_MAX = 4096, TENANT_BELLS_MAX = 256, DAY_MINUTES = 1440 };
#define BELL_TTL_MS  "10000"
#define BELL_WAIT_NS (15 * NS_PER_S)
static_assert(BELL_LATE_S == 10, "BELL_TTL_MS says it");

struct bell {
	uint16_t tenant;
	char name[BELL_NAME_MAX];
	struct bell_value v;
};

static struct table g_bells;  /* struct bell by tenant and name */
static int64_t g_bell_minute; /* that was looked at last, since 1970 */

/* ---- the document ---- */

static int bell_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct bell_value *v = value;
	struct bell *b;
	int err;

	(void)node;
	if (!g_bells.capacity && (err = table_open(&g_bells, BELLS_MAX)) != 0)
		return err;
	b = named_put(&g_bells, tenant, bytes_str(v->name), sizeof(*b), &err);
	if (!b)
		return err;
	b->v = *v;
	return 0;
}

static void bell_forget(struct node *node, uint16_t tenant, const char *name)
{
	struct bell *b = named_find(&g_bells, tenant, bytes_str(name));

	(void)node;
	if (!b)
		return;
	named_remove(&g_bells, b);
	free(b);
}

const struct document_kind g_bell_documents = {
	.rank = 2,
	.name = "bell",
	.argument = "name",
	.several = "bells",
	.places = BELLS_MAX,
	.share = TENANT_BELLS_MAX,
	.size = sizeof(struct bell_value),
	.form = &g_bell_form,
	.apply = bell_apply,
	.forget = bell_forget,
};

void bells_close(void)
{
	named_close(&g_bells);
}

/* ---- it rings ---- */

static void bell_log(const char *bell, const char *tenant, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const char *why = json_string_value(json_object_get(error, "message"));

	if (error || !answer)
		LOG_WARN("page", 0, "a bell was not heard", LOG_STR("bell", bell),
			 LOG_STR("tenant", tenant),
			 LOG_STR("reason", why ? why : "no node has answered"));
}

/* One that other nodes have asked for, too. */
struct bell_request {
	struct others_ticket ticket;
	char id[COMMAND_ID_MAX], tenant[COMMAND_TENANT_MAX], name[BELL_NAME_MAX];
};

static void bell_on_answer(struct others_ticket *t, struct bytes text)
{
	struct bell_request *ask = CONTAINER_OF(t, struct bell_request, ticket);
	json_t *answer = text.p ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;

	bell_log(ask->name, ask->tenant, answer);
	json_decref(answer);
	free(ask);
}

static void bell_on_done(json_t *answer, void *arg)
{
	struct bell_request *ask = arg;

	bell_log(ask->name, ask->tenant, answer);
	json_decref(answer);
	free(ask);
}

/* By the nodes that hear each other: Redis is away. */
static void bell_play_here(struct node *n, struct bell_request *ask, const json_t *args)
{
	struct command_principal who = { .role = COMMAND_FOR_APPLICATION, .door = "bell" };

	if (!page_node_begins(n, clock_now_ns())) {
		free(ask);
		return;
	}
	memcpy(who.tenant, ask->tenant, sizeof(ask->tenant));
	command_start(n, &who, BYTES_LIT("page.play"), bytes_str(ask->id), args, bell_on_done, ask);
}

/* The same at each node, so the bell is rung once; no other tenant can have its id. */
static void bell_id(const struct bell *b, const char *tenant, int64_t minute,
		    char out[COMMAND_ID_MAX])
{
	static const struct hash_key key;
	char text[COMMAND_TENANT_MAX + BELL_NAME_MAX];

	(void)snprintf(text, sizeof(text), "%s/%s", tenant, b->name);
	(void)snprintf(out, COMMAND_ID_MAX, "bell-%016llx-%lld",
		       (unsigned long long)hash_sip(&key, bytes_str(text)), (long long)minute);
}

static void bell_ring(struct node *n, const struct bell *b, int64_t minute)
{
	const char *tenant = tenants_name(n->common.tenants, b->tenant);
	struct bell_request *ask = calloc(1, sizeof(*ask));
	json_t *args = json_pack("{s:s, s:s, s:i, s:s}", "name", b->v.page, "file", b->v.file,
				 "times", b->v.times, g_command_tenant.name, tenant);
	char *text = args ? json_dumps(args, JSON_COMPACT) : NULL;
	struct others_question q = { .command = "page.play", .ttl_ms = BELL_TTL_MS };

	if (!ask || !text) {
		LOG_ERROR("page", 0, "no memory for a bell", LOG_STR("bell", b->name));
		free(ask);
	} else {
		(void)snprintf(ask->tenant, sizeof(ask->tenant), "%s", tenant);
		(void)snprintf(ask->name, sizeof(ask->name), "%s", b->name);
		bell_id(b, tenant, minute, ask->id);
		ask->ticket = (struct others_ticket){ .id = ask->id,
						      .until_ns = clock_now_ns() + BELL_WAIT_NS,
						      .done = bell_on_answer };
		q.id = ask->id;
		q.args = text;
		(void)json_object_del(args, g_command_tenant.name);
		if (!n->api.others || !others_request(n->api.others, &ask->ticket, &q))
			bell_play_here(n, ask, args);
	}
	free(text);
	json_decref(args);
}

static bool bell_is_due(const struct node *n, const struct bell *b, int64_t utc_s)
{
	const struct calendars *all = n->common.shared_tables->calendars;
	const struct calendar *c = calendars_find(all, b->tenant, bytes_str(b->v.hours));
	const struct tenant_terms *t = tenants_terms(n->common.tenants, b->tenant);
	int64_t local_s = utc_s + calendars_offset_s(all, t->zone, utc_s);
	int64_t day = civil_day(local_s);
	struct bytes unused;
	bool due;

	if (!b->v.enabled ||
	    bell_when_look(bytes_str(b->v.when), (unsigned)((day + 4) % 7),
			   (unsigned)(local_s / 60 % DAY_MINUTES), &due, &unused) ||
	    !due)
		return false;
	return !b->v.hours[0] || (c && !strcmp(calendar_word(c, utc_s), "open"));
}

/* A node that starts, or stood still, rings what is due in this minute if that has just begun. */
void bells_second(struct node *n, uint64_t utc_ms)
{
	int64_t utc_s = (int64_t)(utc_ms / 1000), minute = utc_s / 60;
	const struct bell *b;
	uint32_t cursor = 0;

	if (minute == g_bell_minute)
		return;
	g_bell_minute = minute;
	while (utc_s % 60 < BELL_LATE_S && (b = named_next(&g_bells, &cursor)) != NULL) {
		if (bell_is_due(n, b, utc_s))
			bell_ring(n, b, minute);
	}
}
