/* SPDX-License-Identifier: Apache-2.0 */
/* What control commands. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/worker/flow.h"
#include "media/rtp/video.h"
#include "tests/fuzz/engine_relay.h"

static struct media_key key_of(uint32_t slot, uint8_t how)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };

	if (!(how & 128))
		return (struct media_key){ 0 };
	key.octets[0] = (uint8_t)slot;
	key.octets[1] = how & 2;
	return key;
}

static struct srtp_stream *party_open(const struct media_key *key)
{
	struct srtp_stream *s = NULL;

	if (key->suite != MEDIA_SUITE_NONE && srtp_stream_open(&s, key))
		abort();
	return s;
}

static bool is_of(const struct srtp_stream *s, const struct media_key *key)
{
	return s ? srtp_stream_has_key(s, key) : key->suite == MEDIA_SUITE_NONE;
}

/* What the party makes of a spec: a stream stays as long as its key does. */
static void party_follow(struct fuzz *f, const struct flow_spec *spec, bool opened)
{
	uint32_t slot = spec->id.slot;

	if (opened || !is_of(f->party_out[slot], &spec->key_in)) {
		srtp_stream_close(f->party_out[slot]);
		f->party_out[slot] = party_open(&spec->key_in);
	}
	if (f->party_out[slot] && srtp_stream_next(f->party_out[slot]) == 1) {
		srtp_stream_start(f->party_out[slot], 1, 0);
		srtp_stream_limit(f->party_out[slot], SRTP_INDEX_END, SRTCP_INDEX_END);
	}
	if (!opened && is_of(f->party_in[slot], &spec->key_out))
		return;
	srtp_stream_close(f->party_in[slot]);
	f->party_in[slot] = party_open(&spec->key_out);
	relay_numbers_open(&f->numbers[slot]);
	if (f->party_in[slot] && opened && spec->resume.srtp_next > 0)
		srtp_stream_resume(f->party_in[slot], spec->ssrc_out, spec->resume.srtp_next - 1);
}

static void transport_read(struct script *s, const struct fuzz *f, struct flow_spec *spec)
{
	uint8_t how = take(s);

	if (how & 1)
		spec->ice = relay_ice(spec->id.slot, how);
	if (how & 4)
		spec->bundle = (struct flow_id){ .slot = (how >> 4) % SLOTS,
						 .generation = 1 + (how >> 6 & 1U) };
	if (how & 5 && how & 8) {
		spec->shared_port = 1;
		spec->local_rtp = f->shared;
	}
	spec->mid_extension = how >> 7;
	spec->cc_extension = how & 2 ? EXTENSION_ID : 0;
	spec->strips = how >> 1 & 1;
	spec->mid_length = 1;
	spec->mid[0] = (char)('0' + spec->id.slot);
}

/* What a room shows of it, and it of a room. */
static void pictures_set(struct flow_spec *spec, uint8_t flags)
{
	static const uint8_t FORMATS[] = { VIDEO_H264 | 1, VIDEO_VP8, VIDEO_NONE, VIDEO_H264 };

	spec->fir = flags >> 3 & 1;
	spec->accepted_count = 2;
	spec->accepted[0] = (struct media_accepted){ .payload_type = 120, .codec = VIDEO_H264 | 1 };
	spec->accepted[1] = (struct media_accepted){ .payload_type = 121, .codec = VIDEO_VP8 };
	for (uint8_t i = 0; i < spec->rule_count; i++)
		spec->rule_codecs[i] = FORMATS[i % COUNT_OF(FORMATS)];
}

static struct flow_spec spec_read(const struct fuzz *f, struct script *s, uint32_t slot)
{
	uint8_t how = take(s), flags = take(s), peer = take(s);
	struct flow_spec spec = {
		.id = { .slot = slot, .generation = 1 + (how & 1U) },
		.peer = { .slot = (peer & 15U) % (SLOTS + 1U), .generation = (peer >> 4) % 4U },
		.remote_rtp = relay_address(take(s)),
		.remote_rtcp = relay_address(take(s)),
		.ssrc_out = 0xf0000000 + slot,
		.kind = how & 64 ? MEDIA_VIDEO : MEDIA_AUDIO,
		.nack = how & 64 ? 1 : 0,
		.dscp = how & 64 ? 34 : 0, /* all sockets have 0 */
		.latch = (enum latch_mode)((how >> 2) % 3),
		.receive = (flags & 1) == 0,
		.send = (flags & 2) == 0,
		.rtcp_mux = (flags & 4) != 0,
		.rule_count = (uint8_t)(flags >> 4),
		.alone = peer >> 7,
		.event_pt = how & 32 ? PAYLOAD_NONE : EVENT_PT,
		.key_in = key_of(2 * slot, how),
		.key_out = key_of(2 * slot + 1, how),
		.srtp_limit = SRTP_INDEX_END,
		.srtcp_limit = SRTCP_INDEX_END,
	};

	if (spec.rule_count == 15)
		spec.kind = MEDIA_OPAQUE;
	if (flags & 8)
		transport_read(s, f, &spec);
	for (uint8_t i = 0; i < spec.rule_count; i++)
		spec.rules[i] =
			(struct payload_rule){ .in = i,
					       .out = i % 4 == 3 ? PAYLOAD_NONE : (uint8_t)(i + 96),
					       .event = i & 1,
					       .clock_hz = i % 3 ? 8000 : 0 };
	if (how & 16)
		relay_coded_read(s, f, &spec);
	if (spec.kind == MEDIA_VIDEO)
		pictures_set(&spec, flags);
	return spec;
}

