/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects the call plane to the recorder and to the SIPREC sender: EFFECT_RECORD and EFFECT_FORK
 * become orders, their results become replies to the call. app/daemon opens it, and the engine's
 * taps feed both threads. An order that is lost is answered, so that a call never shows as recorded
 * when it is not.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_record.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/record/recorder.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "media/tap.h"

enum { FAILED_PER_TURN = 64 };

/* The sender's thread. */
static uint32_t forks_read(void *source, uint32_t max, sender_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_FORK, max, fn, arg);
}

static void fork_failed(struct node *n, uint64_t call, uint8_t number, int error)
{
	const struct reply failed = { .ask = ASK_RECORD,
				      .of = call,
				      .record = { .number = number, .error = error } };

	answers_reply(&n->shards->answers, &failed);
}

static struct node_figure *figure_find(struct node_figures *f, uint64_t call, uint8_t number)
{
	for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
		if (f->list[i].call == call && f->list[i].number == number)
			return &f->list[i];
	}
	return NULL;
}

static void figure_keep(struct node_figures *f, const struct sender_results *told)
{
	struct node_figure *to = figure_find(f, told->call, told->number);

	if (!to)
		to = &f->list[f->next++ % NODE_FIGURES_MAX];
	*to = (struct node_figure){ told->call, told->number, told->figures };
}

void node_siprec_query(struct node *n, uint64_t call, uint8_t number)
{
	struct node_figure *before = figure_find(&n->record->figures, call, number);

	if (before)
		*before = (struct node_figure){ 0 };
	if (n->record->sender)
		(void)sender_query(n->record->sender, call, number);
}

const struct sender_figures *node_siprec_figures(const struct node *n, uint64_t call,
						 uint8_t number)
{
	for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
		const struct node_figure *f = &n->record->figures.list[i];

		if (f->call == call && f->number == number)
			return &f->is;
	}
	return NULL;
}

static void node_on_sender(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	struct sender_results told[FAILED_PER_TURN];
	uint32_t count = sender_results(n->record->sender, told, FAILED_PER_TURN);

	(void)fd;
	(void)events;
	for (uint32_t i = 0; i < count; i++) {
		if (told[i].error)
			fork_failed(n, told[i].call, told[i].number, told[i].error);
		else
			figure_keep(&n->record->figures, &told[i]);
	}
}

/* EFFECT_FORK. One that is lost is answered by a reply. */
void node_siprec_carry(const struct effect *e, void *arg)
{
	struct node *n = arg;
	const struct request_fork *fork = e->request;
	bool taken = n->record->sender &&
		     (fork->fork ? sender_set(n->record->sender, e->call, fork->number, fork->fork)
				 : sender_end(n->record->sender, e->call, fork->number));

	if (taken)
		return;
	LOG_ERROR("siprec", e->call, "an order about an external recorder is lost",
		  LOG_U64("recording", fork->number));
	if (fork->fork)
		fork_failed(n, e->call, fork->number, n->record->sender ? -EAGAIN : -ENOSYS);
}

int node_siprec_open(struct node *n)
{
	int err = sender_open(&n->record->sender, forks_read, n->media->engine);

	if (!err)
		err = loop_watch(sender_told_fd(n->record->sender), LOOP_READ, node_on_sender, n);
	if (err) {
		sender_close(n->record->sender);
		n->record->sender = NULL;
		LOG_ERROR("node", 0, "nothing can be sent to external recorders",
			  LOG_STR("error", strerror(-err)),
			  LOG_STR("next", "look at the limits of threads and descriptors, and "
					  "start again"));
	}
	return NODE_EXIT_OK;
}

void node_siprec_close(struct node *n)
{
	if (!n->record->sender)
		return;
	loop_unwatch(sender_told_fd(n->record->sender));
	sender_close(n->record->sender);
	n->record->sender = NULL;
}

#define NAME_STAYS_NS (30 * NS_PER_S)

enum { TOLD_PER_TURN = 64 };

