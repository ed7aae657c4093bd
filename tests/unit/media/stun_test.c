/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stun_ask.h"
#include "media/stun/stun.h"

#include <errno.h>

#include "tests/unit/test.h"

#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"
#define ID       "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define HEAD     "\x21\x12\xa4\x42" ID

/* RFC 5769 2.1 to 2.4. */
#define REQUEST                                                                            \
	"\x00\x01\x00\x58" HEAD "\x80\x22\x00\x10STUN test client"                         \
	"\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36" \
	"\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\x00\x08\x00\x14" \
	"\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2" \
	"\x80\x28\x00\x04\xe5\x7a\x3b\xcf"
#define SOFTWARE "\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20"
#define RESPONSE_4                                                                          \
	"\x01\x01\x00\x3c" HEAD SOFTWARE "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43" \
	"\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53"  \
	"\xf0\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96"
#define RESPONSE_6                                                                              \
	"\x01\x01\x00\x48" HEAD SOFTWARE "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5" \
	"\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"                                          \
	"\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75"      \
	"\xbf\xe3\xed\x41\x80\x28\x00\x04\xc8\xfb\x0b\x4c"
#define LONG_TERM                                                                                  \
	"\x00\x01\x00\x60\x21\x12\xa4\x42\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e"         \
	"\x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9" \
	"\x00\x00"                                                                                 \
	"\x00\x15\x00\x1c\x66\x2f\x2f\x34\x39\x39\x6b\x39\x35\x34\x64\x36\x4f\x4c\x33\x34\x6f\x4c" \
	"\x39\x46"                                                                                 \
	"\x53\x54\x76\x79\x36\x34\x73\x41\x00\x14\x00\x0b\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6f\x72" \
	"\x67\x00"                                                                                 \
	"\x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e\x02\xb8\xe0\x71\x2e\x85\xc9\xa2\x8c\xa8" \
	"\x96\x66"

#define LIT(s) bytes_mem(s, sizeof(s) - 1)

static struct stun_message parsed(struct bytes in)
{
	struct stun_message m;

	assert_int_equal(stun_parse(&m, in), 0);
	return m;
}

static void test_request_vector(void **state)
{
	struct stun_message m = parsed(LIT(REQUEST));

	(void)state;
	assert_int_equal(m.type, STUN_BINDING_REQUEST);
	assert_true(bytes_eq(m.transaction, LIT(ID)));
	assert_true(bytes_is(m.username, "evtj:h6vY"));
	assert_true(m.has_priority && m.controlled && !m.controlling && !m.use_candidate);
	assert_int_equal(m.priority, 0x6e0001ff);
	assert_true(m.tie_breaker == UINT64_C(0x932ff9b151263b36));
	assert_true(m.has_fingerprint);
	assert_int_equal(m.unknown.count, 0);
	assert_true(stun_is_authentic(&m, LIT(PASSWORD)));
	assert_false(stun_is_authentic(&m, LIT("VOkJxbRl1RmTxUk/WvJxBu")));
	assert_false(stun_is_authentic(&m, LIT("")));
}

static void test_response_vectors(void **state)
{
	static const struct row {
		const char *name, *address;
		struct bytes message;
	} ROWS[] = {
		{ "IPv4", "192.0.2.1:32853", { (const uint8_t *)RESPONSE_4, 80 } },
		{ "IPv6",
		  "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
		  { (const uint8_t *)RESPONSE_6, 92 } },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct stun_message m = parsed(row->message);
		struct addr want;

		assert_int_equal(addr_parse(&want, bytes_str(row->address)), 0);
		ROW_ASSERT(row->name, m.type == STUN_BINDING_SUCCESS);
		ROW_ASSERT(row->name, addr_eq(&m.mapped, &want));
		ROW_ASSERT(row->name, stun_is_authentic(&m, LIT(PASSWORD)));
	}
}

/* The key is MD5 of "user:realm:password"; NONCE and REALM must be understood, and are not. */
static void test_long_term_vector(void **state)
{
	static const char KEY[] =
		"\xe8\xca\x7a\xd5\x9d\x5e\xb0\x51\x8e\x31\x29\x11\xd2\xda\xb2\xa9";
	struct stun_message m = parsed(LIT(LONG_TERM));

	(void)state;
	assert_int_equal(m.unknown.count, 2);
	assert_int_equal(m.unknown.types[0], 0x15);
	assert_int_equal(m.unknown.types[1], 0x14);
	assert_true(m.integrity.p && !m.has_fingerprint);
	assert_true(stun_is_authentic(&m, LIT(KEY)));
	assert_false(stun_is_authentic(&m, LIT(PASSWORD)));
}

