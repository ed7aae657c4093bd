/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/music.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/node/sounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "dsp/encoder.h"
#include "media/sound.h"

enum { PACKET_MS = 20 };

/* One for each codec, with a reference each. */
struct music_sounds {
	struct media_sound *list[MEDIA_CODECS];
};

static void sounds_drop(struct music_sounds *s)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		media_sound_drop(s->list[i]);
	*s = (struct music_sounds){ 0 };
}

/* ---- its file ---- */

/* What its encoder wants; 0: there is no memory for one. */
static uint32_t rate_of(enum media_codec codec)
{
	static const enum encoder_codec ENCODERS[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMU] = ENCODER_PCMU,
		[MEDIA_CODEC_PCMA] = ENCODER_PCMA,
		[MEDIA_CODEC_G722] = ENCODER_G722,
		[MEDIA_CODEC_OPUS] = ENCODER_OPUS,
	};
	struct encoder_settings settings = { .codec = ENCODERS[codec], .packet_ms = PACKET_MS };
	struct encoder *e;
	uint32_t rate;

	if (encoder_open(&e, &settings))
		return 0;
	rate = encoder_rate(e);
	encoder_close(e);
	return rate;
}

static enum sounds_answer sound_of(const struct music *m, enum media_codec codec, uint64_t now_ns,
				   struct media_sound **out, struct sound_fault *fault)
{
	uint32_t rate_hz = rate_of(codec);
	struct sound_name name;

	if (rate_hz == 0) {
		*fault = (struct sound_fault){ .reason = "no memory" };
		return SOUNDS_NONE;
	}
	if (!sound_name_set(&name, bytes_str(m->tenant), bytes_str(m->file), rate_hz)) {
		*fault = (struct sound_fault){ .reason = "not a name of a file" };
		return SOUNDS_NONE;
	}
	return sounds_get(m->sounds, &name, now_ns, out, fault);
}

/* All of them, or none. */
static enum sounds_answer sounds_collect(const struct music *m, uint64_t now_ns,
					 struct music_sounds *out, struct sound_fault *fault)
{
	*out = (struct music_sounds){ 0 };
	for (uint32_t i = 0; i < MEDIA_CODECS; i++) {
		enum sounds_answer answer =
			sound_of(m, (enum media_codec)i, now_ns, &out->list[i], fault);

		if (answer == SOUNDS_HERE)
			continue;
		sounds_drop(out);
		return answer;
	}
	return SOUNDS_HERE;
}

/* Once for each fault. */
static void fault_say(struct music *m, const struct sound_fault *fault)
{
	bool is_known = m->said.reason && strcmp(m->said.reason, fault->reason) == 0 &&
			m->said.at == fault->at;

	m->said = *fault;
	if (is_known)
		return;
	LOG_ERROR("music", 0, "hold music cannot be played", LOG_STR("tenant", m->tenant),
		  LOG_STR("file", m->file), LOG_STR("reason", fault->reason),
		  LOG_U64("at", fault->at),
		  LOG_STR("next",
			  "put a WAV file there that the node's user can read (media.sounds, "
			  "media.music); it is tried again every 10 seconds"));
}

/* ---- its jobs ---- */

static void jobs_tell(const struct music *m)
{
	struct job_id ids[MEDIA_CODECS] = { 0 };

	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		if (m->jobs[m->set][i].state == MUSIC_JOB_OPEN)
			ids[i] = m->jobs[m->set][i].id;
	m->tell(ids, m->arg);
}

static void set_leave(struct music *m, uint32_t set)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		if (m->jobs[set][i].state == MUSIC_JOB_OPEN)
			m->jobs[set][i].state = MUSIC_JOB_LEFT;
}

static bool set_is_free(const struct music *m, uint32_t set)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++)
		if (m->jobs[set][i].state != MUSIC_JOB_FREE)
			return false;
	return true;
}

static bool command_put(struct music *m, const struct media_command *c)
{
	struct media_command *copy = malloc(sizeof(*copy));

	if (!copy)
		return false;
	*copy = *c;
	if (media_queue_put(m->queue, copy) == 0)
		return true;
	free(copy);
	return false;
}

static bool job_open(struct music *m, uint32_t set, enum media_codec codec,
		     struct media_sound *sound)
{
	struct music_job *j = &m->jobs[set][codec];
	struct media_command c = {
		.kind = MEDIA_JOB_OPEN,
		.rtp_fd = -1,
		.rtcp_fd = -1,
		.track = { .sound = sound, .codec = codec, .packet_ms = PACKET_MS, .loops = 1 },
	};

	assert(j->state == MUSIC_JOB_FREE);
	if (++m->generation == 0)
		m->generation = 1;
	c.job = (struct job_id){ .slot = set * MEDIA_CODECS + codec, .generation = m->generation };
	if (!command_put(m, &c))
		return false;
	*j = (struct music_job){ .id = c.job, .state = MUSIC_JOB_OPEN };
	return true;
}

