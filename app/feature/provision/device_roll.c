/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks many phones to look for other files, in waves: a change that is wrong is to reach some of
 * them, and not all. A wave is over when each of its phones has fetched its files, or has failed:
 * it was asked, and did not fetch them in time. A phone that is away or in a call cannot be asked:
 * that is done later, and the wave does not wait for it. Once the roll-out is stopped no phone is
 * asked any more. The node of the command runs it, one of a tenant at a time; a node that dies
 * forgets it.
 */
#include <stdlib.h>
#include <string.h>

#include "app/document/document.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_facts.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "base/log.h"

enum { ROLL_SHOWN_MAX = 500, ROLL_LOOKS = 20 };

/* Of each tenant, the last one. */
static struct roll {
	char (*macs)[PHONE_MAC_LEN + 1]; /* NULL: it is over */
	uint16_t tenant;
	bool stopped; /* too many have failed, or by command */
	bool changed; /* those alone with other files than before */
	bool fills;   /* the wave is not whole yet */
	uint32_t count, wave, failures, seconds;
	uint32_t from, to; /* the wave, in macs as far as they were looked at */
	uint32_t looked;
	uint32_t done, failed, away;
	uint64_t began_utc_ms; /* the wave */
} g_rolls[TENANTS_MAX];

static bool roll_takes(const struct command_run *run, const struct device_entry *d,
		       struct device_value *v)
{
	const struct command_value *model = command_value(run, "model");
	const struct command_value *number = command_value(run, "number");

	return (!number->given || bytes_is(number->text, d->login.number)) &&
	       device_read(run->node, d, v) && (!model->given || bytes_is(model->text, v->model));
}

static int roll_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Those of the tenant that the command means, by MAC. NULL: none, or no memory. */
static char (*roll_choose(const struct command_run *run, uint32_t *count))[PHONE_MAC_LEN + 1]
{
	uint16_t tenant = document_tenant(run);
	uint32_t cursor = 0, room = 0;
	char(*macs)[PHONE_MAC_LEN + 1];
	static struct device_value v;
	struct device_entry *d;

	while ((d = device_next(&cursor)) != NULL) {
		for (; d; d = d->next)
			room += d->tenant == tenant;
	}
	*count = cursor = 0;
	macs = room ? calloc(room, sizeof(*macs)) : NULL;
	while (macs && (d = device_next(&cursor)) != NULL) {
		for (; d; d = d->next) {
			if (d->tenant == tenant && *count < room && roll_takes(run, d, &v))
				memcpy(macs[(*count)++], d->mac, sizeof(*macs));
		}
	}
	if (macs)
		qsort(macs, *count, sizeof(*macs), roll_order);
	return macs;
}

static void roll_end(struct roll *r, const char *how)
{
	LOG_INFO("provision", 0, how, LOG_U64("done", r->done), LOG_U64("failed", r->failed),
		 LOG_U64("away", r->away), LOG_U64("devices", r->count));
	free(r->macs);
	r->macs = NULL;
}

/* Nor are those asked that were away, also where it is over. */
static void roll_stop(struct roll *r, uint16_t tenant, const char *how)
{
	struct device_entry *d;
	uint32_t cursor = 0;

	while ((d = device_next(&cursor)) != NULL) {
		for (; d; d = d->next) {
			if (d->tenant == tenant)
				device_sync_unroll(d);
		}
	}
	if (!r->macs)
		return;
	r->stopped = true;
	roll_end(r, how);
}

/* Who joins the wave is looked at a few at a time: their files are made for that. */
static void roll_fill(struct node *n, struct roll *r)
{
	uint32_t looks = ROLL_LOOKS;

	while (r->fills && looks) {
		struct device_entry *d = device_of(r->tenant, bytes_str(r->macs[r->looked]));

		looks -= r->changed;
		if (d && (!r->changed || provision_is_changed(n, d))) {
			device_sync_roll(d, r->began_utc_ms);
			memcpy(r->macs[r->to++], d->mac, sizeof(r->macs[0]));
		} else {
			r->done++; /* it needs nothing, or is gone */
		}
		r->looked++;
		r->fills = r->looked < r->count && r->to - r->from < r->wave;
	}
}

static void roll_wave(struct node *n, struct roll *r)
{
	r->from = r->to;
	r->began_utc_ms = clock_utc_ms();
	r->fills = r->looked < r->count;
	roll_fill(n, r);
}

