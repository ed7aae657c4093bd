/* SPDX-License-Identifier: Apache-2.0 */
/* Every message of the call flows of RFC 3665 and RFC 5359 reads well, and its answer reads back. */
#include "tests/unit/sig/sip/data.h"

#include "sig/sip/message.h"

enum { FILE_MAX = 70000 };

static void check_answer(const char *where, struct sip_message *m)
{
	static char out[FILE_MAX];
	struct writer w = writer_over(out, sizeof(out));
	struct message_error error;
	struct sip_message back;

	m->hop.remote = (struct addr){ .ip = { 192, 0, 2, 1 }, .port = 5060, .family = ADDR_V4 };
	message_write_response(&w, m, 200, NULL, BYTES_LIT("t"), bytes_str(NULL), bytes_str(NULL),
			       bytes_str(NULL));
	ROW_ASSERT(where, message_parse(&back, writer_done(&w), &error) == 0);
	ROW_ASSERT(where, back.method == m->method && back.cseq == m->cseq);
	ROW_ASSERT(where, bytes_eq(back.call_id, m->call_id));
	ROW_ASSERT(where, bytes_eq(back.via.branch, m->via.branch));
	ROW_ASSERT(where, back.via_count == m->via_count);
	ROW_ASSERT(where, bytes_eq(back.from.tag, m->from.tag));
	ROW_ASSERT(where, bytes_is(back.to.tag, "t") || bytes_eq(back.to.tag, m->to.tag));
	message_close(&back);
}

static void check_message(const char *where, struct bytes text)
{
	struct message_error error;
	struct sip_message m;

	if (message_parse(&m, text, &error)) {
		/* RFC 5359 2.10 F3, F6: only a status line is printed */
		if (!bytes_is(text, "SIP/2.0 200 OK\r\n\r\n"))
			fail_msg("%s: %s", where, error.reason);
		return;
	}
	ROW_ASSERT(where, m.method != SIP_UNKNOWN);
	if (m.request)
		check_answer(where, &m);
	message_close(&m);
}

/* "#MSG <id> octets=<N> | <text>" LF, N octets, LF */
static unsigned check_flow(const char *path)
{
	static uint8_t buf[FILE_MAX];
	struct bytes rest = data_read(path, buf, sizeof(buf));
	struct bytes line;
	unsigned count = 0;

	while (bytes_cut(&rest, '\n', &line)) {
		char where[256];
		char head[64];
		char id[16];
		size_t n;

		(void)bytes_cstr(bytes_sub(line, 0, bytes_find(line, '|')), head, sizeof(head));
		if (sscanf(head, "#MSG %15s octets=%zu", id, &n) != 2)
			fail_msg("%s: %s", path, head);
		(void)snprintf(where, sizeof(where), "%s %s", path, id);
		check_message(where, bytes_sub(rest, 0, n));
		rest = bytes_from(rest, n + 1);
		count++;
	}
	return count;
}

static unsigned check_flows(const char *rfc, unsigned section, unsigned first, unsigned last)
{
	unsigned count = 0;

	for (unsigned i = first; i <= last; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "data/sip-flows/%s-%u.%u.flow", rfc, section, i);
		count += check_flow(path);
	}
	return count;
}

static void test_rfc3665(void **state)
{
	(void)state;
	assert_int_equal(check_flows("rfc3665", 2, 1, 5) + check_flows("rfc3665", 3, 1, 11), 181);
}

static void test_rfc5359(void **state)
{
	(void)state;
	assert_int_equal(check_flows("rfc5359", 2, 1, 18), 324);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3665),
		cmocka_unit_test(test_rfc5359),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