static void test_refuses(void **state)
{
	static const struct row {
		const char *name;
		struct bytes message;
	} ROWS[] = {
#define ROW(name, s)                                        \
	{                                                   \
		name,                                       \
		{                                           \
			(const uint8_t *)(s), sizeof(s) - 1 \
		}                                           \
	}
		ROW("nothing", ""),
		ROW("a cut head", "\0\1\0\0\x21\x12\xa4\x42"
				  "12345678901"),
		ROW("no cookie", "\0\1\0\0\x21\x12\xa4\x43" ID),
		ROW("first bits", "\x40\1\0\0" HEAD),
		ROW("shorter than it says", "\0\1\0\4" HEAD),
		ROW("longer than it says", "\0\1\0\0" HEAD "\0\x25\0\0"),
		ROW("half a word", "\0\1\0\2" HEAD "\0\x25"),
		ROW("an attribute beyond the end", "\0\1\0\4" HEAD "\0\6\0\1"),
		ROW("far beyond", "\0\1\0\4" HEAD "\0\6\xff\xff"),
		ROW("PRIORITY of 2", "\0\1\0\x08" HEAD "\0\x24\0\2\0\0\0\0"),
		ROW("USE-CANDIDATE of 1", "\0\1\0\x08" HEAD "\0\x25\0\1\0\0\0\0"),
		ROW("ICE-CONTROLLING of 4", "\0\1\0\x08" HEAD "\x80\x2a\0\4\0\0\0\0"),
		ROW("MESSAGE-INTEGRITY of 4", "\0\1\0\x08" HEAD "\0\x08\0\4\0\0\0\0"),
		ROW("an address of no family", "\1\1\0\x0c" HEAD "\0\x20\0\x08\0\3\0\0\0\0\0\0"),
		ROW("IPv6 in 4 octets", "\1\1\0\x0c" HEAD "\0\x20\0\x08\0\2\0\0\0\0\0\0"),
		ROW("error 200", "\1\x11\0\x08" HEAD "\0\x09\0\4\0\0\2\0"),
		ROW("error 4100", "\1\x11\0\x08" HEAD "\0\x09\0\4\0\0\4\x64"),
		ROW("a wrong FINGERPRINT", "\0\1\0\x08" HEAD "\x80\x28\0\4\0\0\0\0"),
#undef ROW
	};
	const struct row *row;
	struct stun_message m;

	(void)state;
	EACH_ROW(row, ROWS)
	ROW_ASSERT(row->name, stun_parse(&m, row->message) == -EBADMSG);
}

/* Every octet of a check is covered: by its key, or by the form of the message. */
static void test_any_octet_counts(void **state)
{
	uint8_t space[sizeof(REQUEST) - 1];
	struct stun_message m;

	(void)state;
	for (size_t i = 0; i < sizeof(space) * 8; i++) {
		memcpy(space, REQUEST, sizeof(space));
		space[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(stun_parse(&m, bytes_mem(space, sizeof(space))) == -EBADMSG ||
			    !m.has_fingerprint);
	}
	/* and without FINGERPRINT, by the key alone */
	for (size_t i = 0; i < (sizeof(space) - 8) * 8; i++) {
		memcpy(space, REQUEST, sizeof(space));
		be16_put(space + 2, sizeof(space) - STUN_HEAD_LEN - 8);
		space[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(stun_parse(&m, bytes_mem(space, sizeof(space) - 8)) == 0 &&
			     stun_is_authentic(&m, LIT(PASSWORD)));
	}
}

/* What comes behind MESSAGE-INTEGRITY could be anybody's. */
static void test_behind_integrity(void **state)
{
	uint8_t space[128];
	struct writer w = writer_over(space, sizeof(space));
	struct stun_message m;

	(void)state;
	stun_start(&w, STUN_BINDING_REQUEST, LIT(ID));
	stun_put_username(&w, LIT("a:b"));
	stun_put_integrity(&w, LIT(PASSWORD));
	stun_put_use_candidate(&w);
	m = parsed(writer_done(&w));
	assert_true(stun_is_authentic(&m, LIT(PASSWORD)));
	assert_false(m.use_candidate);
}

static void test_first_counts(void **state)
{
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));
	struct stun_message m;

	(void)state;
	stun_start(&w, STUN_BINDING_REQUEST, LIT(ID));
	stun_put_username(&w, LIT("first"));
	stun_put_username(&w, LIT("second"));
	stun_put_priority(&w, 1);
	stun_put_priority(&w, 2);
	stun_put_role(&w, true, 1);
	stun_put_role(&w, false, 2);
	m = parsed(writer_done(&w));
	assert_true(bytes_is(m.username, "first"));
	assert_int_equal(m.priority, 1);
	assert_true(m.controlling && !m.controlled && m.tie_breaker == 1);
}

static void test_no_room(void **state)
{
	uint8_t space[100];
	struct addr a = { .family = ADDR_V6 };

	(void)state;
	for (size_t room = 0; room < 76; room++) {
		struct writer w = writer_over(space, room);

		memset(space, 0xee, sizeof(space));
		stun_start(&w, STUN_BINDING_SUCCESS, LIT(ID));
		stun_put_mapped(&w, &a);
		stun_put_integrity(&w, LIT(PASSWORD));
		stun_put_fingerprint(&w);
		assert_true(w.overflow);
		for (size_t i = room; i < sizeof(space); i++)
			assert_int_equal(space[i], 0xee);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_vector),   cmocka_unit_test(test_response_vectors),
		cmocka_unit_test(test_long_term_vector), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_any_octet_counts), cmocka_unit_test(test_behind_integrity),
		cmocka_unit_test(test_first_counts),     cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
