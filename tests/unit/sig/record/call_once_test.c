/* SPDX-License-Identifier: Apache-2.0 */
/* What a record has once though its leg has it twice: it is short, it is whole after a kill, and no record of strangers leads astray. */
#include <errno.h>

#include "sig/call.pb-c.h"
#include "sig/record/call_record.h"
#include "tests/unit/sig/line.h"

/* A goes on at another address. */
#define SDP_A_AGAIN                                                                   \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4400 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

static void make_offered(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
}

static void make_ringing(struct line *l)
{
	make_offered(l);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
}

static void make_answered(struct line *l)
{
	make_ringing(l);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
}

static void make_established(struct line *l)
{
	phones_talk(&l->a, &l->b);
}

static void make_asked_again(struct line *l)
{
	make_established(l);
	phone_request(&l->a, "INVITE", "", SDP_A_AGAIN);
}

static void make_asked_the_same(struct line *l)
{
	make_established(l);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
}

static void make_agreed_again(struct line *l)
{
	make_asked_again(l);
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PHONE_SDP_B);
}

/* sdps: of both parties, in force and on the way. octets: few enough. format: what an older program must not go on with. */
static const struct {
	const char *name;
	void (*make)(struct line *l);
	unsigned sdps;
	size_t octets;
	uint32_t format;
} rows[] = {
	{ "offered", make_offered, 2, 1870, CALL_RECORD_ONCE },
	{ "ringing", make_ringing, 2, 1870, CALL_RECORD_ONCE },
	{ "answered", make_answered, 4, 2120, CALL_RECORD_ONCE },
	{ "established", make_established, 4, 1300, CALL_RECORD_LEGS },
	{ "asked again", make_asked_again, 6, 2670, CALL_RECORD_ONCE },
	{ "asked the same", make_asked_the_same, 5, 2520, CALL_RECORD_ONCE },
	{ "agreed again", make_agreed_again, 7, 2770, CALL_RECORD_ONCE },
};

static struct line *line_make(void **state, size_t row)
{
	if (row) {
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(line_setup(state), 0);
	}
	rows[row].make(*state);
	return *state;
}

/* Where an SDP begins; two of the same session and version are the same. */
static struct bytes sdp_next(struct bytes *rest)
{
	const struct bytes begin = BYTES_LIT("v=0\r\no=");
	enum { HEAD = 40 };

	while (rest->n >= HEAD) {
		struct bytes here = bytes_sub(*rest, 0, HEAD);

		*rest = bytes_from(*rest, 1);
		if (bytes_eq(bytes_sub(here, 0, begin.n), begin))
			return here;
	}
	return (struct bytes){ 0 };
}

/* How many there are; none of them twice. */
static unsigned sdps_once(const char *name, struct bytes record)
{
	struct bytes sdp, other;
	unsigned count = 0;

	while ((sdp = sdp_next(&record)).n) {
		struct bytes rest = record;

		count++;
		while ((other = sdp_next(&rest)).n)
			ROW_ASSERT(name, !bytes_eq(sdp, other));
	}
	return count;
}

static uint32_t format_of(struct bytes record)
{
	Tandem__Call__Call *c = tandem__call__call__unpack(NULL, record.n, record.p);
	uint32_t format;

	assert_non_null(c);
	format = c->format;
	tandem__call__call__free_unpacked(c, NULL);
	return format;
}

/* What a party says, and what we say to it, stands in no record twice. */
static void each_text_once(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l = line_make(state, i);
		struct bytes record = text_bytes(&rig_record(l->r)->record);

		ROW_ASSERT(rows[i].name, sdps_once(rows[i].name, record) == rows[i].sdps);
		ROW_ASSERT(rows[i].name, record.n <= rows[i].octets);
		ROW_ASSERT(rows[i].name, format_of(record) == rows[i].format);
	}
}

