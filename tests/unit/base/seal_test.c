/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "base/seal.h"

enum { ROOM = 256 };

static const struct bytes CONTEXT = BYTES_LIT("call 01 key_in");
static const struct bytes SECRET = BYTES_LIT("thirty octets of a master key.");

static struct seal_key key_of(uint8_t id, uint8_t octet)
{
	struct seal_key key = { .id = id };

	memset(key.octets, octet, sizeof(key.octets));
	return key;
}

static size_t sealed_secret(uint8_t out[ROOM])
{
	struct seal_key key = key_of(7, 0x42);
	struct rand_source r;
	size_t n = 0;

	rand_open_seed(&r, 1);
	assert_int_equal(seal_make(&key, &r, CONTEXT, SECRET, out, ROOM, &n), 0);
	assert_int_equal(n, SECRET.n + SEAL_OVERHEAD);
	return n;
}

/* Made with AESGCM of python3-cryptography. The first ciphertext is that of test case 14 of the GCM specification; its tag differs,
 * as that case authenticates no head. */
static void opens_what_another_made(void **state)
{
	static const struct {
		const char *name;
		const char *key, *sealed, *context, *plain;
	} rows[] = {
		{ "GCM test case 14",
		  "0000000000000000000000000000000000000000000000000000000000000000",
		  "0107000000000000000000000000"
		  "cea7403d4d606b6e074ec5d3baf39d18f82e38faf40fbe24f13d009a79977f06",
		  "ctx", "00000000000000000000000000000000" },
		{ "no text", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		  "01076465666768696a6b6c6d6e6f"
		  "d2ad4d588936957597bbe86a6111d3d8",
		  "", "" },
		{ "text and context",
		  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		  "01076465666768696a6b6c6d6e6f"
		  "3c73b7140d9076f15d163a9ca945059b62a32667ea1f8717d5f1c72d828ddb68bd6ef5bbc28b7f4a"
		  "b99a6e660ec3",
		  "call 01 key_in",
		  "746869727479206f6374657473206f662061206d6173746572206b65792e" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t sealed[ROOM], out[ROOM];
		struct seal_key key = { .id = 7 };
		enum seal_refusal why;
		uint8_t plain[ROOM];
		size_t n = 0, sealed_n, key_n, plain_n;

		assert_int_equal(
			hex_decode(bytes_str(rows[i].key), key.octets, SEAL_KEY_LEN, &key_n), 0);
		assert_int_equal(hex_decode(bytes_str(rows[i].sealed), sealed, ROOM, &sealed_n), 0);
		ROW_ASSERT(rows[i].name,
			   seal_open(&key, bytes_str(rows[i].context), bytes_mem(sealed, sealed_n),
				     out, ROOM, &n, &why) == 0);
		assert_int_equal(hex_decode(bytes_str(rows[i].plain), plain, ROOM, &plain_n), 0);
		ROW_ASSERT(rows[i].name, bytes_eq(bytes_mem(out, n), bytes_mem(plain, plain_n)));
	}
}

static void is_call_back(void **state)
{
	struct seal_key key = key_of(7, 0x42);
	uint8_t sealed[ROOM], out[ROOM];
	size_t n = 0, sealed_n = sealed_secret(sealed);
	enum seal_refusal why;

	(void)state;
	assert_int_equal(sealed[1], 7); /* the key's id */
	assert_int_equal(
		seal_open(&key, CONTEXT, bytes_mem(sealed, sealed_n), out, SECRET.n, &n, &why), 0);
	assert_true(bytes_eq(bytes_mem(out, n), SECRET));
	assert_int_equal(why, SEAL_FINE);
	assert_null(memmem(sealed, sealed_n, SECRET.p, 8));
}

static void the_empty_string_comes_back(void **state)
{
	struct seal_key key = key_of(0, 1);
	struct rand_source r;
	uint8_t sealed[SEAL_OVERHEAD], out[1];
	enum seal_refusal why;
	size_t n;

	(void)state;
	rand_open_seed(&r, 9);
	assert_int_equal(seal_make(&key, &r, bytes_str(NULL), bytes_str(NULL), sealed,
				   sizeof(sealed), &n),
			 0);
	assert_int_equal(n, SEAL_OVERHEAD);
	assert_int_equal(seal_open(&key, bytes_str(NULL), bytes_mem(sealed, n), out, 0, &n, &why),
			 0);
	assert_int_equal(n, 0);
}

static void no_two_are_equal(void **state)
{
	struct seal_key key = key_of(7, 0x42);
	struct rand_source r;
	uint8_t one[ROOM], two[ROOM];
	size_t n;

	(void)state;
	rand_open_seed(&r, 1);
	assert_int_equal(seal_make(&key, &r, CONTEXT, SECRET, one, ROOM, &n), 0);
	assert_int_equal(seal_make(&key, &r, CONTEXT, SECRET, two, ROOM, &n), 0);
	assert_memory_not_equal(one + 2, two + 2, 12);
	assert_memory_not_equal(one + 14, two + 14, n - 14);
}

/* Nothing that was not authenticated may stay behind. */
static void assert_refused(const struct seal_key *key, struct bytes context, struct bytes sealed,
			   enum seal_refusal want)
{
	uint8_t out[ROOM] = { 0 };
	enum seal_refusal why = SEAL_FINE;
	size_t n = 12345;

	assert_int_equal(seal_open(key, context, sealed, out, ROOM, &n, &why), -EBADMSG);
	assert_int_equal(why, want);
	assert_int_equal(n, 12345);
	for (size_t i = 0; i < ROOM; i++)
		assert_int_equal(out[i], 0);
}

static void every_changed_bit_is_refused(void **state)
{
	struct seal_key key = key_of(7, 0x42);
	uint8_t sealed[ROOM];
	size_t n = sealed_secret(sealed);

	(void)state;
	for (size_t bit = 0; bit < 8 * n; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_refused(&key, CONTEXT, bytes_mem(sealed, n),
			       bit < 8    ? SEAL_VERSION
			       : bit < 16 ? SEAL_KEY
					  : SEAL_FORGED);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void every_cut_is_refused(void **state)
{
	struct seal_key key = key_of(7, 0x42);
	uint8_t sealed[ROOM];
	size_t n = sealed_secret(sealed);

	(void)state;
	for (size_t cut = 0; cut < n; cut++)
		assert_refused(&key, CONTEXT, bytes_mem(sealed, cut),
			       cut < SEAL_OVERHEAD ? SEAL_TRUNCATED : SEAL_FORGED);
	assert_refused(&key, CONTEXT, bytes_str(NULL), SEAL_TRUNCATED);
}

static void other_keys_and_places_are_refused(void **state)
{
	struct seal_key other_octets = key_of(7, 0x43), other_id = key_of(8, 0x42),
			key = key_of(7, 0x42);
	uint8_t sealed[ROOM];
	struct bytes whole = bytes_mem(sealed, sealed_secret(sealed));

	(void)state;
	assert_refused(&other_octets, CONTEXT, whole, SEAL_FORGED);
	assert_refused(&other_id, CONTEXT, whole, SEAL_KEY);
	assert_refused(&key, BYTES_LIT("call 02 key_in"), whole, SEAL_FORGED);
	assert_refused(&key, bytes_str(NULL), whole, SEAL_FORGED);
	/* the id is authenticated, should two ids have one key */
	sealed[1] = 8;
	assert_refused(&other_id, CONTEXT, whole, SEAL_FORGED);
}

static void room_is_asked_for(void **state)
{
	struct seal_key key = key_of(7, 0x42);
	struct rand_source r;
	uint8_t sealed[ROOM], out[ROOM];
	size_t n = 0, sealed_n = sealed_secret(sealed);
	enum seal_refusal why;

	(void)state;
	rand_open_seed(&r, 1);
	assert_int_equal(seal_make(&key, &r, CONTEXT, SECRET, out, SECRET.n + SEAL_OVERHEAD - 1,
				   &n),
			 -ENOSPC);
	assert_int_equal(seal_make(&key, &r, CONTEXT, SECRET, out, 0, &n), -ENOSPC);
	assert_int_equal(seal_open(&key, CONTEXT, bytes_mem(sealed, sealed_n), out, SECRET.n - 1,
				   &n, &why),
			 -ENOSPC);
}

static void wiped_keys_are_gone(void **state)
{
	struct seal_key key = key_of(7, 0x42), zero = { 0 };

	(void)state;
	seal_key_wipe(&key);
	assert_memory_equal(&key, &zero, sizeof(key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_another_made),
		cmocka_unit_test(is_call_back),
		cmocka_unit_test(the_empty_string_comes_back),
		cmocka_unit_test(no_two_are_equal),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(other_keys_and_places_are_refused),
		cmocka_unit_test(room_is_asked_for),
		cmocka_unit_test(wiped_keys_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
