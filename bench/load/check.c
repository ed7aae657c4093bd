/* SPDX-License-Identifier: Apache-2.0 */
/* The strict receiver: lost, doubled, reordered, misrouted and altered packets are told apart. */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/load/speech.h"

#define FOREIGN "FOREIGN" /* what flood.c puts into its packets */

static bool packet_is_new(struct load_totals *t, struct load_endpoint *e, uint32_t number)
{
	uint64_t bit = BIT64(number % 64);
	uint64_t *word = &e->seen[number % LOAD_WINDOW / 64];

	if (number < e->next) {
		if (e->next - number > LOAD_WINDOW || (*word & bit)) {
			t->duplicated++;
			return false;
		}
		t->reordered++;
	}
	for (; e->next <= number; e->next++)
		e->seen[e->next % LOAD_WINDOW / 64] &= ~BIT64(e->next % 64);
	*word |= bit;
	return true;
}

uint64_t load_gap_ns(const struct load *l, const struct load_endpoint *e, uint64_t now_ns)
{
	uint64_t from_ns = e->received_ns > l->warm_ns ? e->received_ns : l->warm_ns;
	uint64_t end_ns = l->sent_ns ? l->sent_ns : now_ns;

	return end_ns > from_ns && end_ns - from_ns > e->gap_ns ? end_ns - from_ns : e->gap_ns;
}

static void identity_check(struct load *l, struct load_endpoint *e, const uint8_t *p,
			   const struct load_stamp *stamp, uint64_t now_ns)
{
	struct load_totals *t = &l->t;
	uint16_t sequence_delta = (uint16_t)(be16_get(p + 2) - stamp->number);
	uint32_t timestamp_delta = be32_get(p + 4) - stamp->timestamp;
	uint32_t ssrc = be32_get(p + 8);

	if (e->heard) {
		e->gap_ns = load_gap_ns(l, e, now_ns);
		t->ssrc_changes += e->ssrc != ssrc;
		t->sequence_jumps += e->sequence_delta != sequence_delta;
		t->timestamp_jumps += e->timestamp_delta != timestamp_delta;
	}
	e->heard = true;
	e->received_ns = now_ns;
	e->ssrc = ssrc;
	e->sequence_delta = sequence_delta;
	e->timestamp_delta = timestamp_delta;
}

static void latency_note(struct load *l, struct load_endpoint *e, uint64_t sent_ns, uint64_t now_ns)
{
	uint64_t ns = now_ns > sent_ns ? now_ns - sent_ns : 0;
	int64_t moved = (int64_t)ns - e->transit_ns;

	if (e->transit_ns) /* RFC 3550 A.8 */
		e->jitter_ns += (fabs((double)moved) - e->jitter_ns) / 16;
	e->transit_ns = (int64_t)ns;
	if (sent_ns >= l->warm_ns)
		load_latency_note(&l->t.latency, ns);
}

/* Reports of the server come by the port of RTP where RTCP has no own. */
static bool is_other(struct load_totals *t, struct load_endpoint *e, uint8_t *p, size_t n,
		     uint64_t now_ns)
{
	if (!e->webrtc)
		return false;
	if (load_webrtc_receive(e->webrtc, p, n, now_ns))
		return true;
	if (n < 2 || p[1] < 192 || p[1] > 223) /* RFC 5761 4 */
		return false;
	n = e->srtp ? load_srtcp_unprotect(e->srtp, p, n) : 0;
	t->rtcp++;
	t->srtp_refused += n == 0;
	t->rtcp_foreign += n > 0 && memmem(p, n, FOREIGN, strlen(FOREIGN));
	return true;
}

/* A plain packet is one that the far endpoint sent to this one. False: it is counted as something else. */
static bool is_ours(struct load *l, uint32_t index, const uint8_t *p, size_t n,
		    struct load_stamp *stamp)
{
	const struct load_endpoint *from = &l->list[index ^ 1];
	size_t fixed = LOAD_RTP_HEAD + sizeof(*stamp);

	if (n != l->options.kind.packet) {
		l->t.corrupted++;
		return false;
	}
	memcpy(stamp, p + LOAD_RTP_HEAD, sizeof(*stamp));
	if (stamp->magic == LOAD_MAGIC && stamp->stream != (index ^ 1)) {
		l->t.misrouted++;
		return false;
	}
	if (stamp->magic != LOAD_MAGIC || stamp->number >= from->sent ||
	    memcmp(p + fixed, from->packet + fixed, n - fixed) != 0) {
		l->t.corrupted++;
		return false;
	}
	return true;
}

void load_check(void *context, uint32_t index, uint8_t *p, size_t n, uint64_t now_ns)
{
	struct load *l = context;
	struct load_endpoint *e = &l->list[index];
	struct load_stamp stamp;

	if (is_other(&l->t, e, p, n, now_ns))
		return;
	if (e->srtp)
		n = load_srtp_unprotect(e->srtp, p, n);
	l->t.srtp_refused += n == 0;
	if (l->options.speech) {
		load_speech_check(l, e, p, n, now_ns);
		return;
	}
	if (!is_ours(l, index, p, n, &stamp) || !packet_is_new(&l->t, e, stamp.number))
		return;
	l->t.received++;
	identity_check(l, e, p, &stamp, now_ns);
	latency_note(l, e, stamp.sent_ns, now_ns);
}
