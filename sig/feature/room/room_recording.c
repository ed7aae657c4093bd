/* SPDX-License-Identifier: Apache-2.0 */
/* The recording of a room's mix (CONF-17): as sig/pbx/recording/recording.c does for a party. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "sig/call/cdr.h"
#include "sig/feature/room/shard_room.h"
#include "sig/pbx/recording/recording.h"

enum { FACTS_MAX = 16 * 1024 - 1, PARTIES_MIN = 2 };

/* ---- facts ---- */

static void fact_put(struct writer *w, const char *name, struct bytes value)
{
	WRITER_TEXTS(w, w->n ? ",\"" : "\"", name, "\":");
	json_write_text(w, value);
}

/* The number of a room that has one; else the user of the conference. */
static struct bytes room_record_name(const struct shard *s, const struct room *r)
{
	const struct room_member *m = r->host ? room_number_of(r, r->host) : NULL;
	const struct call *c = m ? shard_member_call(s, m) : NULL;

	if (r->number[0])
		return bytes_str(r->number);
	return c ? cdr_number(shard_host(s), c, text_bytes(&c->from)) : (struct bytes){ 0 };
}

static const char *room_record_reason(const struct room *r)
{
	if (r->parts.recording.by_page)
		return "page";
	return r->parts.recording.ordered ? "command" : "policy";
}

/* The facts in the file in addition to those of the recorder. */
static int facts_put(struct shard *s, const struct room *r, struct text *out)
{
	const struct room_recording *x = &r->parts.recording;
	char *space = malloc(FACTS_MAX), id[ID_TEXT_LEN];
	struct writer w = writer_over(space, space ? FACTS_MAX : 0);
	int err = -ENOMEM;

	id_call_put(id, r->object.id);
	fact_put(&w, "conference", bytes_mem(id, sizeof(id)));
	fact_put(&w, "from", BYTES_LIT("conference"));
	fact_put(&w, "to", room_record_name(s, r));
	fact_put(&w, "cause", bytes_str(room_record_reason(r)));
	if (x->attendance) {
		writer_str(&w, ",");
		room_attendance_write(&w, x->attendance);
	}
	if (space)
		err = text_set(out, w.overflow ? (struct bytes){ 0 } : writer_done(&w));
	free(space);
	return err;
}

static void room_record_publish(struct shard *s, struct room *r, enum sig_event_kind kind,
				const char *reason)
{
	object_touch(&r->object);
	shard_room_publish(s, r, kind, reason);
}

/* ---- the recorder ---- */

static void room_record_request(struct shard *s, const struct room *r, enum record_act act)
{
	const struct room_recording *x = &r->parts.recording;
	struct effect *e = effects_add(shard_effects(s), EFFECT_RECORD, r->object.id, 0);
	struct request_record *to = e ? e->request : NULL;

	if (!to)
		return;
	*to = (struct request_record){ .act = act,
				       .number = x->number,
				       .segment = x->segment,
				       .begun_utc_ms =
					       steady_add(x->begun_utc_ms, shard_host(s)->wall_ms),
				       .mix = true };
	if (text_set(&to->tenant,
		     bytes_str(tenants_name(shard_settings(s)->tenants, r->object.tenant))) ||
	    facts_put(s, r, &to->facts))
		LOG_ERROR("conference", r->object.id, "no memory for what a recording is of");
}

/* The members at the beginning of the segment. */
static void attendance_start(struct shard *s, struct room *r)
{
	struct room_attendance *a = calloc(1, sizeof(*a));

	r->parts.recording.attendance = a;
	for (const struct room_member *m = r->first; a && m && !m->asks; m = m->next) {
		const struct call *c = shard_member_call(s, m);

		room_attendance_join(a, m->number,
				     c ? cdr_number(shard_host(s), c, text_bytes(&c->from))
				       : (struct bytes){ 0 },
				     m->joined_utc_ms);
	}
}

/* A process that goes on with it goes on with its tones: those that were due are left out. */
static uint64_t record_tone_ns(const struct shard *s, const struct room_recording *x)
{
	uint64_t now_ms = shard_host(s)->now.utc_ms;
	uint64_t gone_ms = now_ms > x->tone_utc_ms ? now_ms - x->tone_utc_ms : 0;
	uint64_t gone_ns = gone_ms * NS_PER_MS;

	return shard_host(s)->now.ns > gone_ns ? shard_host(s)->now.ns - gone_ns
					       : shard_host(s)->now.ns;
}

static void tap_request(struct shard *s, struct room *r)
{
	uint32_t every_ms =
		recording_tone_ms(shard_settings(s), r->object.tenant, RECORD_TONE_AS_SET);
	struct room_recording *x = &r->parts.recording;
	uint64_t serial = rand_u64_from(shard_host(s)->rand) | 1;
	struct effect *e = effects_add(shard_effects(s), EFFECT_ROOM_TAP, r->object.id, serial);
	struct request_room_tap *tap = e ? e->request : NULL;

	if (!tap)
		return;
	x->serial = serial;
	tap->job = r->job;
	tap->number = x->number;
	if (every_ms)
		tap->tone = recording_room_tone(every_ms, record_tone_ns(s, x));
}

