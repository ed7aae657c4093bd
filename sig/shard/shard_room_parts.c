/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/shard_room_parts.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/act.h"

static_assert((int)ROOM_FILES_MAX == (int)PROMPT_FILES_MAX &&
		      (int)ROOM_FILE_MAX == PROMPT_NAME_MAX + 1 &&
		      (int)ROOM_TIMES_MAX == (int)PROMPT_TIMES_MAX,
	      "files as those that a caller hears");

/* ---- what is asked for ---- */

struct effect *shard_room_part_ask(struct shard *s, const struct room *r, enum effect_kind kind)
{
	struct effect *e = effects_add(&s->effects, kind);

	if (!e)
		return NULL;
	e->call = r->id;
	e->job = r->job;
	e->version = rand_u64_from(s->host.rand) | 1;
	e->expected = r->rate_hz ? r->rate_hz : ROOM_RATE_HZ;
	return e;
}

void shard_room_part_stop(struct shard *s, const struct room *r, uint64_t serial)
{
	struct effect *e = serial ? effects_add(&s->effects, EFFECT_PLAY_STOP) : NULL;

	if (!e)
		return;
	e->call = r->id;
	e->version = serial;
}

/* Its serial; 0: it is tried again with the next turn. */
static uint64_t play_ask(struct shard *s, const struct room *r, struct bytes file, uint64_t from_ms,
			 bool resumed)
{
	struct effect *e = shard_room_part_ask(s, r, EFFECT_ROOM_PLAY);

	if (!e)
		return 0;
	e->ttl_ms = from_ms;
	e->peer = resumed;
	if (!text_set(&e->tenant, bytes_str(tenants_name(s->settings.tenants, r->tenant))) &&
	    !text_set(&e->user, bytes_str(tenants_language(s->settings.tenants, r->tenant))) &&
	    !text_set(&e->data, file))
		return e->version;
	LOG_ERROR("conference", r->id, "no memory for what is to be played");
	s->effects.count--;
	return 0;
}

static struct bytes sound_file(const struct room_heard *heard, char space[PROMPT_NAME_MAX])
{
	bool enters = heard->sound == ROOM_SOUND_ENTRY;
	struct writer w = writer_over(space, PROMPT_NAME_MAX);
	char id[ID_TEXT_LEN];

	if (!heard->name)
		return enters ? BYTES_LIT(PROMPT_BEEP_ENTRY) : BYTES_LIT(PROMPT_BEEP_EXIT);
	if (heard->named)
		return enters ? BYTES_LIT(PROMPT_BY_NAME "conference-joined")
			      : BYTES_LIT(PROMPT_BY_NAME "conference-left");
	id_call_put(id, heard->call);
	writer_str(&w, PROMPT_SPOKEN);
	writer_mem(&w, id, sizeof(id));
	writer_number(&w, "-", heard->name, "");
	return writer_done(&w);
}

static void live_ask(struct shard *s, struct room *r)
{
	char file[sizeof(PROMPT_LIVE) + ROOM_STREAM_MAX];
	struct writer w = writer_over(file, sizeof(file));

	WRITER_TEXTS(&w, PROMPT_LIVE, r->parts.live.endpoint);
	r->parts.live.serial = play_ask(s, r, writer_done(&w), 0, r->parts.live.resumed);
}

void shard_room_parts_settle(struct shard *s, struct room *r)
{
	struct room_parts *p = &r->parts;
	char space[PROMPT_NAME_MAX];

	shard_room_record_settle(s, r);
	if (!r->job.generation)
		return;
	if (p->sounds.count && !p->sounds.serial)
		p->sounds.serial = play_ask(s, r, sound_file(&p->sounds.list[0], space), 0, false);
	if (p->play.count && !p->play.serial)
		p->play.serial = play_ask(s, r, bytes_str(p->play.files[p->play.at]),
					  room_play_ms(&p->play, s->host.now.utc_ms), false);
	if (p->live.endpoint[0] && !p->live.serial)
		live_ask(s, r);
}

/* A tone that was cut is not heard once more. */
void shard_room_parts_lost(struct shard *s, struct room *r)
{
	struct room_parts *p = &r->parts;

	shard_room_part_stop(s, r, p->sounds.serial);
	shard_room_part_stop(s, r, p->play.serial);
	shard_room_part_stop(s, r, p->live.serial);
	shard_room_part_stop(s, r, p->recording.serial);
	p->sounds = (struct room_sounds){ 0 };
	p->live.resumed |= p->live.serial != 0;
	p->play.serial = p->live.serial = p->recording.serial = 0;
}

void shard_room_parts_end(struct shard *s, struct room *r)
{
	shard_room_record_end(s, r);
	shard_room_play_over(s, r, "ended");
	shard_room_live_over(s, r, "ended");
	shard_room_parts_lost(s, r);
}

/* ---- what has become of it ---- */

static void room_tell_of(struct shard *s, struct room *r, enum sig_event_kind kind,
			 const char *reason)
{
	shard_room_touch(r);
	shard_room_publish(s, r, kind, reason);
}

void shard_room_play_over(struct shard *s, struct room *r, const char *reason)
{
	struct room_play *p = &r->parts.play;

	if (!p->count)
		return;
	shard_room_part_stop(s, r, p->serial);
	*p = (struct room_play){ .order = p->order };
	room_tell_of(s, r, SIG_CONFERENCE_PLAYED, reason);
}

void shard_room_live_over(struct shard *s, struct room *r, const char *reason)
{
	struct room_live *l = &r->parts.live;

	if (!l->endpoint[0])
		return;
	shard_room_part_stop(s, r, l->serial);
	l->serial = 0;
	room_tell_of(s, r, SIG_CONFERENCE_STREAM_ENDED, reason);
	*l = (struct room_live){ 0 };
}

static void play_told(struct shard *s, struct room *r, enum prompt_news_kind kind)
{
	struct room_play *p = &r->parts.play;

	switch (kind) {
	case PROMPT_NEWS_OPEN:
		if (!p->since_utc_ms) {
			p->since_utc_ms = s->host.now.utc_ms;
			shard_room_touch(r);
		}
		return;
	case PROMPT_NEWS_ENDED:
		if (room_play_next(p))
			shard_room_touch(r);
		else
			room_tell_of(s, r, SIG_CONFERENCE_PLAYED, "end");
		return;
	case PROMPT_NEWS_FAILED:
		p->serial = 0;
		shard_room_play_over(s, r, "failed");
		return;
	}
}

static void live_told(struct shard *s, struct room *r, enum prompt_news_kind kind)
{
	if (kind == PROMPT_NEWS_OPEN)
		return;
	r->parts.live.serial = 0;
	shard_room_live_over(s, r, kind == PROMPT_NEWS_ENDED ? "end" : "failed");
}

/* Of what is not asked for any more nothing is done. */
void shard_room_on_play(struct shard *s, struct room *r, const struct prompt_news *news)
{
	struct room_parts *p = &r->parts;

	if (news->serial == p->sounds.serial && news->kind != PROMPT_NEWS_OPEN)
		room_sound_played(&p->sounds, news->kind == PROMPT_NEWS_ENDED);
	else if (news->serial == p->play.serial)
		play_told(s, r, news->kind);
	else if (news->serial == p->live.serial)
		live_told(s, r, news->kind);
	else if (news->serial == p->recording.serial && news->kind == PROMPT_NEWS_FAILED)
		shard_room_record_failed(s, r, -EIO);
	shard_room_hurry(s, r);
}
