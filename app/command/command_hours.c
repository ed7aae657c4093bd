/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours of a tenant: their documents, an override by hand, and the state at a time. The
 * zone files of this node are read with the first calendar that names them, because flows ask at
 * each call. command_hours_beat tells the shards which calendars have changed state. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_hours.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/schema/hours_field.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/host/calendars.h"
#include "sig/shard/shared_tables.h"

enum { HOURS_MAX = 64 }; /* of a tenant */

static const char *hours_zone(const struct hours_value *v)
{
	return v->zone[0] ? v->zone : "UTC";
}

/* As the files of this node have it. False: the run has failed. */
static bool zone_load_for(struct command_run *run, const char *name, struct zone **out)
{
	int err = zone_load(out, name);

	if (err == -EINVAL || err == -ENOENT || err == -ENOTDIR || err == -EISDIR)
		command_fail(run, COMMAND_BAD_ARGUMENT, "zone",
			     "zone: there is no such time zone in /usr/share/zoneinfo; names are "
			     "those of the IANA database, as Europe/Berlin");
	else if (err)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "the time zone cannot be read: %s",
			     strerror(-err));
	return !err;
}

/* Rules that were read just now: those of all calendars in it. */
bool command_zone_is_there(struct command_run *run, const char *name)
{
	struct zone *z;

	if (!zone_load_for(run, name, &z))
		return false;
	(void)!calendars_zone_put(run->node->common.shared_tables->calendars, name, z);
	return true;
}

int command_zone_read(struct node *node, const char *name)
{
	struct zone *z;
	int err = zone_load(&z, name);

	if (!err)
		return calendars_zone_put(node->common.shared_tables->calendars, name, z);
	LOG_ERROR("node", 0,
		  "a time zone cannot be read: flows take the branch failed, or know no time",
		  LOG_STR("zone", name), LOG_STR("error", strerror(-err)));
	return err;
}

static int64_t now_utc_s(void)
{
	return (int64_t)(clock_utc_ms() / 1000);
}

/* One code means one calendar. False: the run has failed. */
static bool hours_code_is_free(struct command_run *run, const struct hours_value *v)
{
	const struct calendar *c = calendars_by_code(run->node->common.shared_tables->calendars,
						     document_tenant(run), bytes_str(v->code));

	if (!c || !strcmp(c->name, v->name))
		return true;
	command_fail(run, COMMAND_CONFLICT, "code", "%s has this code", c->name);
	return false;
}

/* Twice a second: an override may be over. */
void command_hours_beat(struct node *n, uint64_t now_ns)
{
	uint32_t cursor = 0, first = 0;
	struct shard *core = node_core_next(n, &first);
	const struct calendar *c;

	(void)now_ns;
	while (core &&
	       (c = calendars_turn(n->common.shared_tables->calendars, &cursor, now_utc_s())))
		shard_hours_changed(core, c, clock_instant());
}

static bool hours_may_be(struct command_run *run, const void *value)
{
	return hours_code_is_free(run, value) && command_zone_is_there(run, hours_zone(value));
}

/* False: the run has failed. */
static bool hours_find(struct command_run *run, struct hours_value *out, struct zone **z)
{
	struct bytes name = command_value(run, "name")->text;

	if (document_stored(run->node, run->tenant, &g_hours_documents, name, out))
		return zone_load_for(run, hours_zone(out), z);
	command_fail(run, COMMAND_NOT_FOUND, "name",
		     "there are no such hours: hours.list shows all of them");
	return false;
}

static bool override_make(struct command_run *run, void *value)
{
	struct bytes until = command_value(run, "until")->text;
	int64_t now = now_utc_s();
	struct hours_value *v = value;
	struct zone *z;

	if (!hours_find(run, v, &z))
		return false;
	now += zone_offset_s(z, now);
	free(z);
	v->override = (uint8_t)command_value(run, "state")->number;
	v->until[0] = '\0';
	v->changed_utc_ms = clock_utc_ms();
	if (!until.n || hours_until_set(v->until, until, now))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "until",
		     "until is a time such as 18:00 or 2026-12-24 18:00");
	return false;
}

/* An override is a field of the document. */
static bool hours_make(struct command_run *run, void *value)
{
	return command_arg_find(run->command, BYTES_LIT("state"))
		       ? override_make(run, value)
		       : document_form_make(run, &g_hours_documents, value);
}

/* Flows ask it at each call: the zone is read with the first calendar that names it. */
static int hours_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct calendars *all = node->common.shared_tables->calendars;
	const struct hours_value *v = value;
	static struct hours h;
	int err;

	hours_to_core(v, &h);
	err = calendars_put(all, tenant, v->name, &h, hours_zone(v));
	if (err != -ENOENT) {
		command_hours_beat(node, 0);
		return err;
	}
	err = command_zone_read(node, hours_zone(v));
	if (err && err != -ENOMEM) {
		calendars_delete(all, tenant, v->name);
		return 0;
	}
	return err ? err : calendars_put(all, tenant, v->name, &h, hours_zone(v));
}

static void hours_forget(struct node *node, uint16_t tenant, const char *name)
{
	calendars_delete(node->common.shared_tables->calendars, tenant, name);
}

const struct document_kind g_hours_documents = {
	.name = "hours",
	.argument = "name",
	.size = sizeof(struct hours_value),
	.form = &g_hours_form,
	.make = hours_make,
	.check = hours_may_be,
	.several = "hours",
	.places = CALENDARS_MAX,
	.share = HOURS_MAX,
	.quota = "max_hours",
	.item = TENANT_CALENDARS,
	.apply = hours_apply,
	.forget = hours_forget,
};

/* What the wall shows then; null for 0. */
static json_t *time_json(const struct zone *z, int64_t utc_s)
{
	char text[HOURS_UNTIL_MAX];

	if (!utc_s)
		return json_null();
	hours_local_text(text, utc_s + zone_offset_s(z, utc_s));
	return json_string(text);
}

static json_t *check_json(const struct hours_value *v, const struct zone *z, int64_t at)
{
	struct hours *h = malloc(sizeof(*h));
	struct hours_state state;
	int64_t next;
	json_t *out;

	if (!h)
		return NULL;
	hours_to_core(v, h);
	state = hours_at(h, z, at);
	next = hours_next(h, z, at);
	out = json_pack("{s:s, s:b, s:b, s:s, s:o, s:I, s:o, s:I}", "name", v->name, "open",
			state.open, "overridden", state.overridden, "label", state.label, "time",
			time_json(z, at), "utc_ms", (json_int_t)at * 1000, "next",
			time_json(z, next), "next_utc_ms", (json_int_t)next * 1000);
	free(h);
	return out;
}

void command_hours_check(struct command_run *run)
{
	const struct command_value *time = command_value(run, "time");
	int64_t now = now_utc_s(), local;
	struct hours_value v;
	struct zone *z;

	if (!hours_find(run, &v, &z))
		return;
	local = now + zone_offset_s(z, now);
	if (!time->given)
		command_answer(run, check_json(&v, z, now));
	else if (hours_time_parse(&local, time->text, civil_day(local)))
		command_fail(run, COMMAND_BAD_ARGUMENT, "time",
			     "time is one such as 18:00 or 2026-12-24 18:00");
	else
		command_answer(run, check_json(&v, z, zone_utc_s(z, local)));
	free(z);
}