enum roll_state { ROLL_WAITS, ROLL_DONE, ROLL_FAILED, ROLL_AWAY, ROLL_STATES };

static enum roll_state roll_of(const struct roll *r, const struct device_entry *d, uint64_t now_ms)
{
	uint64_t most_ms = (uint64_t)r->seconds * 1000;
	uint64_t asked = d ? d->seen.at[DEVICE_SYNCED] : 0;

	if (!d || d->seen.at[DEVICE_FETCHED] >= r->began_utc_ms)
		return ROLL_DONE; /* a device that is gone needs nothing */
	if (asked >= r->began_utc_ms)
		return now_ms > asked + most_ms ? ROLL_FAILED : ROLL_WAITS;
	return now_ms > r->began_utc_ms + most_ms ? ROLL_AWAY : ROLL_WAITS;
}

static void roll_beat(struct node *n, struct roll *r, uint64_t now_ms)
{
	uint32_t of[ROLL_STATES] = { 0 };
	bool stops;

	roll_fill(n, r);
	if (r->fills)
		return;
	for (uint32_t i = r->from; i < r->to; i++)
		of[roll_of(r, device_of(r->tenant, bytes_str(r->macs[i])), now_ms)]++;
	stops = r->failed + of[ROLL_FAILED] > r->failures;
	if (of[ROLL_WAITS] && !stops)
		return;
	r->done += of[ROLL_DONE];
	r->failed += of[ROLL_FAILED];
	r->away += of[ROLL_AWAY];
	if (stops)
		roll_stop(r, r->tenant, "phones fail: no more are asked");
	else if (r->looked == r->count)
		roll_end(r, "all phones are asked");
	else
		roll_wave(n, r);
}

void device_roll_beat(struct node *n)
{
	for (size_t i = 0; i < TENANTS_MAX; i++) {
		if (g_rolls[i].macs)
			roll_beat(n, &g_rolls[i], clock_utc_ms());
	}
}

void device_roll_close(void)
{
	for (size_t i = 0; i < TENANTS_MAX; i++)
		free(g_rolls[i].macs);
	memset(g_rolls, 0, sizeof(g_rolls));
}

static json_t *roll_json(const struct roll *r)
{
	return json_pack("{s:b, s:b, s:i, s:i, s:i, s:i}", "runs", r->macs != NULL, "stopped",
			 r->stopped, "count", (int)r->count, "done", (int)r->done, "failed",
			 (int)r->failed, "away", (int)r->away);
}

static void roll_start(struct command_run *run, struct roll *r, char (*macs)[PHONE_MAC_LEN + 1],
		       uint32_t count)
{
	*r = (struct roll){ .macs = macs,
			    .tenant = document_tenant(run),
			    .count = count,
			    .changed = command_value(run, "changed")->number,
			    .wave = (uint32_t)command_value(run, "wave")->number,
			    .failures = (uint32_t)command_value(run, "failures")->number,
			    .seconds = (uint32_t)command_value(run, "seconds")->number };
	roll_wave(run->node, r);
}

void command_device_roll(struct command_run *run)
{
	bool stop = command_value(run, "stop")->number;
	bool dry = command_value(run, "dry_run")->number || stop;
	uint16_t tenant = document_tenant(run);
	struct roll *r = tenant == TENANT_NONE ? NULL : &g_rolls[tenant];
	json_t *list, *last;
	uint32_t count = 0;
	char(*macs)[PHONE_MAC_LEN + 1];

	if (!r) {
		command_fail(run, COMMAND_NOT_FOUND, NULL, "there is no such tenant");
		return;
	}
	if (stop)
		roll_stop(r, tenant, "no more phones are asked, by command");
	if (!dry && r->macs) {
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "phones are being asked by now: dry_run=true shows how far that is, "
			     "stop=true ends it");
		return;
	}
	macs = roll_choose(run, &count);
	list = json_array();
	for (uint32_t i = 0; i < count && i < ROLL_SHOWN_MAX; i++)
		(void)json_array_append_new(list, json_string(macs[i]));
	last = roll_json(r);
	if (dry || !count)
		free(macs);
	else
		roll_start(run, r, macs, count);
	command_answer(run, json_pack("{s:i, s:o, s:o}", "devices", (int)count, "macs", list,
				      "last", last));
}