/* The recorder's thread. */
static uint32_t taps_read(void *source, uint32_t max, recorder_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_RECORD, max, fn, arg);
}

static void features_recorded(struct node *n, const struct recorder_results *told)
{
	FEATURE_EACH (f) {
		if (f->recorded)
			f->recorded(n, told->call, told->number, told->duration_ms);
	}
}

/* A call that records a message waits for its end. */
static void recording_notify(struct node *n, const struct recorder_results *told,
			     enum record_reply_kind kind)
{
	const struct reply reply = { .ask = ASK_RECORD,
				     .of = told->call,
				     .record = { .kind = kind,
						 .number = told->number,
						 .ms = (uint32_t)told->duration_ms } };

	if (told->message)
		answers_reply(&n->shards->answers, &reply);
}

static void recording_on_result(struct node *n, const struct recorder_results *told)
{
	const struct reply failed = { .ask = ASK_RECORD,
				      .of = told->call,
				      .record = { .number = told->number, .error = told->error } };

	switch (told->event) {
	case RECORDER_BEGUN:
		LOG_DEBUG("record", told->call, "recording begun", LOG_STR("file", told->file));
		break;
	case RECORDER_ENDED:
		LOG_INFO("record", told->call, "recording ended", LOG_STR("file", told->file),
			 LOG_U64("duration_ms", told->duration_ms),
			 LOG_U64("octets", told->octets));
		recording_notify(n, told, RECORD_REPLY_ENDED);
		if (told->message)
			features_recorded(n, told);
		break;
	case RECORDER_GROWN:
		recording_notify(n, told, RECORD_REPLY_GROWN);
		break;
	case RECORDER_QUIET:
		recording_notify(n, told, RECORD_REPLY_QUIET);
		break;
	case RECORDER_FAILED: /* the recorder has logged it */
		answers_reply(&n->shards->answers, &failed);
		break;
	}
}

static void node_on_recorded(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	struct recorder_results told[TOLD_PER_TURN];
	uint32_t count = recorder_results(n->record->recorder, told, TOLD_PER_TURN);

	(void)fd;
	(void)events;
	for (uint32_t i = 0; i < count; i++)
		recording_on_result(n, &told[i]);
}

static bool record_start(struct node *n, const struct effect *e)
{
	const struct request_record *r = e->request;
	struct record_terms terms = {
		.call = e->call,
		.number = r->number,
		.segment = r->segment,
		.format = (enum record_format)n->settings->recordings.format,
		.begun_utc_ms = clock_utc_ms(), /* of this segment */
		.message = r->message,
		/* all segments of a message are in one folder, also over midnight */
		.day_utc_ms = r->message ? r->begun_utc_ms : 0,
		.name = r->name,
		.mix = r->mix,
		.silence_ms = r->silence_ms
	};

	(void)bytes_cstr(text_bytes(&r->tenant), terms.tenant, sizeof(terms.tenant));
	return recorder_start(n->record->recorder, &terms, text_bytes(&r->facts));
}

/* It may be repeated for a member that leaves. False: too many wait. */
static bool name_over(struct node *n, const struct effect *e)
{
	const struct request_record *r = e->request;
	struct node_names *names = &n->record->names;
	struct node_name *to = &names->list[names->count];

	if (names->count == NODE_NAMES_MAX)
		return false;
	*to = (struct node_name){ .call = e->call,
				  .number = r->number,
				  .due_ns = clock_now_ns() + NAME_STAYS_NS };
	(void)bytes_cstr(text_bytes(&r->tenant), to->tenant, sizeof(to->tenant));
	names->count++;
	return true;
}

/* The oldest is the first. */
static void names_forget(struct node *n, uint64_t now_ns)
{
	struct node_names *names = &n->record->names;
	uint32_t gone = 0;

	for (; gone < names->count && names->list[gone].due_ns <= now_ns; gone++) {
		const struct node_name *name = &names->list[gone];
		struct record_terms terms = { .call = name->call,
					      .number = name->number,
					      .name = true };

		memcpy(terms.tenant, name->tenant, sizeof(terms.tenant));
		if (!recorder_forget(n->record->recorder, &terms))
			break;
	}
	names->count -= gone;
	memmove(names->list, names->list + gone, names->count * sizeof(names->list[0]));
}

