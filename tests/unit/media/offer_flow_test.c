/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The examples of RFC 4317 with us in the middle: the offer of each pair goes through offer_forward, the answer as the
 * RFC prints it through offer_answer. Host names, which we refuse, are replaced by addresses.
 */
#include "tests/unit/media/data.h"

#include "media/offer/offer.h"
#include "tests/offer_answer.h"

struct flow {
	uint8_t text[32768];
	struct bytes rest;
};

/* In place of "host.atlanta.example.com" and the like. */
static size_t with_addresses(struct bytes in, uint8_t *out, size_t cap)
{
	static const struct {
		const char *name, *address;
	} hosts[] = {
		{ "host.atlanta.example.com", "192.0.2.1" },
		{ "host.biloxi.example.com", "192.0.2.2" },
		{ "placeholder.biloxi.example.com", "192.0.2.3" },
		{ "newhost.biloxi.example.com", "192.0.2.4" },
		{ "otherhost.biloxi.example.com", "192.0.2.5" },
		{ "mediaserver.biloxi.example.com", "192.0.2.6" },
	};
	struct writer w = writer_over(out, cap);

	while (in.n) {
		size_t skip = 0;

		for (size_t i = 0; i < COUNT_OF(hosts) && !skip; i++) {
			if (!bytes_starts(in, hosts[i].name))
				continue;
			writer_str(&w, hosts[i].address);
			skip = strlen(hosts[i].name);
		}
		if (!skip)
			writer_u8(&w, in.p[0]);
		in = bytes_from(in, skip ? skip : 1);
	}
	assert_false(w.overflow);
	assert_null(memmem(out, w.n, "example", 7));
	return w.n;
}

/* "#MSG 2.1-1 octets=288 | title | Offer", LF, the octets, LF. False at the end. */
static bool flow_next(struct flow *f, char name[16], uint8_t *body, size_t cap, size_t *n)
{
	struct bytes head, word;
	uint32_t octets;

	if (!bytes_cut(&f->rest, '\n', &head))
		return false;
	assert_true(bytes_cut(&head, ' ', &word) && bytes_is(word, "#MSG"));
	assert_true(bytes_cut(&head, ' ', &word));
	assert_int_equal(bytes_cstr(word, name, 16), 0);
	assert_true(bytes_cut(&head, ' ', &word) && bytes_starts(word, "octets="));
	assert_int_equal(bytes_u32(bytes_from(word, 7), &octets), 0);
	*n = with_addresses(bytes_sub(f->rest, 0, octets), body, cap);
	f->rest = bytes_from(f->rest, octets + 1);
	return true;
}

/* "audio 30000 0 97 sendrecv;video 0 31;": what A is told. */
static void write_lines(struct writer *w, struct bytes sdp)
{
	struct bytes line;

	while (bytes_cut(&sdp, '\n', &line)) {
		line = bytes_trim(line);
		if (bytes_starts(line, "m=")) {
			size_t proto =
				(size_t)((const uint8_t *)memmem(line.p, line.n, " RTP/AVP", 8) -
					 line.p);

			writer_bytes(w, bytes_sub(line, 2, proto - 2));
			writer_bytes(w, bytes_from(line, proto + 8));
			writer_str(w, bytes_starts(bytes_from(line, 8), "0 ") ? ";" : " ");
		}
		for (size_t i = 0; i < 4; i++) {
			static const char *const directions[] = { "a=sendrecv", "a=sendonly",
								  "a=recvonly", "a=inactive" };

			if (!bytes_is(line, directions[i]))
				continue;
			writer_str(w, directions[i] + 2);
			writer_str(w, ";");
		}
	}
}

static void write_rules(struct writer *w, const struct media_plan *plan)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		for (uint8_t k = 0; k < plan->line[i].a.rule_count; k++) {
			writer_fmt(w, " %u>%u", plan->line[i].a.rules[k].in,
				   plan->line[i].a.rules[k].out);
		}
	}
}

