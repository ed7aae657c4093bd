/* SPDX-License-Identifier: Apache-2.0 */
/* What parties send. */
#include <assert.h>
#include <string.h>

#include "bench/stun_ask.h"
#include "media/rtp/rtcp_parse.h"
#include "media/rtp/rtp_parse.h"
#include "media/stun/stun.h"
#include "tests/fuzz/engine_relay.h"

enum {
	PACKET_BYTES_MAX = 80,
	RTP_BYTES = 20,
	RTP_BYTES_MAX = 28,        /* with an extension */
	RTP_BYTES_LONG = 16 + 160, /* 20 ms of most codecs */
	BLOCKS_MAX = 5,
};

/* One packet alone through all stages: who it is from, and how its stream goes on, can be told. */
static void step_one(struct fuzz *f, uint32_t slot, enum channel c, const struct addr *from)
{
	const struct flow *flow = &f->w.flows.list[slot];
	const struct flow *peer = flow_find(&f->w.flows, flow->peer);
	struct sink sink = peer ? peer->sink : (struct sink){ 0 };
	struct source source = flow->source;
	uint64_t sent = f->sim->sent, made = f->sim->lent;

	relay_step(f);
	made = f->sim->lent - made;
	if (f->sim->sent == sent + made)
		return;
	if (spec_has_pairs(
		    &f->spec[slot])) { /* and of which line, if of a bundle, is not told here */
		assert(relay_is_proven(f, slot, from));
		return;
	}
	assert(peer && addr_eq(from, &flow_latch(flow, c)->source));
	if (made == 0 && sink.started && source.started && source.ssrc != flow->source.ssrc)
		assert(peer->sink.sequence == (uint16_t)(sink.sequence + 1));
}

/* As the party would send it, if it may: else it stays as it is, and is forged. */
static size_t party_protect(struct fuzz *f, uint32_t slot, uint8_t *p, size_t n)
{
	struct srtp_job job = { .stream = f->party_out[slot],
				.data = p,
				.length = (uint16_t)n,
				.capacity = PACKET_MAX,
				.is_rtcp = n > 1 && p[1] >= 192 && p[1] <= 223 };

	if (!job.stream || n < 12)
		return n;
	srtp_jobs_protect(&job, 1);
	return job.length;
}

static void put_note(struct fuzz *f, const uint8_t *p, size_t n)
{
	uint32_t at = f->puts++ % PUT_KEPT;

	assert(n <= SENT_OCTETS);
	f->put[at].length = (uint16_t)n;
	memcpy(f->put[at].octets, p, n);
}

/* where: whose party sends it, and whether to its own port or the shared one. */
static void packet_put(struct fuzz *f, uint8_t where, enum channel c, uint8_t from,
		       const uint8_t *plain, size_t n)
{
	uint32_t slot = where % SLOTS, to = where & 32 ? (uint32_t)SHARED_SLOT : slot;
	struct addr a = relay_address(from % 7);
	bool alone = where & 16;
	uint8_t p[PACKET_MAX] = { 0 };

	relay_commands_settle(f); /* what is commanded is known when packets are looked at */
	if (alone)
		while (f->sim->in_head != f->sim->in_tail)
			relay_step(f);
	if (n > 0)
		memcpy(p, plain, n);
	n = party_protect(f, slot, p, n);
	if (!port_sim_put(f->sim, to, to == slot ? c : CHANNEL_RTP, &a, bytes_mem(p, n)))
		return;
	put_note(f, p, n);
	f->sent_from[slot][c][from % 7] |= to == slot;
	if (alone && to == slot)
		step_one(f, slot, c, &a);
}

void relay_raw(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s);
	size_t n = take(s) % PACKET_BYTES_MAX;

	if (n > s->n)
		n = s->n;
	f->untagged |= n >= 12 && s->p[0] >> 6 == 2;
	packet_put(f, where, where & 8 ? CHANNEL_RTCP : CHANNEL_RTP, from, s->p, n);
	s->p += n;
	s->n -= n;
}

/* Numbered as its sequence is. */
static void extension_put(uint8_t *packet)
{
	memmove(packet + 24, packet + 16, 4);
	be32_put(packet + 16, 0xbede0001);
	be32_put(packet + 20, (uint32_t)(EXTENSION_ID << 28 | 1 << 24 | be16_get(packet + 2) << 8));
	packet[0] |= RTP_EXTENSION_BIT;
}

/* Of the four octets that are there. */
static void sound_put(uint8_t packet[RTP_BYTES_LONG])
{
	for (uint32_t i = RTP_BYTES; i < RTP_BYTES_LONG; i++)
		packet[i] = (uint8_t)(packet[i - 4] * 5 + i);
}

/* Of the flow it comes to: on the shared port whoever sends one number sends one packet. */
static uint32_t whose(uint8_t where)
{
	return 1 + (where & 32 ? (uint32_t)SHARED_SLOT : where % SLOTS);
}

