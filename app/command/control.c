/* SPDX-License-Identifier: Apache-2.0 */
/* The links of the control API: one for operators, one for all tenants, so that nothing a tenant does delays operators. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/control_stream.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "base/log.h"

/* Commands under way beyond which nothing more is read: operators have places of their own. One stream of a tenant has no more than a
 * part of those of all. */
enum { OPERATORS_MAX = 96, TENANTS_MAX_RUNNING = 48, STREAM_MAX = 24 };

struct control_metrics g_control_metrics;

void control_setup(void)
{
	static const char name[] = "tandem_commands_total", help[] = "Commands by result.";

	g_control_metrics = (struct control_metrics){
		.ok = metric_register(METRIC_COUNTER, name, "result=\"ok\"", help),
		.failed = metric_register(METRIC_COUNTER, name, "result=\"error\"", help),
		.repeated = metric_register(METRIC_COUNTER, name, "result=\"repeated\"", help),
		.bad = metric_register(METRIC_COUNTER, name, "result=\"bad_request\"", help),
	};
}

/* ---- tenants ---- */

static struct control_stream *stream_find(const struct control_link *l, const char *tenant,
					  enum command_role role)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct control_stream *s = l->streams[i];

		if (s->who.role == role && !strcmp(s->who.tenant, tenant))
			return s;
	}
	return NULL;
}

static uint32_t streams_read(const struct control_link *l, const char *but_tenant)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->count; i++)
		n += !l->streams[i]->gone && strcmp(l->streams[i]->who.tenant, but_tenant) != 0;
	return n;
}

bool control_has_room(const struct control *c, const char *tenant, uint32_t roles)
{
	return streams_read(&c->links[CONTROL_TENANTS], tenant) +
		       (uint32_t)__builtin_popcount(roles) <=
	       CONTROL_STREAMS_MAX;
}

static int role_set(struct control_link *l, const char *tenant, enum command_role role, bool on)
{
	struct control_stream *s = stream_find(l, tenant, role);

	if (!s)
		return on ? control_stream_add(l, tenant, role) : 0;
	s->gone = !on;
	return 0;
}

void control_tenant_set(struct control *c, const char *tenant, uint32_t roles)
{
	struct control_link *l = &c->links[CONTROL_TENANTS];
	bool room = control_has_room(c, tenant, roles);
	int err = room ? 0 : -ENOSPC;

	for (enum command_role role = COMMAND_FOR_READER; role < COMMAND_FOR_OPERATOR; role++) {
		if (!err)
			err = role_set(l, tenant, role, roles & 1u << role);
	}
	if (err)
		LOG_ERROR("control", 0, "commands of a tenant are not read",
			  LOG_STR("tenant", tenant), LOG_STR("error", strerror(-err)));
	control_link_read(l);
}

/* ---- all of it ---- */

static int control_link_open(struct control *c, unsigned i, const struct redis_place *place)
{
	struct control_link *l = &c->links[i];
	struct redis_settings settings = {
		.place = *place,
		.deadline_ns = NS_PER_S,
		.pending_max = 16,
		.labels = i == CONTROL_OPERATORS ? "link=\"operators\"" : "link=\"tenant\"",
	};

	l->control = c;
	l->wake_ns = UINT64_MAX;
	l->running_max = i == CONTROL_OPERATORS ? OPERATORS_MAX : TENANTS_MAX_RUNNING;
	l->stream_max = i == CONTROL_OPERATORS ? CONTROL_JOBS_MAX : STREAM_MAX;
	return redis_open(&l->redis, &settings, control_link_state, l);
}

int control_open(struct control **out, struct node *node, const struct redis_place *place)
{
	struct control *c = calloc(1, sizeof(*c));
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->node = node;
	(void)snprintf(c->consumer, sizeof(c->consumer), "%s", node->settings.node.name);
	for (unsigned i = 0; i < CONTROL_LINKS && !err; i++)
		err = control_link_open(c, i, place);
	if (!err)
		err = control_stream_add(&c->links[CONTROL_OPERATORS], "_operator",
					 COMMAND_FOR_OPERATOR);
	if (err) {
		control_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void control_stop(struct control *c)
{
	c->stopped = true;
}

void control_wake(struct control *c)
{
	for (size_t i = 0; i < CONTROL_LINKS; i++)
		control_link_read(&c->links[i]);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	c->stopped = true;
	for (size_t i = 0; i < CONTROL_LINKS; i++)
		control_link_close(&c->links[i]);
	for (size_t i = 0; i < CONTROL_JOBS_MAX; i++)
		json_decref(c->jobs[i].args);
	free(c);
}

void control_flush(struct control *c)
{
	control_jobs_wake(c);
	for (size_t i = 0; i < CONTROL_LINKS; i++)
		redis_flush(c->links[i].redis);
}

void control_expire(struct control *c, uint64_t now_ns)
{
	for (size_t i = 0; i < CONTROL_LINKS; i++) {
		struct control_link *l = &c->links[i];

		redis_expire(l->redis, now_ns);
		if (now_ns >= l->wake_ns)
			control_link_read(l);
	}
}

uint64_t control_next_ns(const struct control *c)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < CONTROL_LINKS; i++) {
		const struct control_link *l = &c->links[i];
		uint64_t link = redis_next_ns(l->redis);

		next = link < next ? link : next;
		if (!l->asked && l->wake_ns < next)
			next = l->wake_ns;
	}
	return next;
}

uint32_t control_running(const struct control *c)
{
	return c->running;
}
