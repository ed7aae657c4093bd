/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP that the node makes itself: reports of our own (RFC 3550 6.4), transport-wide feedback to
 * browsers, retransmission of video on NACK (RFC 4585 6.2.1), and key frame requests (PLI, FIR).
 * Relayed calls need it where the two legs differ: a WebRTC party expects feedback that a phone
 * never sends. Retransmissions cost credit, so NACKs in a forged name cannot multiply traffic.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "engine/worker/feedback.h"
#include "engine/worker/originate.h"
#include "engine/worker/source.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtcp_write.h"
#include "media/rtp/rtp_parse.h"
#include "media/rtp/transport_cc.h"
#include "media/rtp/video.h"

enum { DELAY_HZ = 65536 };

static uint32_t middle_of(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

/* ---- received reports ---- */

static void block_read(struct flow *f, const struct rtcp_block *b, uint64_t now_ns)
{
	struct reports *r = &f->reports;
	uint64_t delay_ns = b->delay * NS_PER_S / DELAY_HZ;
	uint32_t clock_hz = f->sink.clock_hz;

	f->stats.remote_lost = b->lost > 0 ? (uint32_t)b->lost : 0;
	f->detail.reported_loss = b->fraction_lost;
	f->detail.reported_ns = now_ns;
	if (clock_hz)
		f->stats.remote_jitter_us = (uint32_t)((uint64_t)b->jitter * 1000000 / clock_hz);
	if (b->last_sr != 0 && b->last_sr == r->sr_out && now_ns - r->sr_out_ns >= delay_ns)
		f->stats.rtt_us = (uint32_t)((now_ns - r->sr_out_ns - delay_ns) / NS_PER_US);
}

void reports_read(struct flow *f, struct bytes rtcp, uint64_t now_ns)
{
	struct rtcp_packet packet;
	struct rtcp_block block;

	while (rtcp_next(&rtcp, &packet)) {
		if (packet.type == RTCP_TYPE_SR) {
			f->reports.sr_in = middle_of(rtcp_sender_info(&packet).ntp);
			f->reports.sr_in_ns = now_ns;
		}
		for (uint8_t i = 0; rtcp_block(&packet, i, &block); i++)
			if (block.ssrc == f->ssrc_out)
				block_read(f, &block, now_ns);
	}
}

static void sr_sent(struct flow *f, uint64_t ntp, uint64_t now_ns)
{
	f->reports.sr_out = middle_of(ntp);
	f->reports.sr_out_ns = now_ns;
}

void reports_relayed(struct flow *f, struct bytes rtcp, uint64_t now_ns)
{
	struct rtcp_packet packet;

	f->reports.relayed_ns = now_ns;
	while (rtcp_next(&rtcp, &packet))
		if (packet.type == RTCP_TYPE_SR)
			sr_sent(f, rtcp_sender_info(&packet).ntp, now_ns);
}

/* ---- our reports ---- */

/* RFC 3550 6.2, 6.3.1: 5 s, times 0.5 to 1.5, divided by e - 3/2. */
static uint64_t interval_ns(struct worker *w)
{
	uint64_t thousandths = 500 + rand_below(&w->rand, 1001);

	return 5 * NS_PER_S * thousandths / 1218;
}

/* The same in all m-lines of a leg, and in no other leg (RFC 7022 4.2). */
static void cname_write(const struct worker *w, const struct flow *f, char out[RTCP_CNAME_LEN])
{
	static const char BASE64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t in[10] = { 0 };
	uint64_t half = 0;

	be64_put(in, f->call);
	in[8] = f->leg;
	for (size_t i = 0; i < RTCP_CNAME_LEN; i++) {
		if (i % 8 == 0) {
			in[9] = (uint8_t)i;
			half = hash_sip(&w->cname_key, bytes_mem(in, sizeof(in)));
		}
		out[i] = BASE64[half % 64];
		half /= 64;
	}
}

static struct rtcp_block report_block_of(struct flow *f, uint64_t now_ns)
{
	const struct reports *r = &f->reports;
	uint32_t lost = seq_lost_24(&f->count);

	return (struct rtcp_block){
		.ssrc = f->count_ssrc,
		.fraction_lost = seq_fraction_lost(&f->count),
		.lost = (int32_t)(lost << 8) >> 8,
		.extended_highest = seq_extended_highest(&f->count),
		.jitter = jitter_timestamp_units(&f->jitter),
		.last_sr = r->sr_in,
		.delay = r->sr_in ? (uint32_t)((now_ns - r->sr_in_ns) / NS_PER_US * DELAY_HZ /
					       1000000)
				  : 0,
	};
}

struct bytes reports_empty(const struct worker *w, const struct flow *f, uint8_t *out)
{
	struct rtcp_report report = { .ssrc = f->ssrc_out };

	cname_write(w, f, report.cname);
	return rtcp_report_write(out, &report);
}

static void report_send(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct reports *r = &f->reports;
	struct rtcp_report report = { .ssrc = f->ssrc_out,
				      .sends = f->sink.packets != r->packets_sent,
				      .hears = f->received.packets != r->packets_received };
	uint8_t memory[RTCP_REPORT_MAX];

	if (report.sends)
		report.info =
			(struct rtcp_sender_info){ .ntp = rtcp_ntp(clock_utc_ms()),
						   .timestamp = sink_timestamp(&f->sink, now_ns),
						   .packets = f->sink.packets,
						   .octets = f->sink.octets };
	if (report.hears)
		report.block = report_block_of(f, now_ns);
	cname_write(w, f, report.cname);
	if (!originate_rtcp(w, f, rtcp_report_write(memory, &report)))
		return;
	if (report.sends)
		sr_sent(f, report.info.ntp, now_ns);
	r->packets_sent = f->sink.packets;
	r->packets_received = f->received.packets;
}

void reports_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct reports *r = &f->reports;

	if (f->kind == MEDIA_OPAQUE) /* it has no RTCP, or the parties' own */
		return;
	if (r->due_ns == 0)
		r->due_ns = now_ns + interval_ns(w);
	if (now_ns < r->due_ns)
		return;
	r->due_ns = now_ns + interval_ns(w);
	if (now_ns - r->relayed_ns < REPORTS_AFTER_NS ||
	    (!f->sink.started && f->received.packets == 0))
		return;
	report_send(w, f, now_ns);
}

