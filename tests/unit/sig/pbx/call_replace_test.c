/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE with Replaces: another phone of B's user takes B's place beside A (RFC 3891). */
#include "tests/unit/sig/trio.h"
#include "tests/unit/sig/web_phone.h"

#define SDP_B2                                                                         \
	"v=0\r\no=b2 1 1 IN IP4 192.0.2.22\r\ns=-\r\nc=IN IP4 192.0.2.22\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define SDP_UNLIKE(version)                                                             \
	"v=0\r\no=b2 1 " version " IN IP4 192.0.2.22\r\ns=-\r\nc=IN IP4 192.0.2.22\r\n" \
	"t=0 0\r\nm=audio 6000 RTP/AVP 9\r\n"

#define SDP_PAGE                                                                        \
	"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"       \
	"m=audio 9 UDP/TLS/RTP/SAVPF 8 101\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:aaaa\r\n" \
	"a=ice-pwd:by3GZGG1lboN4xEHfvYRHkFQ\r\na=fingerprint:sha-256 " FINGER_A "\r\n"  \
	"a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"                    \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"

enum { SOON_MS = 100, PAGES_MAX = 5 };

static struct phone other_phone(const struct phone *p, const char *address)
{
	struct phone o;

	phone_open(&o, p->r, p->user, address);
	(void)snprintf(o.tag, sizeof(o.tag), "other");
	return o;
}

/* The tags as the node sees them. */
static void replace_with(struct phone *o, const struct phone *p, const char *more,
			 const char *extra, const char *sdp)
{
	char lines[1200];

	(void)snprintf(lines, sizeof(lines),
		       "Replaces: %s;to-tag=%s;from-tag=%s%s\r\nRequire: replaces\r\n%s",
		       p->call_id, p->remote_tag, p->tag, more, extra);
	phone_begin(o, "node");
	phone_request(o, "INVITE", lines, sdp);
}

static void is_answered(struct phone *o)
{
	struct bytes m = phone_hears(o, "SIP/2.0 200");

	assert_true(m.n);
	assert_true(rig_has(m, "RTP/AVP 8 101\r\n")); /* what A and B have agreed on */
	phone_ack(o);
}

static void takes_place(struct trio *t, struct phone *o, const struct phone *p)
{
	replace_with(o, p, "", "", SDP_B2);
	is_answered(o);
	rig_wait_ms(t->l.r, SOON_MS);
}

static void refuses(struct phone *o, const char *status)
{
	assert_true(rig_take(o->r, &o->addr, status).n);
	phone_write(o, "ACK", "", "");
}

static void callee_is_replaced(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phones_talk(&t->l.a, &t->l.b);
	takes_place(t, &o, &t->l.b);
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 0);
	trio_assert_ends(t, &t->l.a, &o);
	assert_int_equal(t->l.r->cdr_count, 3);
}

static void caller_is_replaced(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.a, "192.0.2.22:5060");

	phones_talk(&t->l.a, &t->l.b);
	takes_place(t, &o, &t->l.a);
	trio_assert_left(&t->l.a);
	trio_assert_talks(t->l.r, 1, 2);
	trio_assert_ends(t, &o, &t->l.b);
}

/* Who replaced somebody is replaced again; its dialog is in another call than its tags say. */
static void replaced_twice(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct phone again = other_phone(&t->l.b, "192.0.2.23:5060");

	phones_talk(&t->l.a, &t->l.b);
	takes_place(t, &o, &t->l.b);
	trio_assert_left(&t->l.b);
	(void)snprintf(again.tag, sizeof(again.tag), "again");
	takes_place(t, &again, &o);
	trio_assert_left(&o);
	trio_assert_ends(t, &t->l.a, &again);
}