static bool record_order(struct node *n, const struct effect *e)
{
	const struct request_record *r = e->request;

	switch (r->act) {
	case RECORD_START:
	case RECORD_GO_ON:
		return record_start(n, e);
	case RECORD_PAUSE:
		return recorder_pause(n->record->recorder, e->call, r->number);
	case RECORD_RESUME:
		return recorder_resume(n->record->recorder, e->call, r->number);
	case RECORD_NOTE:
		return recorder_note(n->record->recorder, e->call, r->number,
				     text_bytes(&r->facts));
	case RECORD_END:
	case RECORD_LEAVE:
		return recorder_end(n->record->recorder, e->call, r->number, r->act == RECORD_END,
				    text_bytes(&r->facts));
	case RECORD_FORGET:
		return name_over(n, e);
	}
	return false;
}

void node_record_carry(const struct effect *e, void *arg)
{
	const struct request_record *r = e->request;
	struct node *n = arg;
	const struct reply failed = {
		.ask = ASK_RECORD,
		.of = e->call,
		.record = { .number = r->number, .error = n->record->recorder ? -EAGAIN : -ENOSYS }
	};

	if (n->record->recorder && record_order(n, e))
		return;
	LOG_ERROR("record", e->call, "an order about a recording is lost",
		  LOG_U64("recording", r->number));
	if (r->act == RECORD_START || r->act == RECORD_GO_ON)
		answers_reply(&n->shards->answers, &failed);
}

int node_record_open(struct node *n)
{
	struct recorder_settings settings = { .read = taps_read,
					      .source = n->media->engine,
					      .memory_mib = n->settings->recordings.memory_mib,
					      .recordings_max = n->settings->recordings.most };
	int err;

	static_assert(sizeof(settings.folder) >= sizeof(n->settings->recordings.folder), "fits");
	memcpy(settings.folder, n->settings->recordings.folder,
	       sizeof(n->settings->recordings.folder));
	err = recorder_open(&n->record->recorder, &settings);
	if (!err)
		err = loop_watch(recorder_told_fd(n->record->recorder), LOOP_READ, node_on_recorded,
				 n);
	if (err) {
		recorder_close(n->record->recorder);
		n->record->recorder = NULL;
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

/* The folder must be changed, not the disk. */
static bool error_is_of_folder(int err)
{
	return err == -EACCES || err == -EPERM || err == -EROFS || err == -ENOENT ||
	       err == -ENOTDIR;
}

/* Results of recordings say more than a check of their folder. */
static void record_health(struct node *n)
{
	int trouble = n->record->recorder ? recorder_trouble(n->record->recorder) : 0;
	int err = trouble ? trouble : n->record->folder_error;
	char text[HEALTH_DETAIL_MAX] = "";

	if (error_is_of_folder(err))
		(void)snprintf(text, sizeof(text), "%s: %s", n->settings->recordings.folder,
			       strerror(-err));
	health_set_reason(&n->web->health, HEALTH_RECORDINGS_FOLDER, text);
	health_set(&n->web->health, HEALTH_RECORDINGS_FULL,
		   n->record->is_full || error_is_full(err));
	health_set(&n->web->health, HEALTH_RECORDINGS_DISK,
		   err && !error_is_full(err) && !error_is_of_folder(err));
}

void node_record_beat(struct node *n)
{
	record_health(n);
	if (n->record->recorder && n->record->names.count)
		names_forget(n, clock_now_ns());
}

void node_record_close(struct node *n)
{
	if (!n->record->recorder)
		return;
	loop_unwatch(recorder_told_fd(n->record->recorder));
	recorder_close(n->record->recorder);
	n->record->recorder = NULL;
}
