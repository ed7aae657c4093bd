/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests meet in one transaction: RFC 3261 17.2.3, 17.1.3. */
#include "tests/unit/test.h"

#include "base/table.h"
#include "sig/sip/txn.h"

static const struct hash_key KEY = { 1, 2 };

static uint64_t hash_of(const char *method, const char *via, const char *from_tag,
			const char *to_tag, const char *call_id, unsigned cseq)
{
	struct message_error error;
	struct sip_message m;
	char text[1024];
	uint64_t hash;

	(void)snprintf(text, sizeof(text),
		       "%s sip:a@b SIP/2.0\r\nVia: %s\r\nFrom: <sip:x@y>;tag=%s\r\n"
		       "To: <sip:a@b>%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n\r\n",
		       method, via, from_tag, to_tag, call_id, cseq, method);
	if (message_parse(&m, bytes_str(text), &error))
		fail_msg("%s", error.reason);
	hash = txn_server_hash(&KEY, &m, m.method);
	message_close(&m);
	return hash;
}

#define VIA     "SIP/2.0/UDP h:5070;branch=z9hG4bKx"
#define OLD_VIA "SIP/2.0/UDP h:5070;branch=x"

static void test_server(void **state)
{
	static const struct {
		const char *name, *method, *via, *from_tag, *to_tag, *call_id;
		unsigned cseq;
		bool same; /* as the INVITE with VIA or OLD_VIA */
		bool old;
	} rows[] = {
		{ "itself", "INVITE", VIA, "f", "", "c", 1, true, false },
		{ "ACK to a failure", "ACK", VIA, "f", ";tag=t", "c", 1, true, false },
		{ "only the branch counts", "INVITE", VIA, "g", ";tag=t", "d", 9, true, false },
		{ "host in capitals", "INVITE", "SIP/2.0/UDP H:5070;branch=z9hG4bKx", "f", "", "c", 1,
		  true, false },
		{ "cookie in capitals is a cookie", "INVITE", "SIP/2.0/UDP h:5070;branch=Z9HG4BKx",
		  "f", "", "c", 1, false, false },
		{ "other branch", "INVITE", VIA "y", "f", "", "c", 1, false, false },
		{ "other sent-by", "INVITE", "SIP/2.0/UDP i:5070;branch=z9hG4bKx", "f", "", "c", 1,
		  false, false },
		{ "other port", "INVITE", "SIP/2.0/UDP h:5071;branch=z9hG4bKx", "f", "", "c", 1,
		  false, false },
		{ "no port", "INVITE", "SIP/2.0/UDP h;branch=z9hG4bKx", "f", "", "c", 1, false,
		  false },
		{ "CANCEL is its own", "CANCEL", VIA, "f", "", "c", 1, false, false },
		{ "BYE", "BYE", VIA, "f", "", "c", 1, false, false },
		{ "unknown method", "FOO", VIA, "f", "", "c", 1, false, false },
		{ "2543 itself", "INVITE", OLD_VIA, "f", "", "c", 1, true, true },
		{ "2543 ACK with a tag", "ACK", OLD_VIA, "f", ";tag=t", "c", 1, true, true },
		{ "2543 other Via", "INVITE", OLD_VIA ";y", "f", "", "c", 1, false, true },
		{ "2543 other From tag", "INVITE", OLD_VIA, "g", "", "c", 1, false, true },
		{ "2543 other Call-ID", "INVITE", OLD_VIA, "f", "", "d", 1, false, true },
		{ "2543 other CSeq", "INVITE", OLD_VIA, "f", "", "c", 2, false, true },
		{ "2543 other method", "BYE", OLD_VIA, "f", "", "c", 1, false, true },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint64_t wanted = hash_of("INVITE", row->old ? OLD_VIA : VIA, "f", "", "c", 1);
		uint64_t have = hash_of(row->method, row->via, row->from_tag, row->to_tag,
					row->call_id, row->cseq);

		ROW_ASSERT(row->name, (have == wanted) == row->same);
	}
	assert_true(hash_of("FOO", VIA, "f", "", "c", 1) != hash_of("BAR", VIA, "f", "", "c", 1));
}

/* What belongs to one part cannot slide into the next. */
static void test_server_parts(void **state)
{
	(void)state;
	assert_true(hash_of("BYE", OLD_VIA, "ab", "", "c", 1) !=
		    hash_of("BYE", OLD_VIA, "a", "", "bc", 1));
	assert_true(hash_of("BYE", "SIP/2.0/UDP h;branch=z9hG4bKab", "f", "", "c", 1) !=
		    hash_of("BYE", "SIP/2.0/UDP bh;branch=z9hG4bKa", "f", "", "c", 1));
}

static void test_client(void **state)
{
	static const struct hash_key other = { 1, 3 };
	uint64_t hash = txn_client_hash(&KEY, BYTES_LIT("z9hG4bKx"), SIP_INVITE);

	(void)state;
	assert_true(hash == txn_client_hash(&KEY, BYTES_LIT("z9hG4bKx"), SIP_INVITE));
	assert_true(hash != txn_client_hash(&KEY, BYTES_LIT("z9hG4bKy"), SIP_INVITE));
	assert_true(hash != txn_client_hash(&KEY, BYTES_LIT("z9hG4bKx"), SIP_CANCEL));
	assert_true(hash != txn_client_hash(&other, BYTES_LIT("z9hG4bKx"), SIP_INVITE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_server_parts),
		cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
