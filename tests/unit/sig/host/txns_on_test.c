/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions on a connection: its end costs what is on it, whatever else is under way. */
#include <stdlib.h>

#include "base/clock.h"
#include "sig/host/txns.h"
#include "tests/unit/test.h"

enum { TXNS = 50000, CONNECTIONS = 1500 };

struct table_rig {
	struct txns txns;
	struct wheel wheel;
	struct effects effects;
	struct sig_metrics metrics;
	struct quota_host quota;
};

static struct sip_hop hop_on(uint64_t connection)
{
	return (struct sip_hop){ .transport = SIP_TCP, .connection = connection };
}

static struct txn_slot *start(struct table_rig *r, const struct sip_hop *hop, unsigned n)
{
	char branch[32];
	struct txn_slot *slot;

	(void)snprintf(branch, sizeof(branch), "z9hG4bK%u", n);
	slot = txns_add_client(&r->txns, SIP_BYE, hop, bytes_str(branch), TXN_INSIDE, NS_PER_S);
	assert_non_null(slot);
	(void)txns_step(&r->txns, slot, TXN_EV_START, NS_PER_S);
	return slot;
}

static int setup(void **state)
{
	struct table_rig *r = calloc(1, sizeof(*r));
	struct rand_source rand;

	rand_open_seed(&rand, 1);
	wheel_open(&r->wheel, NS_PER_S);
	sig_metrics_open(&r->metrics);
	assert_int_equal(txns_open(&r->txns, TXNS, &rand), 0);
	r->txns.wheel = &r->wheel;
	r->txns.effects = &r->effects;
	r->txns.metrics = &r->metrics;
	r->txns.quota = &r->quota;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct table_rig *r = *state;

	txns_close(&r->txns);
	effects_close(&r->effects);
	free(r);
	return 0;
}

/* How many are found when it ends; each is on none afterwards. */
static unsigned end_of(struct table_rig *r, uint64_t connection)
{
	const struct txn_slot *slot;
	unsigned n = 0;

	while ((slot = txns_detach_from(&r->txns, connection)) != NULL) {
		assert_true(slot->txn.hop.connection == 0);
		n++;
	}
	return n;
}

static void test_a_storm_of_ends(void **state)
{
	struct table_rig *r = *state;
	unsigned steps = 0;

	for (unsigned i = 0; i < TXNS; i++) {
		struct sip_hop hop = hop_on(1 + i % CONNECTIONS);

		(void)start(r, &hop, i);
	}
	/* those of strangers, with nothing on them */
	for (uint64_t c = CONNECTIONS + 1; c < 10 * CONNECTIONS; c++)
		steps += 1 + end_of(r, c);
	for (uint64_t c = 1; c <= CONNECTIONS; c++) {
		unsigned n = end_of(r, c);

		assert_in_range(n, TXNS / CONNECTIONS, TXNS / CONNECTIONS + 1);
		steps += 1 + n;
	}
	assert_int_equal(steps, TXNS + 10 * CONNECTIONS - 1);
	for (uint64_t c = 1; c <= CONNECTIONS; c++)
		assert_int_equal(end_of(r, c), 0);
}

/* On the list is who was heard of by nobody yet and can be reached elsewhere. */
static void test_who_is_on_it(void **state)
{
	struct table_rig *r = *state;
	struct sip_hop on = hop_on(7), to = hop_on(8), inbound = hop_on(7), none = hop_on(0);
	struct txn_slot *slots[6];

	inbound.inbound = true;
	(void)start(r, &inbound, 100);
	(void)start(r, &none, 101);
	for (unsigned i = 0; i < COUNT_OF(slots); i++) {
		slots[i] = start(r, &on, i);
		txns_belong(&r->txns, slots[i], 42, (uint8_t)i, TXN_USER_BYE);
	}
	(void)txns_step(&r->txns, slots[0], TXN_EV_PROVISIONAL, NS_PER_S); /* the first one */
	(void)txns_step(&r->txns, slots[3], TXN_EV_SUCCESS, NS_PER_S);
	txns_drop(&r->txns, slots[5]->self);
	txns_hop_moved(&r->txns, 42, 2, &on, &to, NS_PER_S);
	assert_ptr_equal(txns_detach_from(&r->txns, 8), slots[2]);
	assert_null(txns_detach_from(&r->txns, 8));
	assert_int_equal(end_of(r, 7), 2);
	assert_int_equal(end_of(r, 0), 0);
	assert_true(slots[1]->txn.hop.connection == 0 && slots[4]->txn.hop.connection == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_storm_of_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_is_on_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