#define RTT_PRESET_NS (20 * NS_PER_MS)
#define RTT_LEAST_NS  (5 * NS_PER_MS)
#define RTT_MOST_NS   (200 * NS_PER_MS)

struct resend_entry {
	uint64_t again_ns; /* when it left again last; 0: it left once */
	uint16_t sequence;
	uint16_t length; /* 0: empty */
};

/* By the low bits of the number. Entries are apart from octets, which emptying does not touch. */
struct resend_ring {
	struct resend_entry entries[RESEND_KEPT];
	uint8_t octets[RESEND_KEPT][RESEND_OCTETS];
};

static_assert((RESEND_KEPT & (RESEND_KEPT - 1)) == 0, "numbers wrap");

/* ---- rings ---- */

int resend_pool_open(struct resend_pool *pool)
{
	void *memory = mmap(NULL, RESEND_RINGS * sizeof(*pool->list), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	pool->list = memory;
	pool->used = pool->due_count = 0;
	pool->free_count = RESEND_RINGS;
	for (uint16_t i = 0; i < RESEND_RINGS; i++)
		pool->free[i] = (uint16_t)(RESEND_RINGS - 1 - i);
	return 0;
}

void resend_pool_close(struct resend_pool *pool)
{
	if (pool->list)
		(void)munmap(pool->list, RESEND_RINGS * sizeof(*pool->list));
	*pool = (struct resend_pool){ 0 };
}

static void resend_ring_claim(struct worker *w, struct flow *f)
{
	struct resend_pool *pool = &w->resend;

	if (pool->free_count == 0) {
		metric_add(w->metrics->resend_refused, 1);
		return;
	}
	f->resend.ring = &pool->list[pool->free[--pool->free_count]];
	pool->used++;
	resend_forget(f);
}

static void ring_give_back(struct worker *w, struct flow *f)
{
	struct resend_pool *pool = &w->resend;

	assert(pool->free_count < RESEND_RINGS && pool->used > 0);
	pool->free[pool->free_count++] = (uint16_t)(f->resend.ring - pool->list);
	pool->used--;
	f->resend.ring = NULL;
}

void resend_set(struct worker *w, struct flow *f, bool agreed)
{
	bool has = f->resend.ring != NULL;

	assert(w->resend.due_count == 0);
	if (has && !agreed)
		ring_give_back(w, f);
	else if (!has && agreed && f->kind == MEDIA_VIDEO)
		resend_ring_claim(w, f);
}

void resend_forget(struct flow *f)
{
	f->resend.credit = 0;
	if (f->resend.ring)
		memset(f->resend.ring->entries, 0, sizeof(f->resend.ring->entries));
}

/* NULL: not stored, or older than the stored ones. */
static struct resend_entry *resend_find(struct resend_ring *ring, uint16_t sequence)
{
	struct resend_entry *e = &ring->entries[sequence % RESEND_KEPT];

	return e->length > 0 && e->sequence == sequence ? e : NULL;
}

/* ---- what leaves ---- */

static void pkt_keep(struct resend *k, const struct pkt *p)
{
	uint16_t sequence = be16_get(p->data + 2);
	struct resend_entry *e = &k->ring->entries[sequence % RESEND_KEPT];

	if (p->length > RESEND_OCTETS)
		return;
	*e = (struct resend_entry){ .sequence = sequence, .length = p->length };
	memcpy(k->ring->octets[sequence % RESEND_KEPT], p->data, p->length);
	if (k->credit < RESEND_CREDIT)
		k->credit++;
}

void resend_stage(struct worker *w, const struct batch *b)
{
	if (LIKELY(w->resend.used == 0))
		return;
	for (const struct pkt *p = b->list; p < b->list + b->count; p++)
		if (p->verdict == VERDICT_RELAY && p->kind == PKT_RTP &&
		    p->peer->kind == MEDIA_VIDEO && p->peer->resend.ring)
			pkt_keep(&p->peer->resend, p);
}

/* ---- NACKs ---- */

struct asked {
	struct worker *w;
	struct flow *flow;
	uint32_t count;
};

uint64_t resend_rtt_ns(const struct flow *f)
{
	uint64_t ns = f->stats.rtt_us * NS_PER_US;

	if (ns == 0)
		return RTT_PRESET_NS;
	return ns < RTT_LEAST_NS ? RTT_LEAST_NS : ns > RTT_MOST_NS ? RTT_MOST_NS : ns;
}

static enum nack_result entry_mark(const struct asked *k, struct resend_entry *e)
{
	struct resend_pool *pool = &k->w->resend;
	uint64_t now_ns = k->w->now_ns;

	if (e->again_ns != 0 && now_ns - e->again_ns < resend_rtt_ns(k->flow))
		return NACK_REPEATED;
	if (k->flow->resend.credit == 0 || pool->due_count == RESEND_DUE)
		return NACK_LIMITED;
	k->flow->resend.credit--;
	e->again_ns = now_ns;
	pool->due[pool->due_count++] =
		(struct resend_due){ .flow = k->flow, .sequence = e->sequence };
	return NACK_ANSWERED;
}

/* Stored packets are never requested from the sender: it could only repeat what had reached us. */
static bool number_is_requested(void *user, uint16_t sequence)
{
	struct asked *k = user;
	struct resend_entry *e =
		k->count++ < RESEND_ASKED ? resend_find(k->flow->resend.ring, sequence) : NULL;
	enum nack_result result = e ? entry_mark(k, e) : NACK_NOT_FOUND;

	metric_add(k->w->metrics->nacked[result], 1);
	return e != NULL;
}

void resend_on_nack(struct worker *w, struct flow *f, uint8_t *rtcp, size_t *n)
{
	struct asked k = { .w = w, .flow = f };

	if (f->resend.ring && f->send && flow_rtp_to(f))
		rtcp_nack_filter(rtcp, n, f->ssrc_out, number_is_requested, &k);
}

static void due_send(struct worker *w, const struct resend_due *due)
{
	struct resend_ring *ring = due->flow->resend.ring;
	const struct resend_entry *e = resend_find(ring, due->sequence);

	if (e) /* else it was displaced in the same batch */
		(void)originate_again(w, due->flow,
				      bytes_mem(ring->octets[due->sequence % RESEND_KEPT],
						e->length));
}

void resend_flush(struct worker *w)
{
	struct resend_pool *pool = &w->resend;

	if (LIKELY(pool->due_count == 0))
		return;
	for (uint32_t i = 0; i < pool->due_count; i++)
		due_send(w, &pool->due[i]);
	pool->due_count = 0;
	originate_again_flush(w);
}

/* A compound, as RFC 4585 3.1 requires without an agreement on less. */
bool keyframe_request(struct worker *w, struct flow *f, uint32_t source)
{
	uint8_t memory[RTCP_REPORT_MAX + KEYFRAME_REQUEST_MAX];
	size_t n = reports_empty(w, f, memory).n;
	const struct keyframe_request_terms r = {
		.sender = f->ssrc_out, .source = source, .fir = f->fir, .number = f->fir_number
	};

	n += keyframe_request_write(memory + n, &r).n;
	if (!originate_rtcp(w, f, bytes_mem(memory, n)))
		return false;
	f->fir_number++;
	metric_add(w->metrics->keyframes_requested, 1);
	return true;
}

void keyframe_note_update(struct flow *f, const struct flow_spec *spec)
{
	if (spec->kind == MEDIA_VIDEO && spec->peer.generation &&
	    !flow_id_eq(spec->peer, f->peer) && f->source.started)
		f->seen_anew = 1;
}

void keyframe_tick(struct worker *w, struct flow *f)
{
	if (LIKELY(!f->seen_anew))
		return;
	if (f->receive && !keyframe_request(w, f, f->source.ssrc))
		return;
	f->seen_anew = 0;
}

enum { NUMBER_LEN = 2 };

struct feedback {
	struct transport_cc cc;
	struct wheel_timer timer;
	uint32_t ssrc; /* of the party's last packet with a number */
};

void feedback_open(struct worker *w, const struct flow *owner)
{
	struct flow_transport *t = worker_transport(w, owner);

	if (!t->feedback)
		t->feedback = calloc(1, sizeof(*t->feedback));
}

void feedback_close(struct worker *w, const struct flow *owner)
{
	struct flow_transport *t = worker_transport(w, owner);

	if (!t->feedback)
		return;
	wheel_stop(&w->wheel, &t->feedback->timer);
	free(t->feedback);
	t->feedback = NULL;
}

void feedback_stamp(struct worker *w, const struct flow *f)
{
	const struct flow *owner = f->transport & TRANSPORT_CC ? worker_owner(w, f) : NULL;

	if (owner && w->port->ops->stamp && !(owner->transport & TRANSPORT_NO_SOCKET))
		w->port->ops->stamp(w->port, owner->id.slot);
}

static bool number_read(const struct pkt *p, uint8_t extension, uint16_t *out)
{
	struct rtp_head head;
	struct bytes data;

	if (!(p->data[0] & RTP_EXTENSION_BIT) ||
	    rtp_parse_sealed(&head, bytes_mem(p->data, p->length)) ||
	    !rtp_element_find(&head, extension, &data) || data.n != NUMBER_LEN)
		return false;
	*out = be16_get(data.p);
	return true;
}

static void pkt_note(struct worker *w, const struct pkt *p, uint64_t now_ns)
{
	const struct flow *owner = worker_owner(w, p->flow);
	struct feedback *k = owner ? worker_transport(w, owner)->feedback : NULL;
	uint16_t number;

	if (!k || !number_read(p, worker_transport(w, p->flow)->cc_extension, &number))
		return;
	transport_cc_note(&k->cc, number, now_ns);
	k->ssrc = p->ssrc;
	if (wheel_is_running(&k->timer) || !transport_cc_is_due(&k->cc))
		return;
	k->timer.owner = owner->id.slot;
	k->timer.kind = TIMER_FEEDBACK;
	wheel_start(&w->wheel, &k->timer, now_ns + FEEDBACK_NS);
}

void feedback_stage(struct worker *w, struct batch *b)
{
	if (LIKELY(w->transports.count == 0))
		return;
	BATCH_REST(p, b)
	if (p->verdict == VERDICT_NONE && p->kind == PKT_RTP && p->flow->transport & TRANSPORT_CC)
		pkt_note(w, p, b->now_ns - p->age_us * NS_PER_US);
}

/* A compound, as RFC 4585 3.1 requires without an agreement on less. */
void feedback_expire(struct worker *w, struct flow *owner)
{
	struct feedback *k = worker_transport(w, owner)->feedback;
	uint8_t memory[RTCP_REPORT_MAX + TRANSPORT_CC_MAX];
	size_t n = reports_empty(w, owner, memory).n;

	n += transport_cc_write(&k->cc, memory + n, owner->ssrc_out, k->ssrc).n;
	(void)originate_rtcp(w, owner, bytes_mem(memory, n)); /* else it is lost on the way */
	if (transport_cc_is_due(&k->cc))
		wheel_start(&w->wheel, &k->timer, w->now_ns + FEEDBACK_NS);
}