/* All or none; the references of those that were opened went with them. */
static bool set_open(struct music *m, uint32_t set, struct music_sounds *sounds)
{
	for (uint32_t i = 0; i < MEDIA_CODECS; i++) {
		if (!job_open(m, set, (enum media_codec)i, sounds->list[i])) {
			set_leave(m, set);
			return false;
		}
		sounds->list[i] = NULL;
	}
	return true;
}

static void job_close(struct music *m, struct music_job *j)
{
	const struct media_command c = {
		.kind = MEDIA_JOB_CLOSE, .rtp_fd = -1, .rtcp_fd = -1, .job = j->id
	};

	if (command_put(m, &c))
		j->state = MUSIC_JOB_CLOSING;
}

/* ---- what changes ---- */

static void sounds_play(struct music *m, struct music_sounds *sounds, uint64_t now_ns)
{
	static const struct sound_fault BUSY = { .reason = "the media workers do not keep up" };
	uint32_t next = (m->set + 1) % MUSIC_SETS;

	if (!set_is_free(m, next))
		return; /* of an older file: tried again when it is closed */
	if (!set_open(m, next, sounds)) {
		m->again_ns = now_ns + MUSIC_AGAIN_NS;
		fault_say(m, &BUSY);
		return;
	}
	set_leave(m, m->set);
	m->set = next;
	m->wanted = false;
	m->said = (struct sound_fault){ 0 };
	jobs_tell(m);
	LOG_INFO("music", 0, "hold music is there", LOG_STR("tenant", m->tenant),
		 LOG_STR("file", m->file));
}

void music_try(struct music *m, uint64_t now_ns)
{
	struct music_sounds sounds;
	struct sound_fault fault = { 0 };

	if (!m->wanted || now_ns < m->again_ns)
		return;
	switch (sounds_collect(m, now_ns, &sounds, &fault)) {
	case SOUNDS_HERE:
		sounds_play(m, &sounds, now_ns);
		sounds_drop(&sounds);
		return;
	case SOUNDS_LATER:
		return;
	case SOUNDS_NONE:
		fault_say(m, &fault);
		return;
	}
}

void music_file_set(struct music *m, const char *file, uint64_t now_ns)
{
	(void)snprintf(m->file, sizeof(m->file), "%s", file);
	m->wanted = file[0] != '\0';
	m->again_ns = 0;
	m->said = (struct sound_fault){ 0 };
	if (m->wanted) {
		music_try(m, now_ns);
		return;
	}
	set_leave(m, m->set);
	jobs_tell(m);
}

static struct music_job *job_find(struct music *m, struct job_id id)
{
	struct music_job *j;

	if (id.slot >= MUSIC_JOBS)
		return NULL;
	j = &m->jobs[id.slot / MEDIA_CODECS][id.slot % MEDIA_CODECS];
	return j->state != MUSIC_JOB_FREE && job_id_eq(j->id, id) ? j : NULL;
}

/* A worker could not open it: none of them plays this codec until it was tried again. */
static void job_failed(struct music *m, struct music_job *j, int error, uint64_t now_ns)
{
	LOG_ERROR("music", 0, "a media worker cannot play hold music", LOG_STR("tenant", m->tenant),
		  LOG_STR("file", m->file), LOG_STR("error", strerror(-error)),
		  LOG_STR("next", "give the node more memory; it is tried again in 10 seconds"));
	m->wanted = true;
	m->again_ns = now_ns + MUSIC_AGAIN_NS;
	j->state = MUSIC_JOB_LEFT;
	jobs_tell(m);
}

void music_event(struct music *m, const struct media_event *event, uint64_t now_ns)
{
	struct music_job *j = job_find(m, event->job);

	if (!j || event->kind != MEDIA_JOB_CLOSED)
		return;
	if (event->error && j->state == MUSIC_JOB_OPEN)
		job_failed(m, j, event->error, now_ns);
	if (!event->last)
		return;
	*j = (struct music_job){ 0 };
	music_try(m, now_ns);
}

void music_round(struct music *m)
{
	for (uint32_t i = 0; i < MUSIC_JOBS; i++) {
		struct music_job *j = &m->jobs[i / MEDIA_CODECS][i % MEDIA_CODECS];

		if (j->state == MUSIC_JOB_LEFT)
			job_close(m, j);
	}
}

void music_open(struct music *m, struct sounds *sounds, struct media_queue *queue,
		const char *tenant, music_tell_fn *tell, void *arg)
{
	*m = (struct music){ .sounds = sounds, .queue = queue, .tell = tell, .arg = arg };
	(void)snprintf(m->tenant, sizeof(m->tenant), "%s", tenant);
}