static void run_pair(struct bytes offer, struct bytes answer, struct writer *got)
{
	const struct offer_policy policy = { .event_pt = 101, .sdp_max = 4096 };
	struct offer_self self = { .rtp_port = { 30000, 30002, 30004, 30006 } };
	static uint8_t offer_b[4096], answer_a[4096];
	struct writer to_b = writer_over(offer_b, sizeof(offer_b));
	struct writer to_a = writer_over(answer_a, sizeof(answer_a));
	struct offer_error error = { 0 };
	struct media_plan plan;

	assert_int_equal(addr_parse(&self.address, BYTES_LIT("203.0.113.1")), 0);
	if (offer_forward(offer, &policy, &self, &to_b, &error) ||
	    offer_answer(offer, writer_done(&to_b), answer, &policy, &self, &to_a, &plan, &error)) {
		writer_fmt(got, "%u %s", error.status, error.reason);
		return;
	}
	write_lines(got, writer_done(&to_a));
	write_rules(got, &plan);
}

/* Audio as the RFC's answers have it, under A's numbers; video is off here. Then the rules from A to B. */
static const struct {
	const char *pair, *want;
} g_rows[] = {
	{ "2.1-1", "audio 30000 0 sendrecv;video 0 31 32; 0>0" },
	{ "2.2-1", "audio 30000 0 8 sendrecv;video 0 31 32; 0>0 8>8" },
	{ "2.2-3", "audio 30000 0 sendrecv;video 0 31; 0>0" },
	{ "2.3-1", "audio 30000 97 sendrecv;video 0 31 32; 97>99" },
	{ "2.4-1", "audio 30000 97 sendrecv;audio 30002 98 recvonly; 97>97 98>98" },
	{ "2.5-1", "audio 30000 97 sendrecv;video 0 31; 97>97" },
	{ "2.5-3", "audio 30000 97 sendrecv;video 0 31; 97>97" },
	{ "2.6-1", "audio 0 0;audio 30002 97 101 sendrecv; 97>97 101>101" },
	{ "2.7-1", "audio 30000 99 sendrecv;video 0 31; 99>99" },
	{ "2.7-3", "audio 30000 99 sendrecv;video 0 31 32; 99>99" },
	{ "2.8-1", "audio 30000 0 sendrecv;video 0 31 32; 0>0" },
	{ "3.1-1", "audio 30000 97 sendonly; 97>97" },
	{ "3.1-3", "audio 30000 97 sendrecv; 97>97" },
	{ "3.2-1", "audio 30000 97 sendrecv;audio 30002 98 recvonly; 97>97 98>98" },
	{ "3.2-3", "audio 30000 97 recvonly;audio 30002 98 sendonly; 97>97 98>98" },
	{ "4.1-1", "audio 30000 97 sendrecv; 97>97" },
	{ "4.1-3", "audio 30000 97 sendrecv;audio 30002 98 sendonly; 97>97 98>98" },
	{ "4.2-1", "audio 30000 0 sendrecv; 0>0" },
	{ "4.2-3", "audio 30000 0 sendrecv;video 0 31; 0>0" },
	{ "4.3-1", "audio 30000 97 sendrecv;video 0 31; 97>97" },
	{ "4.3-3", "audio 30000 97 sendrecv;video 0 31; 97>97" },
	{ "5.1-1", "" },
	{ "5.1-3", "audio 30000 97 sendrecv; 97>97" },
	{ "5.2-1", "audio 30000 97 recvonly; 97>97" },
	{ "5.2-3", "audio 30000 97 sendrecv; 97>97" },
	{ "5.3-1", "audio 30000 97 sendonly; 97>97" },
	{ "5.3-3", "audio 30000 97 sendrecv; 97>97" },
};

static void test_rfc4317(void **state)
{
	static struct flow f;
	char offer_name[16], answer_name[16];
	uint8_t offer[1024], answer[1024];
	size_t offer_n, answer_n, row = 0;

	(void)state;
	f.rest = data_read("data/sdp/rfc4317-offer-answer.flow", f.text, sizeof(f.text));
	while (flow_next(&f, offer_name, offer, sizeof(offer), &offer_n)) {
		uint8_t buf[256];
		struct writer got = writer_over(buf, sizeof(buf));

		assert_true(flow_next(&f, answer_name, answer, sizeof(answer), &answer_n));
		run_pair(bytes_mem(offer, offer_n), bytes_mem(answer, answer_n), &got);
		assert_in_range(row, 0, COUNT_OF(g_rows) - 1);
		assert_string_equal(offer_name, g_rows[row].pair);
		if (!bytes_is(writer_done(&got), g_rows[row].want))
			fail_msg("%s: " BYTES_FMT, offer_name, BYTES_ARG(writer_done(&got)));
		row++;
	}
	assert_int_equal(row, COUNT_OF(g_rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc4317),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