static int restore(struct line *l, struct bytes record)
{
	const char *reason = "";
	int err;

	shard_close(l->r->shard);
	rig_start_shard(l->r);
	err = shard_restore_call(l->r->shard, record, l->r->now, &reason);
	assert_true(!err || reason[0]);
	return err;
}

/* The last message to a phone that begins so. */
static struct bytes last_to(struct line *l, const struct phone *p, const char *begin)
{
	for (uint32_t i = l->r->sent_count; i-- > 0;) {
		const struct rig_sent *s = &l->r->sent[i];

		if (addr_eq(&s->hop.remote, &p->addr) && bytes_starts(text_bytes(&s->data), begin))
			return text_bytes(&s->data);
	}
	return (struct bytes){ 0 };
}

/* The successor sends the very same message again. */
static void assert_said_again(struct line *l, const struct phone *p, const char *begin)
{
	struct bytes before = last_to(l, p, begin);
	uint32_t count = rig_count(l->r, &p->addr, begin);

	assert_true(rig_has(before, "\r\n\r\nv=0"));
	assert_int_equal(restore(l, text_bytes(&rig_record(l->r)->record)), 0);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	rig_wait_ms(l->r, 1000);
	assert_true(rig_count(l->r, &p->addr, begin) > count);
	assert_true(bytes_eq(last_to(l, p, begin), before));
}

static void whole_after_a_kill(void **state)
{
	struct line *l = line_make(state, 0);

	assert_said_again(l, &l->b, "INVITE ");
	l = line_make(state, 2);
	assert_said_again(l, &l->a, "SIP/2.0 200");
	l = line_make(state, 4);
	assert_said_again(l, &l->b, "INVITE ");
	l = line_make(state, 5);
	assert_said_again(l, &l->b, "INVITE ");
	l = line_make(state, 6);
	assert_said_again(l, &l->a, "SIP/2.0 200");
}

static void no_such_tail(Tandem__Call__Call *c)
{
	c->legs[1]->asked->sent_tail = (Tandem__Call__Tail)3;
}
static void tail_of_nothing(Tandem__Call__Call *c)
{
	c->legs[1]->asked->sent_tail = TANDEM__CALL__TAIL__TAIL_SDP;
}
static void tail_of_an_empty_text(Tandem__Call__Call *c)
{
	c->legs[1]->open->local.len = 0;
}
static void tail_alone(Tandem__Call__Call *c)
{
	c->legs[1]->asked->sent.len = 0;
}
static void no_tail(Tandem__Call__Call *c)
{
	c->legs[1]->asked->sent_tail = TANDEM__CALL__TAIL__NO_TAIL;
}
static void again_of_nothing(Tandem__Call__Call *c)
{
	c->legs[1]->open->local_again = true;
}

static void broken(void **state)
{
	static const struct {
		const char *name;
		void (*harm)(Tandem__Call__Call *c);
	} harms[] = {
		{ "no such tail", no_such_tail },
		{ "tail of nothing", tail_of_nothing },
		{ "tail of an empty text", tail_of_an_empty_text },
		{ "tail alone", tail_alone },
		{ "no tail", no_tail },
		{ "again of nothing", again_of_nothing },
	};
	struct line *l = line_make(state, 0);
	struct bytes good = text_bytes(&rig_record(l->r)->record);

	for (size_t i = 0; i < COUNT_OF(harms); i++) {
		Tandem__Call__Call *c = tandem__call__call__unpack(NULL, good.n, good.p);
		static uint8_t packed[4096];

		assert_non_null(c);
		harms[i].harm(c);
		ROW_ASSERT(harms[i].name, tandem__call__call__get_packed_size(c) < sizeof(packed));
		ROW_ASSERT(harms[i].name,
			   restore(l, bytes_mem(packed, tandem__call__call__pack(c, packed))) ==
				   -EBADMSG);
		tandem__call__call__free_unpacked(c, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(each_text_once),
		LINE_TEST(whole_after_a_kill),
		LINE_TEST(broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
