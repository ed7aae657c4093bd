/* SPDX-License-Identifier: Apache-2.0 */
/* An extension whose phones may hold nobody (FEATURES REG-05): the offer is refused, and the call goes on as it was. */
#include "tests/unit/sig/line.h"

#define SDP(who, host, port, lines)                                                     \
	"v=0\r\no=" who " 1 2 IN IP4 192.0.2." host "\r\ns=-\r\nc=IN IP4 192.0.2." host \
	"\r\nt=0 0\r\nm=audio " port " RTP/AVP 8\r\n" lines
#define SDP_A(direction) SDP("a", "11", "4000", "a=" direction "\r\n")
#define SDP_B(direction) SDP("b", "12", "5000", "a=" direction "\r\n")
#define SDP_NOWHERE                                                                \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8\r\n"

static void permit(struct line *l, bool hold)
{
	struct shard_extension e = rig_extension("1001", false);

	e.no_hold = !hold;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
}

static int talking(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	permit(l, false);
	return 0;
}

static void assert_talks(const struct line *l)
{
	for (uint8_t leg = 0; leg < 2; leg++) {
		assert_int_equal(line_last_spec(l->r, leg).send, 1);
		assert_int_equal(line_last_spec(l->r, leg).receive, 1);
	}
}

/* The other one is asked, and takes it. */
static void takes(struct line *l, struct phone *p, struct phone *other, const char *offer,
		  const char *answer)
{
	struct bytes m;

	phone_request(p, "INVITE", "", offer);
	m = rig_take(l->r, &other->addr, "INVITE ");
	assert_true(m.n);
	phone_answer(other, m, "200 OK", answer);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	assert_true(rig_take(l->r, &other->addr, "ACK ").n);
}

/* RFC 3261 14.2: the session is what it was. */
static void refused(void **state)
{
	static const struct {
		const char *method, *offer;
	} rows[] = {
		{ "INVITE", SDP_A("sendonly") }, { "INVITE", SDP_A("inactive") },
		{ "INVITE", SDP_NOWHERE },	 { "UPDATE", SDP_A("sendonly") },
		{ "UPDATE", SDP_A("inactive") },
	}, *row;
	struct line *l = *state;
	uint32_t invites = rig_count(l->r, &l->b.addr, "INVITE "), media = l->r->media_count;

	EACH_ROW(row, rows)
	{
		struct bytes m;

		phone_request(&l->a, row->method, "", row->offer);
		m = phone_hears(&l->a, "SIP/2.0 403");
		ROW_ASSERT(row->offer, rig_has(m, "\"the extension may not hold\"\r\n"));
		if (!strcmp(row->method, "INVITE"))
			phone_write(&l->a, "ACK", "", "");
		rig_wait_ms(l->r, 1000);
		ROW_ASSERT(row->offer, rig_count(l->r, &l->b.addr, "INVITE ") == invites);
		ROW_ASSERT(row->offer, l->r->media_count == media);
	}
	takes(l, &l->a, &l->b, SDP_A("sendrecv"), SDP_B("sendrecv"));
	assert_talks(l);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* What cannot be read is no hold. */
static void broken(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", "v=0\r\n");
	assert_false(phone_hears(&l->a, "SIP/2.0 403").n);
	phone_write(&l->a, "ACK", "", "");
}

/* Who only listens holds nobody. */
static void no_hold(void **state)
{
	struct line *l = *state;

	takes(l, &l->a, &l->b, SDP_A("recvonly"), SDP_B("sendonly"));
	takes(l, &l->a, &l->b, SDP_A("sendrecv"), SDP_B("sendrecv"));
	assert_talks(l);
}

static void the_other_may(void **state)
{
	struct line *l = *state;

	takes(l, &l->b, &l->a, SDP_B("sendonly"), SDP_A("recvonly"));
	assert_int_equal(line_last_spec(l->r, 1).send, 0);
}

/* It held when it was allowed: it says so once more, and takes the other one back, but never again. */
static void held_before(void **state)
{
	struct line *l = *state;

	permit(l, true);
	takes(l, &l->a, &l->b, SDP_A("sendonly"), SDP_B("recvonly"));
	permit(l, false);
	takes(l, &l->a, &l->b, SDP_A("sendonly"), SDP_B("recvonly"));
	assert_int_equal(line_last_spec(l->r, 0).send, 0);
	takes(l, &l->a, &l->b, SDP_A("sendrecv"), SDP_B("sendrecv"));
	assert_talks(l);
	phone_request(&l->a, "INVITE", "", SDP_A("sendonly"));
	assert_true(phone_hears(&l->a, "SIP/2.0 403").n);
	phone_write(&l->a, "ACK", "", "");
	assert_talks(l);
}

static void by_command(void **state)
{
	struct call_view view;
	struct line *l = *state;
	uint32_t cursor = 0;

	assert_true(shard_call_next(l->r->shard, &cursor, &view));
	assert_int_equal(shard_call_hold(l->r->shard, view.call, 0, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "INVITE "), "a=sendonly\r\n"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, talking, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refused),       TEST(broken),      TEST(no_hold),
		TEST(the_other_may), TEST(held_before), TEST(by_command),
	};

	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
