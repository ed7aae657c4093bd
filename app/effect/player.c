/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays music on hold and tones as shared jobs. The node has one player for each tenant's music and
 * for each tone (app/node/node_media.c); plays.c takes rates from it. All codecs of a sound start
 * together, or none, so that a re-INVITE to another codec finds the same sound. Faults of a file
 * are logged once each.
 */

#include "app/effect/player.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sound/sounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "dsp/codec/encoder.h"
#include "media/job.h"

enum { PLAYER_MS = 20 };

/* One for each codec, with a reference each. */
struct player_sounds {
	struct media_sound *list[MEDIA_CODECS];
};

static void sounds_drop(struct player_sounds *s)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		media_sound_unref(s->list[i]);
	*s = (struct player_sounds){ 0 };
}

/* ---- its file ---- */

uint32_t player_rate(enum media_codec codec)
{
	struct encoder_settings settings = { .codec = media_codec_facts(codec)->name,
					     .packet_ms = PLAYER_MS };
	struct encoder *e;
	uint32_t rate;

	if (encoder_open(&e, &settings))
		return 0;
	rate = encoder_format(e).rate;
	encoder_close(e);
	return rate;
}

static bool player_sound_name(const struct player *p, uint32_t rate_hz, struct sound_name *out)
{
	const struct player_settings *s = &p->settings;

	return s->tone ? sound_tone_set(out, bytes_str(p->file), (enum tone_kind)(s->tone - 1),
					rate_hz)
		       : sound_name_set(out, bytes_str(s->tenant), bytes_str(p->file), rate_hz);
}

static enum sounds_answer sound_of(const struct player *p, enum media_codec codec, uint64_t now_ns,
				   struct media_sound **out, struct sound_fault *fault)
{
	uint32_t rate_hz = player_rate(codec);
	struct sound_name name;

	if (rate_hz == 0) {
		*fault = (struct sound_fault){ .reason = "no memory" };
		return SOUNDS_NONE;
	}
	if (!player_sound_name(p, rate_hz, &name)) {
		*fault = (struct sound_fault){ .reason = "not a name of a file" };
		return SOUNDS_NONE;
	}
	return sounds_get(p->settings.sounds, &name, now_ns, out, fault);
}

/* All of them, or none. */
static enum sounds_answer sounds_collect(const struct player *p, uint64_t now_ns,
					 struct player_sounds *out, struct sound_fault *fault)
{
	*out = (struct player_sounds){ 0 };
	for (uint32_t i = 0; i < MEDIA_CODECS; i++) {
		enum sounds_answer answer =
			sound_of(p, (enum media_codec)i, now_ns, &out->list[i], fault);

		if (answer == SOUNDS_HERE)
			continue;
		sounds_drop(out);
		return answer;
	}
	return SOUNDS_HERE;
}

/* Once for each fault. */
static void fault_log(struct player *p, const struct sound_fault *fault)
{
	bool is_known = p->said.reason && strcmp(p->said.reason, fault->reason) == 0 &&
			p->said.at == fault->at;

	p->said = *fault;
	if (is_known)
		return;
	if (p->settings.tone) {
		LOG_ERROR("tone", 0, "a tone cannot be played", LOG_STR("plan", p->file),
			  LOG_STR("reason", fault->reason),
			  LOG_STR("next", "it is tried again every 10 seconds"));
		return;
	}
	LOG_ERROR("music", 0, "hold music cannot be played", LOG_STR("tenant", p->settings.tenant),
		  LOG_STR("file", p->file), LOG_STR("reason", fault->reason),
		  LOG_U64("at", fault->at),
		  LOG_STR("next",
			  "put a WAV file there that the node's user can read (media.sounds, "
			  "media.music); it is tried again every 10 seconds"));
}

/* ---- its jobs ---- */

static void jobs_notify(const struct player *p)
{
	struct job_id ids[MEDIA_CODECS] = { 0 };

	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		if (p->jobs[p->set][i].state == PLAYER_JOB_OPEN)
			ids[i] = p->jobs[p->set][i].id;
	p->settings.tell(p->settings.number, ids, p->settings.arg);
}

static bool set_plays(const struct player *p, uint32_t set)
{
	bool plays = false;

	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		plays |= p->jobs[set][i].state == PLAYER_JOB_OPEN;
	return plays;
}

static void player_await(struct player *p)
{
	p->coming = !set_plays(p, p->set);
	if (p->coming)
		p->settings.await(p->settings.number, p->settings.arg);
}

/* Awaiting it ends. */
static void player_give_up(struct player *p)
{
	if (p->coming)
		jobs_notify(p);
	p->coming = false;
}

static void job_leave(struct player *p, struct player_job *j)
{
	j->state = PLAYER_JOB_LEFT;
	p->leaves = true;
}

static void set_leave(struct player *p, uint32_t set)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		if (p->jobs[set][i].state == PLAYER_JOB_OPEN)
			job_leave(p, &p->jobs[set][i]);
}

static bool set_is_free(const struct player *p, uint32_t set)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		if (p->jobs[set][i].state != PLAYER_JOB_FREE)
			return false;
	return true;
}

static bool player_command_put(struct player *p, const struct media_command *c)
{
	struct media_command *copy = malloc(sizeof(*copy));

	if (!copy)
		return false;
	*copy = *c;
	if (media_queue_put(p->settings.queue, copy) == 0)
		return true;
	free(copy);
	return false;
}

