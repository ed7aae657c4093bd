/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "tests/unit/test.h"

/* RFC 2202 3. A repeated octet, n times, where text is NULL. */
struct hmac_text {
	const char *text;
	uint8_t octet;
	size_t n;
};

static const struct row {
	const char *name;
	struct hmac_text key, data;
	const char *digest;
} ROWS[] = {
	{ "1", { NULL, 0x0b, 20 }, { "Hi There" }, "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ "2",
	  { "Jefe" },
	  { "what do ya want for nothing?" },
	  "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ "3", { NULL, 0xaa, 20 }, { NULL, 0xdd, 50 }, "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
	{ "4",
	  { "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31" },
	  { NULL, 0xcd, 50 },
	  "4c9007f4026250c6bc8414f9bf50c86c2d7235da" },
	{ "5",
	  { NULL, 0x0c, 20 },
	  { "Test With Truncation" },
	  "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04" },
	{ "6: a key longer than a block",
	  { NULL, 0xaa, 80 },
	  { "Test Using Larger Than Block-Size Key - Hash Key First" },
	  "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	{ "7",
	  { NULL, 0xaa, 80 },
	  { "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data" },
	  "e8e99d0f45237d786d6bbaa7965c7808bbff1a91" },
};

static struct bytes text_of(const struct hmac_text *t, uint8_t memory[80])
{
	if (t->text)
		return bytes_str(t->text);
	memset(memory, t->octet, t->n);
	return bytes_mem(memory, t->n);
}

static void test_vectors(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		uint8_t key[80], data[80], want[HMAC_SHA1_LEN], got[HMAC_SHA1_LEN];
		struct bytes text = text_of(&row->data, data);
		size_t n;

		assert_int_equal(hex_decode(bytes_str(row->digest), want, sizeof(want), &n), 0);
		for (size_t cut = 0; cut <= text.n; cut++) {
			const struct bytes parts[] = { bytes_sub(text, 0, cut),
						       bytes_from(text, cut) };

			hmac_sha1_of(text_of(&row->key, key), parts, COUNT_OF(parts), got);
			ROW_ASSERT(row->name, memcmp(got, want, sizeof(want)) == 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
