/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_record.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/node_siprec.h"
#include "app/record/recorder.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "media/tap.h"

#define NAME_STAYS_NS (30 * NS_PER_S)

enum { TOLD_PER_TURN = 64 };

/* The recorder's thread. */
static uint32_t taps_read(void *source, uint32_t max, recorder_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_RECORD, max, fn, arg);
}

/* Who records a message waits for its end. */
static void recording_news(struct node *n, const struct recorder_told *told,
			   enum record_news_kind kind)
{
	struct answer a = { .kind = ANSWER_RECORDED,
			    .call = told->call,
			    .recorded = { .kind = kind,
					  .number = told->number,
					  .ms = (uint32_t)told->duration_ms } };

	if (told->message)
		answers_add(&n->answers, &a);
}

static void recording_told(struct node *n, const struct recorder_told *told)
{
	struct answer failed = { .kind = ANSWER_RECORD,
				 .call = told->call,
				 .version = told->number,
				 .error = told->error };

	switch (told->event) {
	case RECORDER_BEGUN:
		LOG_DEBUG("record", told->call, "recording begun", LOG_STR("file", told->file));
		break;
	case RECORDER_ENDED:
		LOG_INFO("record", told->call, "recording ended", LOG_STR("file", told->file),
			 LOG_U64("duration_ms", told->duration_ms),
			 LOG_U64("octets", told->octets));
		recording_news(n, told, RECORD_NEWS_ENDED);
		break;
	case RECORDER_GROWN:
		recording_news(n, told, RECORD_NEWS_GROWN);
		break;
	case RECORDER_QUIET:
		recording_news(n, told, RECORD_NEWS_QUIET);
		break;
	case RECORDER_FAILED: /* the recorder has logged it */
		answers_add(&n->answers, &failed);
		break;
	}
}

static void node_on_recorded(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	struct recorder_told told[TOLD_PER_TURN];
	uint32_t count = recorder_told(n->recorder, told, TOLD_PER_TURN);

	(void)fd;
	(void)events;
	for (uint32_t i = 0; i < count; i++)
		recording_told(n, &told[i]);
}

static bool record_begin(struct node *n, const struct effect *e)
{
	struct record_terms terms = { .call = e->call,
				      .number = e->record.number,
				      .segment = e->record.segment,
				      .format = (enum record_format)n->settings.recordings.format,
				      .begun_utc_ms = clock_utc_ms(), /* of this segment */
				      .message = e->record.message,
				      .name = e->record.name,
				      .mix = e->record.mix,
				      .silence_ms = e->record.silence_ms };

	(void)bytes_cstr(text_bytes(&e->tenant), terms.tenant, sizeof(terms.tenant));
	return recorder_begin(n->recorder, &terms, text_bytes(&e->data));
}

/* It may be said once more, of who leaves. False: too many wait. */
static bool name_over(struct node *n, const struct effect *e)
{
	struct node_names *names = &n->names_over;
	struct node_name *to = &names->list[names->count];

	if (names->count == NODE_NAMES_MAX)
		return false;
	*to = (struct node_name){ .call = e->call,
				  .number = e->record.number,
				  .due_ns = clock_now_ns() + NAME_STAYS_NS };
	(void)bytes_cstr(text_bytes(&e->tenant), to->tenant, sizeof(to->tenant));
	names->count++;
	return true;
}

/* The oldest is the first. */
static void names_forget(struct node *n, uint64_t now_ns)
{
	struct node_names *names = &n->names_over;
	uint32_t gone = 0;

	for (; gone < names->count && names->list[gone].due_ns <= now_ns; gone++) {
		const struct node_name *name = &names->list[gone];
		struct record_terms terms = { .call = name->call,
					      .number = name->number,
					      .name = true };

		memcpy(terms.tenant, name->tenant, sizeof(terms.tenant));
		if (!recorder_forget(n->recorder, &terms))
			break;
	}
	names->count -= gone;
	memmove(names->list, names->list + gone, names->count * sizeof(names->list[0]));
}