static bool player_job_open(struct player *p, uint32_t set, enum media_codec codec,
			    struct media_sound *sound)
{
	struct player_job *j = &p->jobs[set][codec];
	struct media_command c = {
		.kind = MEDIA_JOB_OPEN,
		.rtp_fd = -1,
		.rtcp_fd = -1,
		.work.track = { .sound = sound,
				.codec = codec,
				.packet_ms = PLAYER_MS,
				.loops = 1 },
	};

	assert(j->state == PLAYER_JOB_FREE);
	if (++p->generation == 0)
		p->generation = 1;
	c.job = (struct job_id){ .slot = p->settings.number * PLAYER_JOBS + set * MEDIA_CODECS +
					 codec,
				 .generation = p->generation };
	if (!player_command_put(p, &c))
		return false;
	*j = (struct player_job){ .id = c.job, .state = PLAYER_JOB_OPEN };
	return true;
}

/* All or none; the references of those that were opened went with them. */
static bool set_open(struct player *p, uint32_t set, struct player_sounds *sounds)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++) {
		if (!player_job_open(p, set, (enum media_codec)i, sounds->list[i])) {
			set_leave(p, set);
			return false;
		}
		sounds->list[i] = NULL;
	}
	return true;
}

static void job_close(struct player *p, struct player_job *j)
{
	const struct media_command c = {
		.kind = MEDIA_JOB_CLOSE, .rtp_fd = -1, .rtcp_fd = -1, .job = j->id
	};

	if (player_command_put(p, &c))
		j->state = PLAYER_JOB_CLOSING;
	else
		p->leaves = true; /* once more */
}

/* ---- what changes ---- */

static void sounds_play(struct player *p, struct player_sounds *sounds, uint64_t now_ns)
{
	static const struct sound_fault BUSY = { .reason = "the media workers do not keep up" };
	uint32_t next = (p->set + 1) % PLAYER_SETS;

	if (!set_is_free(p, next))
		return; /* of an older file: tried again when it is closed */
	if (!set_open(p, next, sounds)) {
		p->again_ns = now_ns + PLAYER_AGAIN_NS;
		fault_log(p, &BUSY);
		player_give_up(p);
		return;
	}
	set_leave(p, p->set);
	p->set = next;
	p->wanted = p->coming = false;
	p->said = (struct sound_fault){ 0 };
	jobs_notify(p);
	if (p->settings.tone)
		return;
	LOG_INFO("music", 0, "hold music is there", LOG_STR("tenant", p->settings.tenant),
		 LOG_STR("file", p->file));
}

void player_try(struct player *p, uint64_t now_ns)
{
	struct player_sounds sounds;
	struct sound_fault fault = { 0 };

	if (!p->wanted || now_ns < p->again_ns)
		return;
	switch (sounds_collect(p, now_ns, &sounds, &fault)) {
	case SOUNDS_HERE:
		sounds_play(p, &sounds, now_ns);
		sounds_drop(&sounds);
		return;
	case SOUNDS_LATER:
		return;
	case SOUNDS_NONE:
		fault_log(p, &fault);
		player_give_up(p);
		return;
	}
}

void player_play(struct player *p, const char *file, uint64_t now_ns)
{
	(void)snprintf(p->file, sizeof(p->file), "%s", file);
	p->wanted = file[0] != '\0';
	p->again_ns = 0;
	p->said = (struct sound_fault){ 0 };
	p->coming = false;
	if (p->wanted) {
		player_await(p);
		player_try(p, now_ns);
		return;
	}
	set_leave(p, p->set);
	jobs_notify(p);
}

static struct player_job *player_job_find(struct player *p, struct job_id id)
{
	struct player_job *j;

	if (id.slot / PLAYER_JOBS != p->settings.number)
		return NULL;
	j = &p->jobs[id.slot % PLAYER_JOBS / MEDIA_CODECS][id.slot % MEDIA_CODECS];
	return j->state != PLAYER_JOB_FREE && job_id_eq(j->id, id) ? j : NULL;
}

/* A worker could not open it: no worker plays this codec until the next try. */
static void job_failed(struct player *p, struct player_job *j, int error, uint64_t now_ns)
{
	LOG_ERROR("music", 0, "a media worker cannot play a sound", LOG_STR("file", p->file),
		  LOG_STR("error", strerror(-error)),
		  LOG_STR("next", "give the node more memory; it is tried again in 10 seconds"));
	p->wanted = true;
	p->again_ns = now_ns + PLAYER_AGAIN_NS;
	job_leave(p, j);
	jobs_notify(p);
}

void player_event(struct player *p, const struct media_event *event, uint64_t now_ns)
{
	struct player_job *j = player_job_find(p, event->job);

	if (!j || event->kind != MEDIA_JOB_CLOSED)
		return;
	if (event->error && j->state == PLAYER_JOB_OPEN)
		job_failed(p, j, event->error, now_ns);
	if (!event->last)
		return;
	*j = (struct player_job){ 0 };
	player_try(p, now_ns);
}

void player_round(struct player *p)
{
	if (!p->leaves)
		return;
	p->leaves = false;
	for (uint32_t i = 0; i < PLAYER_JOBS; i++) {
		struct player_job *j = &p->jobs[i / MEDIA_CODECS][i % MEDIA_CODECS];

		if (j->state == PLAYER_JOB_LEFT)
			job_close(p, j);
	}
}

void player_open(struct player *p, const struct player_settings *settings)
{
	*p = (struct player){ .settings = *settings };
}
