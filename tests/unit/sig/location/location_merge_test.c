/* SPDX-License-Identifier: Apache-2.0 */
/* Two accounts of one address of record become one (location_merge.h). */
#include "sig/location/locations_state.h"

#include "sig/location/registrar.h"
#include "tests/unit/test.h"

/* A phone is named by its Contact, or by its instance. */
struct one {
	const char *contact, *call_id, *instance;
	uint32_t reg_id, cseq;
	uint64_t at_ms;
	bool stored;
};

static void add(struct aor *a, const struct one *o)
{
	struct binding b = { .reg_id = o->reg_id,
			     .cseq = o->cseq,
			     .registered_utc_ms = o->at_ms,
			     .expires_utc_ms = 1000000,
			     .stored = o->stored };

	assert_int_equal(text_set(&b.contact, bytes_str(o->contact)), 0);
	assert_int_equal(text_set(&b.call_id, bytes_str(o->call_id)), 0);
	assert_int_equal(text_set(&b.instance, bytes_str(o->instance)), 0);
	assert_int_equal(aor_append(a, &b), 0);
}

/* Which CSeq of which phone is left of the two: "contact:cseq", joined by spaces. */
static const char *merged(const struct one *ours, const struct one *theirs, const struct one *left,
			  uint64_t written_ms, bool ours_count)
{
	static char text[256];
	struct aor a = { 0 }, b = { .written_utc_ms = written_ms }, gone = { 0 };
	size_t n = 0;

	text[0] = '\0';
	for (; ours && ours->contact; ours++)
		add(&a, ours);
	for (; theirs && theirs->contact; theirs++)
		add(&b, theirs);
	for (; left && left->contact; left++)
		add(&gone, left);
	assert_int_equal(aor_merge(&a, &b, left ? &gone : NULL, ours_count), 0);
	for (uint32_t i = 0; i < a.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s:%u", i ? " " : "",
				      text_str(&a.bindings[i].contact), a.bindings[i].cseq);
	aor_clear(&a);
	aor_clear(&b);
	aor_clear(&gone);
	return text;
}

#define LIST(...) ((const struct one[]){ __VA_ARGS__, { 0 } })

/* RFC 3261 10.3 step 7: CSeq orders what has one Call-ID, whatever a clock says. */
static void cseq_in_a_call_id(void **state)
{
	(void)state;
	assert_string_equal(merged(LIST({ "sip:a", "c", "", 0, 5, 100 }),
				   LIST({ "sip:a", "c", "", 0, 4, 900 }), NULL, 0, true),
			    "sip:a:5");
	assert_string_equal(merged(LIST({ "sip:a", "c", "", 0, 4, 900 }),
				   LIST({ "sip:a", "c", "", 0, 5, 100 }), NULL, 0, true),
			    "sip:a:5");
	/* a phone that was started anew begins to count again */
	assert_string_equal(merged(LIST({ "sip:a", "c", "", 0, 1, 900 }),
				   LIST({ "sip:a", "d", "", 0, 7, 100 }), NULL, 0, true),
			    "sip:a:1");
	assert_string_equal(merged(LIST({ "sip:a", "c", "", 0, 9, 100 }),
				   LIST({ "sip:a", "d", "", 0, 2, 900 }), NULL, 0, true),
			    "sip:a:2");
}

/* A REGISTER that has come again is no newer: what the store has stays. */
static void equally_new(void **state)
{
	(void)state;
	assert_string_equal(merged(LIST({ "sip:ours", "c", "<i>", 0, 5, 100 }),
				   LIST({ "sip:theirs", "c", "<i>", 0, 5, 100 }), NULL, 0, true),
			    "sip:theirs:5");
	assert_string_equal(merged(LIST({ "sip:ours", "c", "<i>", 0, 7, 100 }),
				   LIST({ "sip:theirs", "d", "<i>", 0, 5, 100 }), NULL, 0, true),
			    "sip:theirs:5");
	assert_string_equal(merged(NULL, LIST({ "sip:a", "c", "", 0, 5, 100 }),
				   LIST({ "sip:a", "c", "", 0, 5, 100 }), 0, true),
			    "");
}

/* What a REGISTER takes away has its CSeq from then on, if it is of its Call-ID, and its time. */
static void left_with_its_number(void **state)
{
	struct aor before = { 0 }, after = { 0 }, left = { 0 };
	struct sip_message m = { .cseq = 9, .call_id = BYTES_LIT("c") };

	(void)state;
	add(&before, &(const struct one){ "sip:a", "c", "", 0, 4, 10, false });
	add(&before, &(const struct one){ "sip:b", "d", "", 0, 5, 10, false });
	assert_int_equal(aor_note_left(&left, &before, &after, &m, 50), 0);
	assert_int_equal(left.count, 2);
	assert_int_equal(left.bindings[0].cseq, 9);
	assert_int_equal(left.bindings[1].cseq, 5);
	assert_int_equal(left.bindings[1].registered_utc_ms, 50);
	aor_clear(&before);
	aor_clear(&left);
}