/* As a page that is loaded again and again: more often than a call has legs. */
static void replaced_many_times(void **state)
{
	struct trio *t = *state;
	struct phone phones[2];
	char address[32];

	t->l.r->rolling = true;
	phones_talk(&t->l.a, &t->l.b);
	phones[0] = t->l.b;
	for (int i = 1; i <= 3 * LEGS_MAX; i++) {
		struct phone *o = &phones[i % 2], *before = &phones[(i + 1) % 2];

		(void)snprintf(address, sizeof(address), "192.0.2.22:%d", 5060 + i);
		*o = other_phone(&t->l.b, address);
		(void)snprintf(o->tag, sizeof(o->tag), "page%d", i);
		takes_place(t, o, before);
		trio_assert_left(before);
	}
	trio_assert_ends(t, &t->l.a, &phones[0]);
}

/* A page that is loaded again in the middle of taking its place: the second one counts. */
static void the_latest_counts(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct phone again = other_phone(&t->l.b, "192.0.2.23:5060");

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	(void)snprintf(again.tag, sizeof(again.tag), "again");
	takes_place(t, &again, &t->l.b);
	trio_assert_left(&t->l.b);
	rig_wait_ms(t->l.r, TXN_TIMEOUT_MS + SOON_MS);
	assert_true(rig_take(t->l.r, &o.addr, "BYE ").n);
	trio_assert_ends(t, &t->l.a, &again);
}

/* The same, and the second one names the dialog of the first, whose ACK was lost: the place that it was to have is meant. */
static void the_latest_names_the_one_before(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct phone again = other_phone(&t->l.b, "192.0.2.23:5060");

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	(void)snprintf(again.tag, sizeof(again.tag), "again");
	takes_place(t, &again, &o);
	trio_assert_left(&t->l.b);
	rig_wait_ms(t->l.r, TXN_TIMEOUT_MS + SOON_MS);
	assert_true(rig_take(t->l.r, &o.addr, "BYE ").n);
	trio_assert_ends(t, &t->l.a, &again);
}

/* Its keys come. */
static void page_speaks(struct rig *r)
{
	struct media_event ev = { .kind = MEDIA_FLOW_KEYED,
				  .association = 1,
				  .key_in = { .suite = SUITE_80, .length = 30 },
				  .key_out = { .suite = SUITE_80, .length = 30 } };

	for (uint32_t i = r->media_count; i-- > 0 && !ev.call;) {
		if (r->media[i].kind != MEDIA_FLOW_OPEN)
			continue;
		ev.id = r->media[i].spec.id;
		ev.call = r->media[i].spec.call;
		ev.association = r->media[i].spec.dtls.association;
	}
	shard_media_event(r->shard, &ev, r->now);
	rig_wait_ms(r, SOON_MS);
}

/* How far a page of B comes before it is loaded again. */
enum page_end { ENDS, LOSES_ACK, HAS_NO_KEYS, SPEAKS };

/* Pages of B, one behind the other: whose dialog each names, 0: that of B's first phone, and what becomes of it. A page names the last one whose ACK
 * was sent. */
