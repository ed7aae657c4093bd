/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/peer/channel.h"

static const uint8_t CLUSTER[PEER_KEY_LEN] = { 7 }, STRANGER[PEER_KEY_LEN] = { 8 };
static const struct bytes TEXT = BYTES_LIT("BYE sip:a SIP/2.0\r\n\r\n");

static uint8_t g_asks[CHANNEL_HELLO_LEN], g_answers[CHANNEL_HELLO_LEN];
static uint8_t g_frame[CHANNEL_FRAME_MAX], g_text[PARCEL_MAX];
static struct channel_key g_from, g_to;

static int setup(void **state)
{
	struct channel_hello asks = { .from = 1, .to = 2, .incarnation = 0xa1 },
			     answers = { .from = 2, .to = 1, .incarnation = 0xb1 };

	(void)state;
	memset(asks.random, 1, sizeof(asks.random));
	memset(answers.random, 2, sizeof(answers.random));
	channel_hello_write(g_asks, &asks);
	channel_hello_write(g_answers, &answers);
	channel_key_derive(&g_from, CLUSTER, g_asks, g_answers);
	channel_key_derive(&g_to, CLUSTER, g_asks, g_answers);
	return 0;
}

static struct bytes sealed(void)
{
	size_t n, whole;

	assert_int_equal(channel_seal(&g_from, TEXT, g_frame, &n), 0);
	assert_int_equal(channel_frame(bytes_mem(g_frame, n), &whole), 0);
	assert_int_equal(whole, n);
	return bytes_mem(g_frame, n);
}

static int opened(struct bytes frame)
{
	size_t n;
	int err = channel_unseal(&g_to, frame, g_text, &n);

	if (!err)
		assert_true(bytes_eq(bytes_mem(g_text, n), TEXT));
	return err;
}

static void test_frames_in_their_order(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(opened(sealed()), 0);
}

static void test_none_twice_and_none_missing(void **state)
{
	struct bytes frame;

	(void)state;
	frame = sealed();
	assert_int_equal(opened(frame), 0);
	assert_int_equal(opened(frame), -EBADMSG);
	(void)setup(state);
	(void)sealed();
	assert_int_equal(opened(sealed()), -EBADMSG);
}

static void test_changed_octets(void **state)
{
	size_t n = sealed().n;

	for (size_t i = CHANNEL_FRAME_HEAD; i < n; i++) {
		(void)setup(state);
		(void)sealed();
		g_frame[i] ^= 1;
		assert_int_equal(opened(bytes_mem(g_frame, n)), -EBADMSG);
	}
}

static void test_key_is_of_the_cluster_and_of_both_hellos(void **state)
{
	struct bytes frame;

	(void)state;
	frame = sealed();
	channel_key_derive(&g_to, STRANGER, g_asks, g_answers);
	assert_int_equal(opened(frame), -EBADMSG);
	for (size_t i = 0; i < CHANNEL_HELLO_LEN; i++) {
		g_answers[i] ^= 1;
		channel_key_derive(&g_to, CLUSTER, g_asks, g_answers);
		assert_int_equal(opened(frame), -EBADMSG);
		g_answers[i] ^= 1;
	}
	channel_key_derive(&g_to, CLUSTER, g_asks, g_answers);
	assert_int_equal(opened(frame), 0);
}

static void test_hello(void **state)
{
	struct channel_hello read;

	(void)state;
	assert_int_equal(channel_hello_read(&read, g_answers), 0);
	assert_true(read.from == 2 && read.to == 1 && read.incarnation == 0xb1);
	g_answers[0] = 'X';
	assert_int_equal(channel_hello_read(&read, g_answers), -EBADMSG);
}

static void test_lengths(void **state)
{
	static const uint8_t too_short[] = { 0, 0, 0, PEER_TAG_LEN }, too_long[] = { 0, 2, 0, 0 };
	size_t n;

	(void)state;
	assert_int_equal(channel_frame(bytes_mem(too_short, 3), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(channel_frame(bytes_mem(too_short, 4), &n), -EBADMSG);
	assert_int_equal(channel_frame(bytes_mem(too_long, 4), &n), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_frames_in_their_order, setup),
		cmocka_unit_test_setup(test_none_twice_and_none_missing, setup),
		cmocka_unit_test_setup(test_changed_octets, setup),
		cmocka_unit_test_setup(test_key_is_of_the_cluster_and_of_both_hellos, setup),
		cmocka_unit_test_setup(test_hello, setup),
		cmocka_unit_test_setup(test_lengths, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
