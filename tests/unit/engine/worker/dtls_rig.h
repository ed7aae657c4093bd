/* SPDX-License-Identifier: Apache-2.0 */
/* A worker on port_sim, a crypto thread that is stepped, and parties that speak DTLS. */
#ifndef TESTS_UNIT_ENGINE_WORKER_DTLS_RIG_H
#define TESTS_UNIT_ENGINE_WORKER_DTLS_RIG_H

#include "engine/dtls/crypto.h"
#include "tests/unit/engine/dtls/dtls_clock.h"
#include "tests/unit/engine/dtls/dtls_peer.h"
#include "tests/unit/engine/rig.h"

enum { GRANTED = (1 << 15) + SRTP_RESERVE, NO_LOSS = -1 };

struct dtls_rig {
	struct rig *r;
	struct crypto *crypto;
	uint64_t begun, keyed; /* metrics at the start */
	int lose;              /* which datagram of either way is lost */
	int passed;
	bool doubled; /* and not lost but sent twice */
	bool unsaved; /* the store has not answered: what lets the party finish waits */
};

/* A party of slot A. */
struct dtls_party {
	struct addr at;
	struct dtls dtls;
	uint32_t heard; /* datagrams */
};

static UNUSED struct flow_spec dtls_spec(enum media_dtls_role role)
{
	struct flow_spec s = rig_spec(A);

	s.dtls.role = (uint8_t)role;
	s.dtls.association = 1;
	s.dtls.peer = *fingerprint_of(THEIRS);
	s.rtcp_mux = 1;
	s.srtp_limit = GRANTED;
	s.srtcp_limit = SRTCP_RESERVE;
	return s;
}

static UNUSED struct dtls_rig dtls_rig_open_empty(uint32_t events)
{
	struct dtls_rig x = { .r = rig_open_empty(events), .lose = NO_LOSS };

	g_now_ns = x.r->sim->now_ns;
	assert_int_equal(crypto_open(&x.crypto, &g_identity[OURS].certificate, 1), 0);
	assert_int_equal(dtls_worker_open(&x.r->w, x.crypto, 0, 1), 0);
	x.begun = metric_value(x.r->w.dtls.metrics.begun);
	x.keyed = metric_value(x.r->w.dtls.metrics.keyed);
	return x;
}

static UNUSED struct dtls_rig dtls_rig_open(enum media_dtls_role role)
{
	struct dtls_rig x = dtls_rig_open_empty(64);

	x.r->spec[A] = dtls_spec(role);
	x.r->spec[B] = rig_spec(B);
	rig_open_flow(x.r, &x.r->spec[A]);
	rig_open_flow(x.r, &x.r->spec[B]);
	return x;
}

static UNUSED void dtls_rig_close(struct dtls_rig *x)
{
	rig_close(x->r);
	crypto_close(x->crypto);
}

static UNUSED uint64_t begun(const struct dtls_rig *x)
{
	return metric_value(x->r->w.dtls.metrics.begun) - x->begun;
}

static UNUSED uint64_t refused(const struct dtls_rig *x, enum dtls_refusal why)
{
	return metric_value(x->r->w.dtls.metrics.refused[why]);
}

static UNUSED enum media_dtls_state state_of(struct dtls_rig *x)
{
	return (enum media_dtls_state)flow_stats_read(flow_of(x->r, A)).dtls;
}

/* role: of the party. */
static UNUSED void party_open(struct dtls_party *p, const char *at, int who,
			      enum media_dtls_role role)
{
	memset(p, 0, sizeof(*p));
	p->at = rig_addr(at);
	assert_int_equal(dtls_open(&p->dtls, g_identity[who].context, role, fingerprint_of(OURS),
				   g_now_ns),
			 0);
}

/* What it has to send is on its way. */
static UNUSED void party_send(struct dtls_rig *x, struct dtls_party *p)
{
	uint8_t out[DTLS_MTU];
	uint16_t n;

	while ((n = dtls_output(&p->dtls, out)) > 0) {
		bool hit = x->passed++ == x->lose;

		if (!hit || x->doubled)
			put_bytes(x->r, A, CHANNEL_RTP, &p->at, bytes_mem(out, n));
		if (hit && x->doubled)
			put_bytes(x->r, A, CHANNEL_RTP, &p->at, bytes_mem(out, n));
	}
}

/* Control says that keys are saved; of who has none yet nothing happens. */
static UNUSED void rig_saved(struct dtls_rig *x)
{
	const struct flow *f = flow_of(x->r, A);
	const struct media_command c = { .kind = MEDIA_FLOW_FLIGHT,
					 .id = f->id,
					 .association = f->dtls->association };

	rig_command(x->r, &c);
	(void)crypto_step(x->crypto, g_now_ns);
	worker_step(&x->r->w);
}

static UNUSED void rig_turn(struct dtls_rig *x)
{
	worker_step(&x->r->w);
	(void)crypto_step(x->crypto, g_now_ns);
	worker_step(&x->r->w);
	if (!x->unsaved)
		rig_saved(x);
}

static UNUSED bool is_dtls(const struct sim_packet *p)
{
	return p->slot == A && p->length > 0 && p->data[0] >= 20 && p->data[0] <= 63;
}

/* Each party gets what was sent to it; all else is passed over. */
static UNUSED uint32_t parties_hear(struct dtls_rig *x, struct dtls_party *list, uint32_t n)
{
	const struct sim_packet *p;
	uint32_t heard = 0;

	while ((p = port_sim_sent(x->r->sim)) != NULL) {
		for (uint32_t i = 0; is_dtls(p) && i < n; i++) {
			if (!addr_eq(&p->remote, &list[i].at))
				continue;
			heard++;
			list[i].heard++;
			if (x->passed++ == x->lose && !x->doubled)
				continue;
			(void)dtls_receive(&list[i].dtls, bytes_mem(p->data, p->length), g_now_ns);
		}
	}
	return heard;
}

static UNUSED void clock_advance_ms(struct dtls_rig *x, uint32_t ms)
{
	advance_ms(x->r, ms);
	g_now_ns = x->r->sim->now_ns;
}

/* Some rounds of 10 ms, with all retransmissions that are due in them. */
static UNUSED void parties_run(struct dtls_rig *x, struct dtls_party *list, uint32_t n,
			       uint32_t rounds)
{
	while (rounds-- > 0) {
		for (uint32_t i = 0; i < n; i++) {
			(void)dtls_expire(&list[i].dtls, g_now_ns);
			party_send(x, &list[i]);
		}
		rig_turn(x);
		(void)parties_hear(x, list, n);
		clock_advance_ms(x, 10);
	}
}

static UNUSED struct media_event keyed_event(struct dtls_rig *x)
{
	struct media_event event;

	assert_true(rig_event(x->r, MEDIA_FLOW_KEYED, &event));
	return event;
}

static UNUSED void assert_event_has_keys_of(const struct media_event *event,
					    const struct dtls_party *p)
{
	assert_int_equal(p->dtls.outcome, DTLS_DONE);
	assert_memory_equal(&event->key_in, &p->dtls.key_out, sizeof(event->key_in));
	assert_memory_equal(&event->key_out, &p->dtls.key_in, sizeof(event->key_out));
}

#endif
