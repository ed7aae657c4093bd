/* SPDX-License-Identifier: Apache-2.0 */
/* What is written in one pass is what protobuf-c writes, octet for octet, and nothing is written beyond the writer's end. */
#include "sig/record/proto.h"

#include "sig/call.pb-c.h"
#include "tests/unit/sig/record/golden.h"

enum { ROOM = 65536 };

static uint8_t g_ours[ROOM + 1], g_theirs[ROOM];

static void assert_same(const char *name, const Tandem__Call__Call *c)
{
	size_t n = tandem__call__call__get_packed_size(c);
	struct schema_writer w = { .start = g_ours, .at = g_ours + ROOM };

	ROW_ASSERT(name, n <= sizeof(g_theirs));
	(void)tandem__call__call__pack(c, g_theirs);
	ROW_ASSERT(name, proto_write(&w, &c->base, NULL) && !w.overflow);
	ROW_ASSERT(name, bytes_eq(bytes_mem(w.at, (size_t)(g_ours + ROOM - w.at)),
				  bytes_mem(g_theirs, n)));
}

static void assert_bounded(const char *name, const Tandem__Call__Call *c)
{
	size_t n = tandem__call__call__get_packed_size(c);

	for (size_t cap = 0; cap < n; cap++) {
		struct schema_writer w = { .start = g_ours, .at = g_ours + cap };

		g_ours[cap] = 0xa5;
		ROW_ASSERT(name,
			   proto_write(&w, &c->base, NULL) && w.overflow && g_ours[cap] == 0xa5);
	}
}

static void of_earlier_builds(void **state)
{
	static const char *const kinds[] = { "ringing", "answered", "established", "held", "ending",
					     "forking", "losing",   "secure",      "won" };
	uint8_t record[4096];
	unsigned count = 0;

	(void)state;
	for (int version = 1; version <= 2; version++) {
		for (size_t i = 0; i < COUNT_OF(kinds); i++) {
			size_t n =
				golden_read(golden_name(version, kinds[i]), record, sizeof(record));
			Tandem__Call__Call *c =
				n ? tandem__call__call__unpack(NULL, n, record) : NULL;

			if (!c)
				continue;
			count++;
			assert_same(kinds[i], c);
			assert_bounded(kinds[i], c);
			tandem__call__call__free_unpacked(c, NULL);
		}
	}
	assert_int_equal(count, 9);
}

/* Numbers at their ends, lengths of one, two and three octets, lists with empty members, fields of a later program. */
static void at_the_ends(void **state)
{
	static uint8_t long_text[20000];
	uint8_t later[] = { 1, 2, 3 };
	ProtobufCMessageUnknownField unknown = {
		.tag = 5000,
		.wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
		.len = sizeof(later),
		.data = later,
	};
	static const size_t lengths[] = { 0, 1, 100, 126, 127, 128, 129, 16000, 16383, 16384 };
	Tandem__Call__Call c;
	Tandem__Call__Leg leg, empty, *legs[] = { &leg, &empty };
	Tandem__Call__Terms terms;
	char none[] = "", some[] = "PCMA", *codecs[] = { some, none };

	(void)state;
	tandem__call__call__init(&c);
	assert_same("nothing", &c);
	tandem__call__leg__init(&leg);
	tandem__call__leg__init(&empty);
	tandem__call__terms__init(&terms);
	terms.codecs = codecs;
	terms.n_codecs = COUNT_OF(codecs);
	leg.terms = &terms;
	leg.base.unknown_fields = &unknown;
	leg.base.n_unknown_fields = 1;
	leg.state = (Tandem__Call__LegState)-1;
	c.legs = legs;
	c.n_legs = COUNT_OF(legs);
	c.id = UINT64_MAX;
	c.version = 0x80;
	c.clock_offset_ms = INT64_MIN;
	c.base.unknown_fields = &unknown;
	c.base.n_unknown_fields = 1;
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		leg.user = (ProtobufCBinaryData){ .len = lengths[i], .data = long_text };
		assert_same("of some length", &c);
		assert_bounded("of some length", &c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_earlier_builds),
		cmocka_unit_test(at_the_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
