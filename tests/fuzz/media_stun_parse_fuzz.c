/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: slices lie within the message; what was understood, written again and read again, is the same, authentic under the
 * key it was written with and under no other; with any one octet before its integrity changed it is not.
 */
#include <assert.h>
#include <string.h>

#include "bench/stun_ask.h"
#include "media/stun/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1024 };

static void check_inside(struct bytes outer, struct bytes inner)
{
	assert(!inner.p || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n));
}

static struct bytes write_again(struct writer *w, const struct stun_message *m, struct bytes key)
{
	stun_start(w, (enum stun_type)m->type, m->transaction);
	if (m->unknown.count > 0)
		stun_put_unknown(w, &m->unknown);
	if (m->username.p)
		stun_put_username(w, m->username);
	if (m->has_priority)
		stun_put_priority(w, m->priority);
	if (m->use_candidate)
		stun_put_use_candidate(w);
	if (m->controlling || m->controlled)
		stun_put_role(w, m->controlling, m->tie_breaker);
	if (m->mapped.family != ADDR_NONE)
		stun_put_mapped(w, &m->mapped);
	if (m->error)
		stun_put_error(w, m->error);
	stun_put_integrity(w, key);
	stun_put_fingerprint(w);
	assert(!w->overflow);
	return writer_done(w);
}

static void check_same(const struct stun_message *a, const struct stun_message *b)
{
	assert(a->type == b->type && bytes_eq(a->transaction, b->transaction));
	assert(!a->username.p == !b->username.p && bytes_eq(a->username, b->username));
	assert(addr_eq(&a->mapped, &b->mapped) && a->error == b->error);
	assert(a->has_priority == b->has_priority && a->priority == b->priority);
	assert(a->use_candidate == b->use_candidate && a->tie_breaker == b->tie_breaker);
	assert(a->controlling == b->controlling && a->controlled == b->controlled);
}

static void check_mutated(uint8_t *p, size_t n, size_t at, struct bytes key)
{
	struct stun_message m;

	p[at % (n - 8)] ^= 0x5a; /* FINGERPRINT has no part in it */
	be16_put(p + 2, (uint16_t)(n - 8 - STUN_HEAD_LEN));
	if (at % (n - 8) != 2 && at % (n - 8) != 3)
		assert(stun_parse(&m, bytes_mem(p, n - 8)) || !stun_is_authentic(&m, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes key = bytes_mem(data, size < 24 ? size : 24);
	uint8_t space[ROOM];
	struct writer w = writer_over(space, sizeof(space));
	struct stun_message m, again;
	struct bytes written;

	check_inside(bytes_mem(data, size), stun_username(bytes_mem(data, size)));
	if (stun_parse(&m, bytes_mem(data, size)))
		return 0;
	check_inside(m.whole, m.transaction);
	check_inside(m.whole, m.username);
	check_inside(m.whole, m.integrity);
	if (m.username.p)
		assert(bytes_eq(m.username, stun_username(m.whole)));
	assert(m.unknown.count <= STUN_UNKNOWN_MAX);
	written = write_again(&w, &m, key);
	assert(stun_parse(&again, written) == 0);
	check_same(&m, &again);
	assert(again.has_fingerprint && stun_is_authentic(&again, key));
	assert(!stun_is_authentic(&again, bytes_from(key, 1)));
	check_mutated(space, written.n, data[size - 1] + 256U * data[5], key);
	return 0;
}
