/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/feedback.h"

#include <stdlib.h>

#include "engine/walk/originate.h"
#include "engine/walk/worker.h"
#include "media/rtp/rtcp_write.h"
#include "media/rtp/rtp_parse.h"
#include "media/rtp/transport_cc.h"

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
		pkt_note(w, p, b->now_ns);
}

/* A compound, as RFC 4585 3.1 wants it of those who did not agree on less. */
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