static void one_page_behind_another(void **state)
{
	static const struct {
		uint8_t names;
		enum page_end end;
	} rows[][PAGES_MAX] = {
		{ { 0, LOSES_ACK }, { 1, SPEAKS } },
		{ { 0, HAS_NO_KEYS }, { 1, SPEAKS } },
		{ { 0, HAS_NO_KEYS }, { 0, SPEAKS } },
		{ { 0, LOSES_ACK }, { 1, LOSES_ACK }, { 1, SPEAKS } },
		{ { 0, LOSES_ACK }, { 1, LOSES_ACK }, { 2, SPEAKS } },
		{ { 0, HAS_NO_KEYS }, { 1, LOSES_ACK }, { 1, SPEAKS } },
		{ { 0, HAS_NO_KEYS }, { 1, LOSES_ACK }, { 0, SPEAKS } },
		{ { 0, LOSES_ACK }, { 1, HAS_NO_KEYS }, { 2, SPEAKS } },
		{ { 0, HAS_NO_KEYS }, { 1, HAS_NO_KEYS }, { 2, LOSES_ACK }, { 2, SPEAKS } },
		{ { 0, HAS_NO_KEYS },
		  { 1, LOSES_ACK },
		  { 1, HAS_NO_KEYS },
		  { 3, LOSES_ACK },
		  { 3, SPEAKS } },
	};

	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		struct trio *t = *state;
		struct phone pages[PAGES_MAX + 1] = { t->l.b }, *last = pages;
		char address[32];

		phones_talk(&t->l.a, &t->l.b);
		pages[0] = t->l.b;
		webrtc(t->l.r, "1002", WEBRTC_ALWAYS);
		for (size_t i = 0; i < PAGES_MAX && rows[row][i].end; i++) {
			last = &pages[i + 1];
			(void)snprintf(address, sizeof(address), "192.0.2.%zu:5060", 30 + i);
			*last = other_phone(&t->l.b, address);
			(void)snprintf(last->tag, sizeof(last->tag), "page%zu", i);
			replace_with(last, &pages[rows[row][i].names], "", "", SDP_PAGE);
			if (!phone_hears(last, "SIP/2.0 200").n)
				fail_msg("row %zu: page %zu is refused", row, i + 1);
			if (rows[row][i].end != LOSES_ACK)
				phone_ack(last);
			rig_wait_ms(t->l.r, SOON_MS);
		}
		assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
		page_speaks(t->l.r);
		trio_assert_left(&t->l.b);
		phone_request(&t->l.a, "BYE", "", "");
		assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
		trio_assert_left(last);
		rig_wait_ms(t->l.r, 3 * TXN_TIMEOUT_MS);
		line_assert_idle(t->l.r);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* The former one has its keys while the latest one's ACK is on its way: it waits. Without that ACK it has the place. */
static void the_former_waits(void **state)
{
	for (int lost = 0; lost <= 1; lost++) {
		struct trio *t = *state;
		struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
		struct phone again = other_phone(&t->l.b, "192.0.2.23:5060");

		phones_talk(&t->l.a, &t->l.b);
		replace_with(&o, &t->l.b, "", "", SDP_B2);
		assert_true(phone_hears(&o, "SIP/2.0 200").n);
		(void)snprintf(again.tag, sizeof(again.tag), "again");
		replace_with(&again, &t->l.b, "", "", SDP_B2);
		assert_true(phone_hears(&again, "SIP/2.0 200").n);
		phone_ack(&o);
		rig_wait_ms(t->l.r, SOON_MS);
		assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
		if (lost)
			rig_wait_ms(t->l.r, TXN_TIMEOUT_MS);
		else
			phone_ack(&again);
		rig_wait_ms(t->l.r, SOON_MS);
		trio_assert_left(&t->l.b);
		trio_assert_left(lost ? &again : &o);
		trio_assert_talks(t->l.r, 0, 2);
		trio_assert_ends(t, &t->l.a, lost ? &o : &again);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* Who is refused takes nothing from the one before it. */
static void the_latest_is_refused(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct phone again = other_phone(&t->l.b, "192.0.2.23:5060");

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	(void)snprintf(again.tag, sizeof(again.tag), "again");
	replace_with(&again, &t->l.b, "", "", "");
	refuses(&again, "SIP/2.0 488");
	is_answered(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &o);
}

/* For whom the other party is asked already has the place. */
static void not_behind_the_offer(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct phone again = other_phone(&t->l.b, "192.0.2.23:5060");
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_UNLIKE("1"));
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	phone_ack(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	(void)snprintf(again.tag, sizeof(again.tag), "again");
	replace_with(&again, &t->l.b, "", "", SDP_B2);
	refuses(&again, "SIP/2.0 481");
	phone_answer(&t->l.a, m, "200 OK", SDP_UNLIKE("2"));
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &o);
}

/* CALL-27 is about giving away: this is the same user. */
static void needs_no_permission(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct shard_extension e = rig_extension("1002", false);

	e.no_transfer = true;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	phones_talk(&t->l.a, &t->l.b);
	takes_place(t, &o, &t->l.b);
	trio_assert_left(&t->l.b);
}

/* Whom the replaced one held hears who came. */
static void held_party(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.b, "INVITE", "",
		      "v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		      "m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		      "a=sendonly\r\n");
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	phone_answer(&t->l.a, m, "200 OK",
		     "v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		     "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		     "a=recvonly\r\n");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	phone_ack(&t->l.b);
	takes_place(t, &o, &t->l.b);
	trio_assert_left(&t->l.b);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	trio_assert_talks(t->l.r, 0, 2);
}

/* It has nothing of what A and B have agreed on: the node takes its call, and A is asked for what it has. */
static void unlike(void **state)
{
	for (int refuses = 0; refuses <= 1; refuses++) {
		struct trio *t = *state;
		struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
		struct bytes m;

		phones_talk(&t->l.a, &t->l.b);
		replace_with(&o, &t->l.b, "", "", SDP_UNLIKE("1"));
		m = phone_hears(&o, "SIP/2.0 200");
		assert_true(rig_has(m, "RTP/AVP 9\r\n"));
		phone_ack(&o);
		rig_wait_ms(t->l.r, SOON_MS);
		assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
		m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
		assert_true(rig_has(m, "RTP/AVP 9\r\n"));
		phone_answer(&t->l.a, m, refuses ? "488 Not Acceptable Here" : "200 OK",
			     refuses ? "" : SDP_UNLIKE("2"));
		rig_wait_ms(t->l.r, SOON_MS);
		if (refuses) {
			m = rig_take(t->l.r, &o.addr, "INVITE ");
			assert_true(rig_has(m, "RTP/AVP 8 0 101\r\n"));
			phone_answer(&o, m, "488 Not Acceptable Here", "");
			rig_wait_ms(t->l.r, SOON_MS);
			trio_assert_left(&o);
			trio_assert_ends(t, &t->l.a, &t->l.b);
		} else {
			trio_assert_left(&t->l.b);
			trio_assert_talks(t->l.r, 0, 2);
			trio_assert_ends(t, &t->l.a, &o);
		}
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *more, *extra, *sdp, *status;
	} rows[] = {
		{ ";early-only", "", SDP_B2, "SIP/2.0 486" },
		{ ";to-tag=1", "", SDP_B2, "SIP/2.0 400" },
		{ "", "Replaces: x;to-tag=1;from-tag=2\r\n", SDP_B2, "SIP/2.0 400" },
		{ "", "Join: x;to-tag=1;from-tag=2\r\n", SDP_B2, "SIP/2.0 400" },
		{ "", "", "", "SIP/2.0 488" },
		{ "", "",
		  "v=0\r\no=b 1 1 IN IP4 192.0.2.22\r\ns=-\r\nc=IN IP4 192.0.2.22\r\nt=0 0\r\n"
		  "m=audio 6000 RTP/AVP 18\r\n",
		  "SIP/2.0 488" },
	};
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060"), stranger;

	phones_talk(&t->l.a, &t->l.b);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		replace_with(&o, &t->l.b, rows[i].more, rows[i].extra, rows[i].sdp);
		refuses(&o, rows[i].status);
	}
	stranger = t->l.b;
	(void)snprintf(stranger.tag, sizeof(stranger.tag), "no-such");
	replace_with(&o, &stranger, "", "", SDP_B2);
	refuses(&o, "SIP/2.0 481");
	stranger = other_phone(&t->c, "192.0.2.24:5060");
	replace_with(&stranger, &t->l.b, "", "", SDP_B2);
	refuses(&stranger, "SIP/2.0 403");
	rig_wait_ms(t->l.r, SOON_MS);
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	phone_request(&t->l.b, "BYE", "", "");
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	refuses(&o, "SIP/2.0 603");
	trio_assert_left(&t->l.a);
	line_assert_idle(t->l.r);
}

