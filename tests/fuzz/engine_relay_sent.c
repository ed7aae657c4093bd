/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of what is sent. */
#include <assert.h>
#include <string.h>

#include "media/rtp/rtcp_parse.h"
#include "media/rtp/rtp_parse.h"
#include "media/stun/stun.h"
#include "tests/fuzz/engine_relay.h"

/* Beside RTP that was learned (RFC 3550 11), else as it is signalled. */
static struct addr rtcp_expected(const struct flow_spec *s, const struct flow *flow)
{
	struct addr beside = flow->latch_rtp.source;

	if (beside.family == ADDR_NONE ||
	    (addr_eq(&beside, &s->remote_rtp) && s->remote_rtcp.family != ADDR_NONE))
		return s->remote_rtcp;
	beside.port++;
	return beside;
}

static void destination_check(const struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	const struct flow_spec *s = &f->spec[slot];
	const struct flow *flow = &f->w.flows.list[slot];
	enum channel c = p->channel;
	struct addr expected;

	assert(flow->id.generation == s->id.generation && flow->id.generation != 0);
	if (spec_has_pairs(s)) {
		assert(relay_is_proven(f, slot, &p->remote));
		return;
	}
	assert(p->slot == slot);
	if (addr_eq(&p->remote, &flow_latch(flow, c)->source))
		return;
	assert(flow_latch(flow, c)->source.family == ADDR_NONE);
	expected = c == CHANNEL_RTP ? s->remote_rtp : rtcp_expected(s, flow);
	assert(addr_eq(&p->remote, &expected));
}

static bool is_rtcp(const struct sim_packet *p)
{
	return p->data[1] >= 192 && p->data[1] <= 223;
}

static void number_note(struct numbers *n, const struct sim_packet *p, uint64_t index, uint32_t tag)
{
	n->sent[index % SENT_KEPT].index = index;
	n->sent[index % SENT_KEPT].tag = tag;
	n->sent[index % SENT_KEPT].length = p->length;
	assert(p->length <= SENT_OCTETS);
	memcpy(n->sent[index % SENT_KEPT].octets, p->data, p->length);
	if (n->highest < index)
		n->highest = index;
}

/* Made here, and with a number that was used: it must be that packet. */
static bool is_again(struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	const struct numbers *n = &f->numbers[slot];
	uint64_t index = seq_unwrap(n->highest, be16_get(p->data + 2));
	const struct flow_spec *spec = &f->spec[slot];

	if (!p->made || n->sent[index % SENT_KEPT].index != index || spec->kind != MEDIA_VIDEO)
		return false;
	assert(spec->nack);
	assert(n->sent[index % SENT_KEPT].length == p->length);
	assert(memcmp(n->sent[index % SENT_KEPT].octets, p->data, p->length) == 0);
	f->again++;
	return true;
}

/* Packets of do_rtp carry a CSRC that tells them apart; those made here carry none, and are all different. */
static void number_check(struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	struct numbers *n = &f->numbers[slot];
	uint64_t index = seq_unwrap(n->highest, be16_get(p->data + 2));
	uint32_t tag = p->data[0] & 0xf ? be32_get(p->data + 12) : 0;

	assert(be32_get(p->data + 8) == f->spec[slot].ssrc_out);
	if (n->sent[index % SENT_KEPT].index == index && !f->untagged)
		assert(tag != 0 && n->sent[index % SENT_KEPT].tag == tag);
	number_note(n, p, index, tag);
}

void relay_numbers_open(struct numbers *n)
{
	memset(n, 0, sizeof(*n));
	n->highest = UINT64_C(1) << 40; /* so that no index is 0 */
}

/* Of one transport? Then the block has its receiver: the other party of whom it is about. */
static const struct flow *receiver_of(const struct fuzz *f, const struct told *told)
{
	const struct flow *about = &f->w.flows.list[told->about], *to;

	if (told->to >= SLOTS)
		return NULL;
	to = &f->w.flows.list[told->to];
	if (!(to->transport & TRANSPORT_ICE) || worker_owner(&f->w, about) != to)
		return NULL;
	return flow_find(&f->w.flows, about->peer);
}

