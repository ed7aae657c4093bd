/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a job, NAME.job or NAME.dead, as JSON: read and written. It may be damaged or of
 * another version, so every field is checked; a malformed one answers -EBADMSG and leaves the job
 * as it was. folder.c calls it.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "app/deliver/job.h"
#include "app/deliver/sidecar.h"
#include "base/json.h"

static int job_number(const json_t *object, const char *key, uint64_t most, uint64_t *out)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > most)
		return -EBADMSG;
	*out = (uint64_t)json_integer_value(value);
	return 0;
}

static struct bytes job_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return bytes_mem(json_string_value(value), json_string_length(value));
}

static int delivery_state_read(struct bytes text, enum delivery_state *out)
{
	for (unsigned i = 0; i < DELIVERY_STATES; i++) {
		if (bytes_is(text, g_delivery_states[i])) {
			*out = (enum delivery_state)i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int delivery_read(const json_t *object, struct delivery *d)
{
	struct bytes to = job_text(object, "to"), reason = job_text(object, "reason");
	uint64_t tries = 0, refusals = 0;
	int err = sidecar_name_fits(to, sizeof(d->to) - 1)
			  ? delivery_state_read(job_text(object, "state"), &d->state)
			  : -EBADMSG;

	if (!err)
		err = job_number(object, "tries", UINT32_MAX, &tries);
	if (!err)
		err = job_number(object, "refusals", UINT32_MAX, &refusals);
	if (!err)
		err = job_number(object, "first_ms", INT64_MAX, &d->first_ms);
	if (!err)
		err = job_number(object, "next_ms", INT64_MAX, &d->next_ms);
	if (err || reason.n >= sizeof(d->reason))
		return -EBADMSG;
	d->tries = (uint32_t)tries;
	d->refusals = (uint32_t)refusals;
	memcpy(d->to, to.p, to.n);
	if (reason.n)
		memcpy(d->reason, reason.p, reason.n);
	return 0;
}

static int job_read(const json_t *object, struct job *j)
{
	const json_t *list = json_object_get(object, "deliveries");
	size_t count = json_array_size(list);
	int err = 0;

	if (!json_is_array(list) || count > JOB_DELIVERIES_MAX)
		return -EBADMSG;
	for (; !err && j->count < count; j->count++)
		err = delivery_read(json_array_get(list, j->count), &j->of[j->count]);
	return err;
}

int job_parse(struct job *out, struct bytes json)
{
	struct job found = { 0 };
	json_t *object = json.n <= JOB_TEXT_MAX ? json_loadb((const char *)json.p, json.n,
							     JSON_REJECT_DUPLICATES, NULL)
						: NULL;
	int err = json_is_object(object) ? job_read(object, &found) : -EBADMSG;

	json_decref(object);
	if (!err)
		*out = found;
	return err;
}

void job_write(struct writer *w, const struct job *j)
{
	writer_str(w, "{\"deliveries\":[");
	for (uint32_t i = 0; i < j->count; i++) {
		const struct delivery *d = &j->of[i];

		writer_fmt(w,
			   "%s{\"to\":\"%s\",\"state\":\"%s\",\"tries\":%" PRIu32
			   ",\"refusals\":%" PRIu32 ",\"first_ms\":%" PRIu64 ",\"next_ms\":%" PRIu64
			   ",\"reason\":",
			   i ? "," : "", d->to, g_delivery_states[d->state], d->tries, d->refusals,
			   d->first_ms, d->next_ms);
		json_write_text(w, bytes_str(d->reason));
		writer_str(w, "}");
	}
	writer_str(w, "]}\n");
}