void relay_rtp(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s), type = take(s);
	uint8_t packet[RTP_BYTES_LONG] = { 0x81, type };

	be16_put(packet + 2, (uint16_t)(take(s) << 8 | take(s)));
	be32_put(packet + 4, (uint32_t)take(s) << 12);
	be32_put(packet + 8, take(s) % 4);
	be32_put(packet + 12,
		 be16_get(packet + 2) | be32_get(packet + 8) << 16 | whose(where) << 24);
	be32_put(packet + 16, (uint32_t)(take(s) << 24 | take(s) << 16 | take(s)));
	if (where & 64)
		extension_put(packet);
	else if (where & 128)
		sound_put(packet);
	packet_put(f, where, CHANNEL_RTP, from, packet,
		   where & 64    ? RTP_BYTES_MAX
		   : where & 128 ? RTP_BYTES_LONG
				 : RTP_BYTES);
}

/* Blocks that can be told apart. */
static void reports_put(struct fuzz *f, struct script *s, uint8_t where, uint8_t from)
{
	uint8_t packet[8 + BLOCKS_MAX * RTCP_BLOCK_LEN] = { 0x80, RTCP_TYPE_RR, 0, 1 };
	size_t n = 8;

	be32_put(packet + 4, take(s) % 4);
	for (uint8_t left = take(s) % BLOCKS_MAX; left > 0 && f->told_count < TOLD_MAX; left--) {
		uint8_t about = take(s) % SLOTS;

		f->told[f->told_count] =
			(struct told){ .about = about,
				       .to = where & 32 ? (uint8_t)NO_SLOT : where % SLOTS };
		be32_put(packet + n, 0xf0000000 + about);
		be32_put(packet + n + 16, TOLD_MARK + f->told_count++);
		n += RTCP_BLOCK_LEN;
		packet[0]++;
	}
	packet[3] = (uint8_t)(n / 4 - 1);
	packet_put(f, where, where & 8 ? CHANNEL_RTCP : CHANNEL_RTP, from, packet, n);
}

void relay_nack(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s), about = take(s) % SLOTS;
	uint8_t packet[24] = { 0x81, RTCP_TYPE_RTPFB, 0, 3 };
	size_t n = 12;

	be32_put(packet + 4, take(s) % 4);
	be32_put(packet + 8, 0xf0000000 + about);
	for (int left = 1 + (where >> 6 & 1) + (where >> 7); left > 0; left--, n += 4) {
		be16_put(packet + n, (uint16_t)(f->numbers[about].highest - take(s)));
		be16_put(packet + n + 2, (uint16_t)(take(s) << 8 | take(s)));
	}
	packet[3] = (uint8_t)(n / 4 - 1);
	packet_put(f, where, where & 8 ? CHANNEL_RTCP : CHANNEL_RTP, from, packet, n);
}

void relay_rtcp(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s);
	uint8_t packet[52] = { 0x81, 200, 0, 12 };

	if (where & 64) {
		reports_put(f, s, where, from);
		return;
	}
	be32_put(packet + 4, take(s) % 4);
	be32_put(packet + 28, 0xf0000000 + take(s) % SLOTS);
	be32_put(packet + 36, take(s));
	packet_put(f, where, where & 8 ? CHANNEL_RTCP : CHANNEL_RTP, from, packet, sizeof(packet));
}

void relay_stun(struct fuzz *f, struct script *s)
{
	uint8_t where = take(s), from = take(s) % 7, how = take(s);
	uint32_t slot = where % SLOTS;
	uint32_t to = where & 8 ? SHARED_SLOT : (where >> 4) % SLOTS;
	const struct flow_spec *spec = &f->spec[slot];
	struct media_ice ice = relay_ice(slot, how);
	uint8_t space[PACKET_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct addr a = relay_address(from);
	char username[ICE_UFRAG_LEN + 2];

	memcpy(username, ice.ufrag, ICE_UFRAG_LEN);
	memcpy(username + ICE_UFRAG_LEN, ":x", 2);
	stun_start(&w, STUN_BINDING_REQUEST, BYTES_LIT("0123456789ab"));
	stun_put_username(&w, bytes_mem(username, sizeof(username)));
	stun_put_priority(&w, how);
	stun_put_role(&w, !(how & 4), how);
	if (how & 8)
		stun_put_use_candidate(&w);
	ice.pwd[0] ^= (how & 48) == 48;
	stun_put_integrity(&w, bytes_mem(ice.pwd, sizeof(ice.pwd)));
	relay_commands_settle(f);
	while (f->sim->in_head != f->sim->in_tail)
		relay_step(f);
	if (spec_is_ice(spec) && flow_find(&f->w.flows, spec->id) && !(how & 4) &&
	    memcmp(&ice, &spec->ice, sizeof(ice)) == 0 &&
	    to == (spec->shared_port ? (uint32_t)SHARED_SLOT : slot)) {
		f->check_ns = f->sim->now_ns;
		f->check_slot = slot;
		f->check_from = from;
	}
	if (to < SLOTS && flow_is_opaque(&f->w.flows.list[to])) { /* which relays it as any other */
		put_note(f, space, writer_done(&w).n);
		f->sent_from[to][CHANNEL_RTP][from] = true;
	}
	assert(port_sim_put(f->sim, to, CHANNEL_RTP, &a, writer_done(&w)));
	relay_step(f);
}