/* Each block at most once, and to the right one. */
static void told_check(struct fuzz *f, struct bytes rtcp, uint32_t slot)
{
	struct rtcp_packet packet;
	struct rtcp_block block;

	assert(rtcp_check(rtcp) == 0);
	while (rtcp_next(&rtcp, &packet)) {
		for (uint8_t i = 0; rtcp_block(&packet, i, &block); i++) {
			struct told *told = &f->told[block.last_sr % TOLD_MAX];
			const struct flow *receiver;

			if (block.last_sr / TOLD_MAX != TOLD_MARK / TOLD_MAX || f->untagged)
				continue;
			receiver = receiver_of(f, told);
			assert(told->count++ == 0);
			assert(!receiver || receiver->id.slot == slot);
		}
	}
}

/* The party takes it. */
static void secure_check(struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	uint8_t data[PACKET_MAX];
	struct srtp_job job = { .stream = f->party_in[slot],
				.data = data,
				.length = p->length,
				.is_rtcp = is_rtcp(p) };

	memcpy(data, p->data, p->length);
	if (job.stream) {
		srtp_jobs_unprotect(&job, 1);
		assert(job.verdict == VERDICT_NONE);
	}
	if (is_rtcp(p))
		told_check(f, bytes_mem(data, job.length), slot);
}

/* Whose packet it is: of a bundle, or on a shared port, its SSRC says. */
static uint32_t sender_of(const struct sim_packet *p)
{
	uint32_t ssrc = be32_get(p->data + (is_rtcp(p) ? 4 : 8));

	return ssrc >= 0xf0000000 && ssrc < 0xf0000000 + SLOTS ? ssrc - 0xf0000000 : p->slot;
}

static void answer_check(struct fuzz *f, const struct sim_packet *p)
{
	struct stun_message m;
	struct addr from = relay_address(f->check_from);

	assert(stun_parse(&m, bytes_mem(p->data, p->length)) == 0 && m.has_fingerprint);
	if (m.type == STUN_BINDING_ERROR)
		return;
	assert(m.type == STUN_BINDING_SUCCESS && f->check_ns && addr_eq(&m.mapped, &from));
	assert(addr_eq(&p->remote, &from));
	f->proven_ns[f->check_slot][f->check_from] = f->check_ns;
}

/* By another's socket, and as that or as itself. */
static void mark_check(const struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	const struct flow *flow = &f->w.flows.list[slot];

	assert(p->slot == slot || p->dscp == (flow->marked ? flow->dscp : 0));
}

/* Where no party is to see header extensions of another's. */
static void extension_check(const struct fuzz *f, const struct sim_packet *p)
{
	for (uint32_t i = 0; i < f->w.flows.count; i++)
		if (!f->w.flows.list[f->w.flows.active[i]].strips)
			return;
	assert(!(p->data[0] & RTP_EXTENSION_BIT));
}

static bool is_opaque(const struct fuzz *f, const struct sim_packet *p)
{
	return p->slot < SLOTS && flow_is_opaque(&f->w.flows.list[p->slot]);
}

/* Nothing of ours, and as it came. */
static void opaque_check(const struct fuzz *f, const struct sim_packet *p)
{
	bool found = false;

	assert(!p->made);
	destination_check(f, p, p->slot);
	for (uint32_t i = 0; i < f->puts && i < PUT_KEPT && !found; i++)
		found = f->put[i].length == p->length &&
			memcmp(f->put[i].octets, p->data, p->length) == 0;
	assert(found);
}

void relay_sent_check(struct fuzz *f)
{
	const struct sim_packet *p;

	while ((p = port_sim_sent(f->sim)) != NULL) {
		uint32_t slot;

		assert(p->slot <= SHARED_SLOT);
		if (is_opaque(f, p)) {
			opaque_check(f, p);
			continue;
		}
		assert(p->length >= 4);
		if (p->data[0] < 4) {
			answer_check(f, p);
			continue;
		}
		assert(p->data[0] >> 6 == 2);
		slot = sender_of(p);
		assert(slot < SLOTS);
		destination_check(f, p, slot);
		mark_check(f, p, slot);
		if (!is_rtcp(p) && is_again(f, p, slot))
			continue;
		if (!is_rtcp(p)) {
			number_check(f, p, slot);
			relay_heard_check(f, p, slot);
			extension_check(f, p);
		}
		secure_check(f, p, slot);
	}
	assert(f->again <= metric_value(f->metrics.nacked[NACK_ANSWERED]) - f->answered);
}
