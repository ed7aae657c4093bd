/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of ICE: checks as a full implementation sends them, and what it makes of the answers. */
#ifndef TESTS_UNIT_ENGINE_ICE_ICE_PARTY_H
#define TESTS_UNIT_ENGINE_ICE_ICE_PARTY_H

#include "bench/stun_ask.h"
#include "media/stun/stun.h"
#include "tests/unit/engine/rig.h"

#define TRANSACTION "0123456789ab"

static const struct media_ice ICE_A = { .on = 1,
					.ufrag = { 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a' },
					.pwd = "password-of-a-0123456789" };
static const struct media_ice ICE_B = { .on = 1,
					.ufrag = { 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b' },
					.pwd = "password-of-b-0123456789" };

struct check {
	const struct media_ice *ice; /* whose credentials it is made with */
	const char *username;        /* instead of those of ice */
	uint32_t priority;
	bool nominates, controlled, unknown, no_integrity, no_username;
};

static UNUSED struct bytes check_write(uint8_t out[PACKET_MAX], const struct check *c)
{
	static const struct stun_unknown UNKNOWN = { .types = { 0x7777 }, .count = 1 };
	struct writer w = writer_over(out, PACKET_MAX);
	char username[64];
	int n = snprintf(username, sizeof(username), "%.8s:party", c->ice->ufrag);

	stun_start(&w, STUN_BINDING_REQUEST, BYTES_LIT(TRANSACTION));
	if (!c->no_username)
		stun_put_username(&w, c->username ? bytes_str(c->username)
						  : bytes_mem(username, (size_t)n));
	stun_put_priority(&w, c->priority);
	stun_put_role(&w, !c->controlled, 4711);
	if (c->nominates)
		stun_put_use_candidate(&w);
	if (c->unknown) { /* UNKNOWN-ATTRIBUTES has no place in a request, so it may carry what is unknown */
		size_t at = w.n;

		stun_put_unknown(&w, &UNKNOWN);
		be16_put(w.p + at, 0x7777);
	}
	if (!c->no_integrity)
		stun_put_integrity(&w, bytes_mem(c->ice->pwd, sizeof(c->ice->pwd)));
	stun_put_fingerprint(&w);
	assert_false(w.overflow);
	return writer_done(&w);
}

/* Into the batch of the next step. */
static UNUSED void put_check(struct rig *r, uint32_t slot, const struct addr *from,
			     const struct check *c)
{
	uint8_t memory[PACKET_MAX];

	put_bytes(r, (int)slot, CHANNEL_RTP, from, check_write(memory, c));
}

/* Sends a check alone. The error that was answered, 0: success, -1: no answer. */
static UNUSED int checks(struct rig *r, uint32_t slot, const char *from, const struct check *c)
{
	struct addr party = rig_addr(from);
	const struct sim_packet *p;
	struct stun_message m;

	while (port_sim_sent(r->sim))
		continue;
	put_check(r, slot, &party, c);
	worker_step(&r->w);
	p = port_sim_sent(r->sim);
	if (!p)
		return -1;
	assert_int_equal(p->slot, slot);
	assert_true(addr_eq(&p->remote, &party));
	assert_int_equal(stun_parse(&m, bytes_mem(p->data, p->length)), 0);
	assert_true(m.has_fingerprint && bytes_is(m.transaction, TRANSACTION));
	if (m.error == 0 || m.error == 420 || m.error == 487)
		assert_true(stun_is_authentic(&m, bytes_mem(c->ice->pwd, sizeof(c->ice->pwd))));
	if (m.error == 0) {
		assert_int_equal(m.type, STUN_BINDING_SUCCESS);
		assert_true(addr_eq(&m.mapped, &party));
	}
	return m.error;
}

#endif