bool relay_commanded(struct fuzz *f, const struct media_command *c)
{
	while (f->sim->in_head != f->sim->in_tail)
		relay_step(f);
	return ring_push(&f->w.commands, c);
}

void relay_open(struct fuzz *f, struct script *s)
{
	uint8_t what = take(s);
	uint32_t slot = (what & 7U) % (SLOTS + 1U); /* one too many */
	struct media_command c = {
		.kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1, .spec = spec_read(f, s, slot)
	};
	bool is_free;

	if (what & 8) {
		c.spec.resume.started = 1;
		c.spec.resume.source_ssrc = take(s) % 4;
		c.spec.resume.sequence_offset = take(s);
		c.spec.resume.timestamp_offset = take(s);
		c.spec.resume.srtp_next = (uint64_t)take(s) << 9;
		c.spec.resume.srtcp_next = take(s);
		c.spec.resume.srtp_in = (uint64_t)take(s) << 9;
		c.spec.resume.srtp_key = what >> 4;
	}
	relay_commands_settle(f);
	is_free = slot < SLOTS && f->w.flows.list[slot].id.generation == 0;
	assert(relay_commanded(f, &c));
	if (is_free) { /* and if it fails it is as if it had never been sent or heard anything */
		f->spec[slot] = c.spec;
		memset(f->sent_from[slot], 0, sizeof(f->sent_from[slot]));
		memset(f->proven_ns[slot], 0, sizeof(f->proven_ns[slot]));
		party_follow(f, &c.spec, true);
	}
	relay_commands_settle(f);
	assert(!is_free || c.spec.bundle.generation ||
	       f->w.flows.list[slot].id.generation == c.spec.id.generation);
}

void relay_update(struct fuzz *f, struct script *s)
{
	uint32_t slot = take(s) % SLOTS;
	struct media_command c = { .kind = MEDIA_FLOW_UPDATE, .spec = spec_read(f, s, slot) };

	/* a mode that is loosened or tightened does not undo a latch made under the former one */
	c.spec.latch = f->spec[slot].latch;
	c.spec.shared_port = f->spec[slot].shared_port;
	c.spec.local_rtp = f->spec[slot].local_rtp;
	relay_commands_settle(f);
	assert(relay_commanded(f, &c));
	if (flow_find(&f->w.flows, c.spec.id)) {
		if (spec_is_ice(&c.spec) != spec_is_ice(&f->spec[slot]))
			memset(f->proven_ns[slot], 0, sizeof(f->proven_ns[slot]));
		f->spec[slot] = c.spec;
		party_follow(f, &c.spec, false);
	}
	relay_commands_settle(f);
}

void relay_by_id(struct fuzz *f, struct script *s, enum media_command_kind kind)
{
	uint8_t what = take(s);
	struct media_command c = { .kind = kind,
				   .digit = "07#F"[what >> 6],
				   .duration_ms = what,
				   .id = { .slot = (what & 7U) % (SLOTS + 1U),
					   .generation = 1 + (what >> 4) % 3U } };

	if (relay_commanded(f, &c) && kind == MEDIA_FLOW_CLOSE)
		f->closes++;
	if (what & 8)
		relay_step(f); /* else the answers pile up, and may have to wait */
}

/* Its stream goes on: a job may have sent a few packets by now. A bundle's owner may be gone. */
static void arrived_check(const struct fuzz *f, const struct flow_parcel *p)
{
	const struct flow *flow = flow_find(&f->w.flows, p->spec.id);

	assert(flow || p->spec.bundle.generation);
	if (!flow)
		return;
	assert(flow->sink.started >= p->sink.started);
	assert(!p->sink.started || (uint16_t)(flow->sink.sequence - p->sink.sequence) < 64);
	assert(flow->received.packets == p->received.packets);
	assert(!flow->srtp_out || srtp_stream_next(flow->srtp_out) >= p->spec.resume.srtp_next);
}

void relay_move(struct fuzz *f, struct script *s)
{
	static struct flow_parcel p;
	uint32_t slot = take(s) % SLOTS;
	bool was_open;
	struct media_command c = { .kind = MEDIA_FLOW_YIELD, .id = f->spec[slot].id, .parcel = &p };

	relay_commands_settle(f);
	was_open = flow_find(&f->w.flows, f->spec[slot].id);
	p = (struct flow_parcel){ .spec = f->spec[slot], .fd = { -1, -1 } };
	assert(relay_commanded(f, &c));
	relay_commands_settle(f);
	if (!was_open || flow_find(&f->w.flows, f->spec[slot].id))
		return; /* there is none, or it stays */
	c = (struct media_command){
		.kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1, .spec = p.spec, .parcel = &p
	};
	assert(relay_commanded(f, &c));
	relay_commands_settle(f);
	if (!flow_find(&f->w.flows, p.spec.id)) {
		transcoder_free(p.transcoder); /* as the engine does */
		p.transcoder = NULL;
	}
	arrived_check(f, &p);
}