/* Its own caller cannot take a call that rings: nothing is harmed. */
static void early(void **state)
{
	struct trio *t = *state;
	struct phone a = other_phone(&t->l.a, "192.0.2.23:5060");

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 180").n);
	replace_with(&a, &t->l.a, "", "", SDP_B2);
	refuses(&a, "SIP/2.0 481");
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	trio_assert_talks(t->l.r, 0, 1);
}

/* Who came has nobody to speak with. */
static void other_call_ends(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	phone_request(&t->l.a, "BYE", "", "");
	trio_assert_left(&t->l.b);
	is_answered(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&o);
	line_assert_idle(t->l.r);
}

/* The same while a re-INVITE of the other call is waited for. */
static void other_call_ends_later(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.a, "INVITE", "", PHONE_SDP_A);
	assert_true(rig_take(t->l.r, &t->l.b.addr, "INVITE ").n);
	takes_place(t, &o, &t->l.b);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	phone_request(&t->l.b, "BYE", "", "");
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&o);
	trio_assert_left(&t->l.a);
	line_assert_idle(t->l.r);
}

static void who_comes_leaves(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	is_answered(&o);
	phone_request(&o, "BYE", "", "");
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	rig_wait_ms(t->l.r, SOON_MS);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* Killed before the ACK. */
static void killed_before_the_ack(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	trio_restart(t);
	is_answered(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &o);
}

/* Killed between the ACK and the join. */
static void killed_behind_the_ack(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phones_talk(&t->l.a, &t->l.b);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	is_answered(&o);
	trio_restart(t);
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &o);
}