/* A record knows no connection: what is the same REGISTER, from the same place, has ours. */
static void connections(void **state)
{
	static const struct {
		const char *name, *from;
		uint32_t cseq;
		uint64_t connection;
	} rows[] = {
		{ "the same REGISTER", "192.0.2.11:5060", 5, 7 },
		{ "a later one, that came to another node", "192.0.2.11:5060", 6, 0 },
		{ "an older one", "192.0.2.11:5060", 4, 0 },
		{ "from elsewhere", "192.0.2.12:5060", 5, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct aor ours = { 0 }, theirs = { 0 };

		add(&ours, &(const struct one){ "sip:a", "c", "", 0, 5, 10, false });
		add(&theirs, &(const struct one){ "sip:a", "c", "", 0, rows[i].cseq, 10, false });
		assert_int_equal(
			addr_parse(&ours.bindings[0].hop.remote, BYTES_LIT("192.0.2.11:5060")), 0);
		assert_int_equal(
			addr_parse(&theirs.bindings[0].hop.remote, bytes_str(rows[i].from)), 0);
		ours.bindings[0].hop.connection = 7;
		assert_int_equal(aor_merge(&ours, &theirs, NULL, false), 0);
		ROW_ASSERT(rows[i].name, ours.count == 1);
		ROW_ASSERT(rows[i].name, ours.bindings[0].hop.connection == rows[i].connection);
		aor_clear(&ours);
	}
}

static void alike_by_instance(void **state)
{
	(void)state;
	assert_string_equal(merged(LIST({ "sip:new", "c", "<i>", 0, 5, 0 }),
				   LIST({ "sip:old", "c", "<i>", 0, 4, 0 }), NULL, 0, true),
			    "sip:new:5");
	assert_string_equal(merged(LIST({ "sip:new", "c", "<i>", 1, 5, 0 }),
				   LIST({ "sip:old", "c", "<i>", 2, 4, 0 }), NULL, 0, true),
			    "sip:old:4 sip:new:5");
	assert_string_equal(merged(LIST({ "sip:new", "c", "<i>", 2, 5, 0 }),
				   LIST({ "sip:old", "c", "<i>", 2, 4, 0 }), NULL, 0, true),
			    "sip:new:5");
}

static void ours_that_they_do_not_have(void **state)
{
	const struct one *ours =
		LIST({ "sip:a", "c", "", 0, 1, 10 }, { "sip:b", "d", "", 0, 2, 20 });
	const struct one *theirs = LIST({ "sip:x", "e", "", 0, 3, 30 });

	(void)state;
	assert_string_equal(merged(ours, theirs, NULL, 99, true), "sip:x:3 sip:a:1 sip:b:2");
	assert_string_equal(merged(ours, theirs, NULL, 99, false), "sip:x:3");
}

/* What they knew of and do not have any more has left there, unless it came to us after that. */
static void left_there(void **state)
{
	const struct one *theirs = LIST({ "sip:x", "e", "", 0, 3, 30 });

	(void)state;
	assert_string_equal(merged(LIST({ "sip:a", "c", "", 0, 1, 10, true }), theirs, NULL, 50,
				   true),
			    "sip:x:3");
	assert_string_equal(merged(LIST({ "sip:a", "c", "", 0, 1, 60, true }), theirs, NULL, 50,
				   true),
			    "sip:x:3 sip:a:1");
}

/* What left us goes there, unless it came back to them after that. */
static void left_here(void **state)
{
	const struct one *old =
		LIST({ "sip:a", "c", "", 0, 4, 10 }, { "sip:b", "d", "", 0, 1, 10 });

	(void)state;
	assert_string_equal(merged(NULL, old, LIST({ "sip:a", "c", "", 0, 5, 20 }), 0, true),
			    "sip:b:1");
	assert_string_equal(merged(NULL, old, LIST({ "sip:a", "c", "", 0, 3, 20 }), 0, true),
			    "sip:a:4 sip:b:1");
	assert_string_equal(merged(NULL, old, LIST({ "sip:b", "e", "", 0, 1, 20 }), 0, true),
			    "sip:a:4");
	assert_string_equal(merged(NULL, old, LIST({ "sip:b", "e", "", 0, 1, 5 }), 0, true),
			    "sip:a:4 sip:b:1");
	/* and is there again by us */
	assert_string_equal(merged(LIST({ "sip:a", "c", "", 0, 6, 30 }), old,
				   LIST({ "sip:a", "c", "", 0, 5, 20 }), 0, true),
			    "sip:b:1 sip:a:6");
	/* another Contact of the same phone stays */
	assert_string_equal(
		merged(NULL,
		       LIST({ "sip:a", "c", "<i>", 0, 4, 10 }, { "sip:b", "c", "<i>", 0, 4, 10 }),
		       LIST({ "sip:a", "c", "<i>", 0, 5, 20 }), 0, true),
		"sip:b:4");
	/* also one of ours that is older than what has left: that is gone before the two are compared */
	assert_string_equal(merged(LIST({ "sip:b", "c", "<i>", 0, 3, 5 }),
				   LIST({ "sip:a", "c", "<i>", 0, 4, 10 }),
				   LIST({ "sip:a", "c", "<i>", 0, 5, 20 }), 0, true),
			    "sip:b:3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cseq_in_a_call_id),
		cmocka_unit_test(equally_new),
		cmocka_unit_test(left_with_its_number),
		cmocka_unit_test(connections),
		cmocka_unit_test(alike_by_instance),
		cmocka_unit_test(ours_that_they_do_not_have),
		cmocka_unit_test(left_there),
		cmocka_unit_test(left_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
