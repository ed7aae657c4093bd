/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/peer/parcel.h"

static struct parcel g_parcel;
static uint8_t g_octets[PARCEL_HEAD_LEN + 32];

static struct bytes written(void)
{
	struct writer w = writer_over(g_octets, sizeof(g_octets));

	parcel_write(&w, &g_parcel);
	assert_false(w.overflow);
	return writer_done(&w);
}

static int setup(void **state)
{
	(void)state;
	g_parcel = (struct parcel){ .kind = PARCEL_RECEIVED,
				    .transport = 1,
				    .connection = UINT64_C(0x300000009),
				    .data = BYTES_LIT("BYE sip:a SIP/2.0\r\n") };
	assert_int_equal(addr_parse(&g_parcel.bound, bytes_str("192.0.2.1:5060")), 0);
	assert_int_equal(addr_parse(&g_parcel.remote, bytes_str("[2001:db8::7]:40123")), 0);
	return 0;
}

static void test_read_again(void **state)
{
	struct parcel read;

	(void)state;
	assert_int_equal(parcel_read(&read, written()), 0);
	assert_int_equal(read.kind, PARCEL_RECEIVED);
	assert_int_equal(read.transport, 1);
	assert_true(read.connection == g_parcel.connection);
	assert_true(addr_eq(&read.bound, &g_parcel.bound));
	assert_true(addr_eq(&read.remote, &g_parcel.remote));
	assert_true(bytes_eq(read.data, g_parcel.data));
}

static void test_no_message_and_no_end_of_ours(void **state)
{
	struct parcel read;

	(void)state;
	g_parcel.kind = PARCEL_GONE;
	g_parcel.bound = (struct addr){ 0 };
	g_parcel.data = (struct bytes){ 0 };
	assert_int_equal(parcel_read(&read, written()), 0);
	assert_int_equal(read.bound.family, ADDR_NONE);
	assert_int_equal(read.data.n, 0);
}

static int read_with(size_t at, uint8_t octet)
{
	struct parcel read;
	struct bytes in = written();

	g_octets[at] = octet;
	return parcel_read(&read, in);
}

static void test_refused(void **state)
{
	enum { BOUND_AT = 10, REMOTE_AT = BOUND_AT + PARCEL_ADDR_LEN };
	struct parcel read;

	(void)state;
	assert_int_equal(read_with(0, 0), -EBADMSG);
	assert_int_equal(read_with(0, PARCEL_KINDS), -EPROTONOSUPPORT);
	assert_int_equal(read_with(BOUND_AT, 3), -EBADMSG);
	assert_int_equal(read_with(BOUND_AT, 0), -EBADMSG);      /* none, and yet octets of one */
	assert_int_equal(read_with(BOUND_AT + 16, 1), -EBADMSG); /* behind an address of 4 */
	assert_int_equal(read_with(BOUND_AT, 1), 0);
	for (size_t n = 0; n < PARCEL_HEAD_LEN; n++)
		assert_int_equal(parcel_read(&read, bytes_mem(written().p, n)), -EBADMSG);
	g_parcel.remote = (struct addr){ 0 };
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
}

static void test_connection_has_a_name(void **state)
{
	struct parcel read;

	(void)state;
	g_parcel.connection = 0;
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
}

/* What was heard goes back to who heard it, as it is. */
static void test_back(void **state)
{
	struct parcel read;

	(void)state;
	g_parcel.kind = PARCEL_BACK;
	assert_int_equal(parcel_read(&read, written()), 0);
	assert_int_equal(read.kind, PARCEL_BACK);
	assert_true(parcel_has_connection(&read));
	assert_true(read.connection == g_parcel.connection);
	assert_true(addr_eq(&read.bound, &g_parcel.bound));
	assert_true(bytes_eq(read.data, g_parcel.data));
	g_parcel.connection = 0;
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
}

/* Which has no connection, and two ends of one family. */
static void test_datagram(void **state)
{
	struct parcel read;

	(void)state;
	g_parcel.kind = PARCEL_HEARD_DATAGRAM;
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
	g_parcel.connection = 0;
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
	g_parcel.remote = g_parcel.bound;
	assert_int_equal(parcel_read(&read, written()), 0);
	assert_true(parcel_is_datagram(&read));
	assert_true(addr_eq(&read.bound, &g_parcel.bound));
}

/* ... unless it is by an address that stays with its node, and needs no other name. */
static void test_flow(void **state)
{
	struct parcel read;

	(void)state;
	g_parcel.kind = PARCEL_SEND_FLOW;
	g_parcel.bound = (struct addr){ 0 };
	assert_int_equal(parcel_read(&read, written()), 0);
	assert_true(read.connection == g_parcel.connection);
	assert_false(parcel_is_datagram(&read));
	g_parcel.connection = 0;
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
}

/* Shards have addresses of one family, and no connection. */
static void test_cell(void **state)
{
	struct parcel read;

	(void)state;
	g_parcel.kind = PARCEL_INTER_SHARD;
	g_parcel.bound = g_parcel.remote;
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
	g_parcel.connection = 0;
	assert_int_equal(parcel_read(&read, written()), 0);
	assert_int_equal(read.kind, PARCEL_INTER_SHARD);
	assert_false(parcel_has_connection(&read));
	assert_false(parcel_is_datagram(&read));
	g_parcel.bound = (struct addr){ 0 };
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
}

/* It is for the node. */
static void test_news(void **state)
{
	struct parcel read;

	(void)state;
	g_parcel = (struct parcel){ .kind = PARCEL_STATES, .data = BYTES_LIT("news") };
	assert_int_equal(parcel_read(&read, written()), 0);
	assert_int_equal(read.kind, PARCEL_STATES);
	assert_false(parcel_has_connection(&read) || parcel_is_datagram(&read));
	assert_true(bytes_is(read.data, "news"));
	assert_int_equal(read_with(1, 1), -EBADMSG);
	assert_int_equal(read_with(9, 1), -EBADMSG);
	g_parcel.remote = (struct addr){ .family = ADDR_V4 };
	assert_int_equal(parcel_read(&read, written()), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_read_again, setup),
		cmocka_unit_test_setup(test_no_message_and_no_end_of_ours, setup),
		cmocka_unit_test_setup(test_news, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_connection_has_a_name, setup),
		cmocka_unit_test_setup(test_back, setup),
		cmocka_unit_test_setup(test_datagram, setup),
		cmocka_unit_test_setup(test_flow, setup),
		cmocka_unit_test_setup(test_cell, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