static bool record_order(struct node *n, const struct effect *e)
{
	switch (e->record.act) {
	case RECORD_BEGIN:
	case RECORD_GO_ON:
		return record_begin(n, e);
	case RECORD_PAUSE:
		return recorder_pause(n->recorder, e->call, e->record.number);
	case RECORD_RESUME:
		return recorder_resume(n->recorder, e->call, e->record.number);
	case RECORD_NOTE:
		return recorder_note(n->recorder, e->call, e->record.number, text_bytes(&e->data));
	case RECORD_END:
	case RECORD_LEAVE:
		return recorder_end(n->recorder, e->call, e->record.number,
				    e->record.act == RECORD_END, text_bytes(&e->data));
	case RECORD_FORGET:
		return name_over(n, e);
	}
	return false;
}

void node_record_carry(const struct effect *e, void *arg)
{
	struct node *n = arg;
	struct answer failed = { .kind = ANSWER_RECORD,
				 .call = e->call,
				 .version = e->record.number,
				 .error = n->recorder ? -EAGAIN : -ENOSYS };

	if (e->kind == EFFECT_FORK) {
		node_siprec_carry(n, e);
		return;
	}
	if (n->recorder && record_order(n, e))
		return;
	LOG_ERROR("record", e->call, "an order about a recording is lost",
		  LOG_U64("recording", e->record.number));
	if (e->record.act == RECORD_BEGIN || e->record.act == RECORD_GO_ON)
		answers_add(&n->answers, &failed);
}

int node_record_open(struct node *n)
{
	struct recorder_settings settings = { .read = taps_read,
					      .source = n->engine,
					      .memory_mib = n->settings.recordings.memory_mib,
					      .recordings_max = n->settings.recordings.most };
	int err;

	static_assert(sizeof(settings.folder) >= sizeof(n->settings.recordings.folder), "fits");
	memcpy(settings.folder, n->settings.recordings.folder,
	       sizeof(n->settings.recordings.folder));
	err = recorder_open(&n->recorder, &settings);
	if (!err)
		err = loop_watch(recorder_told_fd(n->recorder), LOOP_READ, node_on_recorded, n);
	if (err) {
		recorder_close(n->recorder);
		n->recorder = NULL;
		LOG_ERROR("node", 0, "nothing can be recorded", LOG_STR("folder", settings.folder),
			  LOG_STR("error", strerror(-err)),
			  LOG_STR("next",
				  "make recordings.folder writable for the node, and start again"));
	}
	return NODE_EXIT_OK;
}

static bool error_is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

/* Somebody has to change the folder, not the disk. */
static bool error_is_of_folder(int err)
{
	return err == -EACCES || err == -EPERM || err == -EROFS || err == -ENOENT ||
	       err == -ENOTDIR;
}

/* What becomes of recordings says more than what a look at their folder said. */
static void record_health(struct node *n)
{
	int trouble = n->recorder ? recorder_trouble(n->recorder) : 0;
	int err = trouble ? trouble : n->recordings.folder_error;
	char text[HEALTH_DETAIL_MAX] = "";

	if (error_is_of_folder(err))
		(void)snprintf(text, sizeof(text), "%s: %s", n->settings.recordings.folder,
			       strerror(-err));
	health_say(&n->health, HEALTH_RECORDINGS_FOLDER, text);
	health_set(&n->health, HEALTH_RECORDINGS_FULL, n->recordings.full || error_is_full(err));
	health_set(&n->health, HEALTH_RECORDINGS_DISK,
		   err && !error_is_full(err) && !error_is_of_folder(err));
}

void node_record_beat(struct node *n)
{
	record_health(n);
	if (n->recorder && n->names_over.count)
		names_forget(n, clock_now_ns());
}

void node_record_close(struct node *n)
{
	if (!n->recorder)
		return;
	loop_unwatch(recorder_told_fd(n->recorder));
	recorder_close(n->recorder);
	n->recorder = NULL;
}