/* A further segment is in the record soon: see recording_sync. */
static void room_recording_sync(struct shard *s, struct room *r)
{
	struct room_recording *x = &r->parts.recording;

	if (!x->told) {
		x->segment++;
		object_touch(&r->object);
		attendance_start(s, r);
		room_record_request(s, r, x->segment == 1 ? RECORD_START : RECORD_GO_ON);
		x->told = true;
	}
	if (x->told_paused != x->paused)
		room_record_request(s, r, x->paused ? RECORD_PAUSE : RECORD_RESUME);
	x->told_paused = x->paused;
}

/* ---- what is to be recorded ---- */

static uint32_t room_record_parties(const struct room *r)
{
	uint32_t n = 0;

	for (const struct room_member *m = r->first; m && !m->asks; m = m->next)
		n += !m->monitors;
	return n;
}

static enum refusal room_record_start(struct shard *s, struct room *r, bool ordered, bool by_page)
{
	struct room_recording *x = &r->parts.recording;

	if (x->last == ROOM_RECORDING_NUMBER_MAX)
		return REFUSED_RECORDINGS_FULL;
	*x = (struct room_recording){ .last = (uint8_t)(x->last + 1),
				      .number = (uint8_t)(x->last + 1),
				      .ordered = ordered,
				      .by_page = by_page,
				      .begun_utc_ms = shard_host(s)->now.utc_ms,
				      .tone_utc_ms = shard_host(s)->now.utc_ms };
	room_record_publish(s, r, SIG_CONFERENCE_RECORDING, room_record_reason(r));
	return 0;
}

void shard_room_record_settle(struct shard *s, struct room *r)
{
	struct room_recording *x = &r->parts.recording;

	if (!x->last && r->parts.record == ROOM_RECORD_AUTO &&
	    room_record_parties(r) >= PARTIES_MIN)
		(void)room_record_start(s, r, false, false);
	if (!x->number)
		return;
	room_recording_sync(s, r);
	if (x->paused && x->serial) {
		shard_room_part_stop(s, r, x->serial);
		x->serial = 0;
	}
	if (!x->paused && !x->serial && r->job.generation)
		tap_request(s, r);
}

static void recording_clear(struct room_recording *x)
{
	free(x->attendance);
	*x = (struct room_recording){ .last = x->last };
}

void shard_room_record_end(struct shard *s, struct room *r)
{
	struct room_recording *x = &r->parts.recording;

	if (!x->number)
		return;
	if (x->told)
		room_record_request(s, r, RECORD_END);
	shard_room_part_stop(s, r, x->serial);
	room_record_publish(s, r, SIG_CONFERENCE_RECORDING_ENDED, room_record_reason(r));
	recording_clear(x);
}

void shard_room_record_leave(struct shard *s, const struct room *r)
{
	if (r->parts.recording.told)
		room_record_request(s, r, RECORD_LEAVE);
}

void shard_room_record_failed(struct shard *s, struct room *r, int error)
{
	struct room_recording *x = &r->parts.recording;
	const char *reason = recording_failure(error);

	LOG_ERROR("conference", r->object.id, "a recording failed", LOG_U64("recording", x->number),
		  LOG_STR("reason", reason), LOG_INT("error", error));
	if (!x->number)
		return;
	shard_room_part_stop(s, r, x->serial);
	room_record_publish(s, r, SIG_CONFERENCE_RECORDING_FAILED, reason);
	recording_clear(x);
}

/* ---- by command, or by the page of a member ---- */

bool shard_room_record_is_paged(const struct room *r)
{
	return r->kind == ROOM_STATION || r->parts.record != ROOM_RECORD_OFF;
}

/* A conference of calls: as its host is recorded. */
static bool room_record_is_allowed(const struct shard *s, const struct room *r)
{
	const struct room_member *m = r->host ? room_number_of(r, r->host) : NULL;
	const struct call *c = m ? shard_member_call(s, m) : NULL;

	if (r->kind == ROOM_MEETME)
		return r->parts.record != ROOM_RECORD_OFF;
	return c && recording_is_on_demand(shard_host(s), c, c->bridge.caller);
}

static void room_record_pause(struct shard *s, struct room *r, bool paused)
{
	struct room_recording *x = &r->parts.recording;

	if (x->paused == paused)
		return;
	x->paused = paused;
	if (!paused) /* members that may have missed the pause hear the tone again */
		x->tone_utc_ms = shard_host(s)->now.utc_ms;
	room_record_publish(
		s, r, paused ? SIG_CONFERENCE_RECORDING_PAUSED : SIG_CONFERENCE_RECORDING_RESUMED,
		room_record_reason(r));
}

static enum refusal room_record_on(struct shard *s, struct room *r, bool by_page)
{
	if (r->parts.recording.number) {
		room_record_pause(s, r, false);
		return 0;
	}
	if (by_page ? !shard_room_record_is_paged(r) : !room_record_is_allowed(s, r))
		return REFUSED_ROOM_NOT_ON_DEMAND;
	return room_record_start(s, r, true, by_page);
}

enum refusal shard_room_record_order(struct shard *s, struct room *r, uint8_t what, bool by_page)
{
	const struct room_recording *x = &r->parts.recording;

	if (what == ORDER_RECORD_ON)
		return room_record_on(s, r, by_page);
	if (!x->number)
		return what == ORDER_RECORD_OFF ? REFUSED_NOT : REFUSED_ROOM_NOT_RECORDED;
	if (what != ORDER_RECORD_OFF) {
		room_record_pause(s, r, what == ORDER_RECORD_PAUSE);
		return 0;
	}
	if (!x->ordered)
		return REFUSED_ROOM_NOT_ON_DEMAND;
	shard_room_record_end(s, r);
	return 0;
}
