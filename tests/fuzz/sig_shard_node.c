/* SPDX-License-Identifier: Apache-2.0 */
/* Time, the store, the engine, operators and restarts. */
#include <errno.h>

#include "tests/fuzz/sig_shard.h"

static void bind_phones(struct world *w)
{
	struct shard_extension secure = rig_extension("1003", true);

	secure.sdes_insecure = true;
	check(!shard_extension_put(w->r->shard, &secure), "no extension", NOTHING);
	phone_bind(&w->phones[0]);
	phone_bind(&w->phones[1]);
	phones_bind(&w->phones[2], 2);
}

void world_open(struct world *w, const struct shard_settings *settings)
{
	rig_without_secrets = true; /* of this file, where all extensions are made */
	w->r = rig_open_with(settings);
	log_setup(-1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT); /* to nobody */
	w->r->rolling = w->r->hold_saves = w->r->hold_media = true;
	w->r->seen = check_sent;
	phone_open(&w->phones[0], w->r, "1001", "192.0.2.11:5060");
	phone_open(&w->phones[1], w->r, "1003", "192.0.2.13:5060");
	phone_open(&w->phones[2], w->r, "1002", "192.0.2.12:5060");
	phone_open(&w->phones[3], w->r, "1002", "192.0.2.22:5060");
	bind_phones(w);
}

void world_advance(struct world *w, uint64_t ms)
{
	uint64_t end = w->r->now.ns + ms * NS_PER_MS;

	for (;;) {
		uint64_t at = rig_next_ns(w->r);

		if (at > end)
			at = end;
		if (at > w->r->now.ns) {
			w->r->now.utc_ms += (at - w->r->now.ns) / NS_PER_MS;
			w->r->now.ns = at;
		}
		rig_expire(w->r);
		rig_drain(w->r);
		if (w->r->now.ns >= end && rig_next_ns(w->r) > end)
			return;
	}
}

void world_answer_save(struct world *w, uint8_t how)
{
	for (uint32_t i = 0; i < w->r->save_count; i++) {
		if (!w->r->saves[i].answered) {
			rig_answer(w->r, i, how & 1);
			return;
		}
	}
}

void world_media(struct world *w, uint8_t how)
{
	struct media_event ev = { .kind = how % 7, .digit = '1', .error = -EIO };
	struct call_view v;
	uint32_t cursor = 0;

	if (!shard_call_next(w->r->shard, &cursor, &v) || v.flow_count == 0)
		return;
	ev.call = v.call;
	ev.id = v.flows[how / 8 % v.flow_count].id;
	if (how & 0x40) {
		shard_media_failed(w->r->shard, ev.id, ev.call, -EADDRINUSE, w->r->now);
		rig_drain(w->r);
		return;
	}
	ev.resume.started = 1;
	ev.resume.srtp_next = 1000;
	ev.resume.source_rtp = w->phones[0].addr;
	shard_media_event(w->r->shard, &ev, w->r->now);
	rig_drain(w->r);
}

void world_hangup_all(struct world *w)
{
	struct call_view v;
	uint32_t cursor = 0;

	while (shard_call_next(w->r->shard, &cursor, &v)) {
		check(!shard_hangup(w->r->shard, v.call, NULL, w->r->now), "no call to hang up",
		      NOTHING);
		rig_drain(w->r);
	}
}

static bool ended(const struct rig *r, uint64_t call)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (r->saves[i].kind == EFFECT_CALL_END && r->saves[i].call == call &&
		    r->saves[i].answered)
			return true;
	}
	return false;
}

/* The newest record of each call that the store may hold. */
static void restore(struct world *w, uint32_t i, uint32_t count)
{
	const struct rig_save *s = &w->r->saves[i];
	const char *reason = "";
	int err;

	if (s->kind != EFFECT_CALL_SAVE || ended(w->r, s->call))
		return;
	for (uint32_t k = i + 1; k < count; k++) {
		if (w->r->saves[k].kind == EFFECT_CALL_SAVE && w->r->saves[k].call == s->call)
			return;
	}
	err = shard_restore_call(w->r->shard, text_bytes(&s->record), w->r->now, &reason);
	/* -EBUSY: the store never took the call's end, and another one has its ports by now */
	check(err != -EBADMSG, reason, text_bytes(&s->record));
	rig_drain(w->r);
}

void world_restart(struct world *w, uint8_t how)
{
	uint32_t count = w->r->save_count;

	shard_close(w->r->shard);
	rand_open_seed(&w->r->rand, 256u * ++w->restarts + how); /* no tag comes twice */
	w->r->now.utc_ms += 2;
	w->r->now.ns += 2 * NS_PER_MS;
	rig_start_shard(w->r);
	check_lost();
	bind_phones(w);
	for (uint32_t i = 0; i < count; i++)
		restore(w, i, count);
	for (uint32_t i = 0; i < count; i++)
		w->r->saves[i].answered = true; /* nobody waits for these any more */
	shard_resume(w->r->shard, w->r->now);
	rig_drain(w->r);
}

void world_unreachable(struct world *w, unsigned phone)
{
	struct sip_hop hop = { .remote = w->phones[phone].addr };

	check_lost();
	shard_send_failed(w->r->shard, &hop, ECONNREFUSED, w->r->now);
}

/* What a command asks for; it may well be refused. */
void world_order(struct world *w, uint8_t how)
{
	const struct shard_originate o = { .call = UINT64_C(0x7800000000001),
					   .from = how & 8 ? "1001" : "1003",
					   .to = "1002",
					   .auto_answer = how & 16 };
	struct shard *s = w->r->shard;
	struct call_view v;
	uint32_t cursor = 0;
	uint8_t leg = how >> 7;

	if (how % 8 == 7 || !shard_call_next(s, &cursor, &v)) {
		(void)!shard_call_originate(s, &o, w->r->now);
	} else if (how % 8 < 3) {
		(void)!shard_call_hold(s, v.call, leg, NULL, w->r->now);
	} else if (how % 8 < 5) {
		(void)!shard_call_resume(s, v.call, leg, NULL, w->r->now);
	} else if (how % 8 == 5) {
		(void)!shard_call_mute(s, v.call, leg, how & 16, NULL, w->r->now);
	} else {
		(void)!shard_call_dtmf(s, v.call, leg, BYTES_LIT("1#"), 120, NULL, w->r->now);
	}
	rig_drain(w->r);
}