/* ... and while the other call waits for the answer to an INVITE of its own. */
static void killed_while_it_waits(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(t->l.r, &t->l.b.addr, "INVITE ");
	takes_place(t, &o, &t->l.b);
	trio_restart(t);
	phone_answer(&t->l.b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &o);
}

/* B has answered, and A's ACK is on its way: B's other phone is faster. */
static void before_the_ack(void **state, bool killed)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	phone_ack(&o);
	rig_wait_ms(t->l.r, SOON_MS);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	if (killed)
		trio_restart(t);
	phone_ack(&t->l.a);
	rig_wait_ms(t->l.r, SOON_MS);
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &o);
}

static void answered_a_moment_ago(void **state)
{
	before_the_ack(state, false);
}

static void killed_a_moment_behind_an_answer(void **state)
{
	before_the_ack(state, true);
}

/* ... and the ACK never comes. */
static void never_acknowledged(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	replace_with(&o, &t->l.b, "", "", SDP_B2);
	assert_true(phone_hears(&o, "SIP/2.0 200").n);
	phone_ack(&o);
	rig_wait_ms(t->l.r, TXN_TIMEOUT_MS + SOON_MS);
	assert_true(rig_take(t->l.r, &o.addr, "BYE ").n);
	trio_assert_left(&t->l.b);
}

static void killed_afterwards(void **state)
{
	struct trio *t = *state;
	struct phone o = other_phone(&t->l.b, "192.0.2.22:5060");
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	takes_place(t, &o, &t->l.b);
	trio_restart(t);
	while ((m = rig_take(t->l.r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &o);
}

static void is_announced(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_true(rig_has(rig_header(t->l.b.invite, "Supported"), "replaces"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TRIO_TEST(callee_is_replaced),
		TRIO_TEST(caller_is_replaced),
		TRIO_TEST(replaced_twice),
		TRIO_TEST(replaced_many_times),
		TRIO_TEST(the_latest_counts),
		TRIO_TEST(the_latest_names_the_one_before),
		TRIO_TEST(one_page_behind_another),
		TRIO_TEST(the_former_waits),
		TRIO_TEST(the_latest_is_refused),
		TRIO_TEST(not_behind_the_offer),
		TRIO_TEST(needs_no_permission),
		TRIO_TEST(held_party),
		TRIO_TEST(unlike),
		TRIO_TEST(refused),
		TRIO_TEST(early),
		TRIO_TEST(other_call_ends),
		TRIO_TEST(other_call_ends_later),
		TRIO_TEST(who_comes_leaves),
		TRIO_TEST(killed_before_the_ack),
		TRIO_TEST(killed_behind_the_ack),
		TRIO_TEST(killed_while_it_waits),
		TRIO_TEST(answered_a_moment_ago),
		TRIO_TEST(killed_a_moment_behind_an_answer),
		TRIO_TEST(never_acknowledged),
		TRIO_TEST(killed_afterwards),
		TRIO_TEST(is_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
