/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes on in its dialog from another address: it is followed when it has shown its password, or by a rule, and refused else. What is
 * answered 200 is followed. */
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/sig/watch.h"

enum { OVER_UDP, OVER_TCP, OVER_TLS, OVER_WS, TRANSPORTS };

static const enum sip_transport g_transports[TRANSPORTS] = { SIP_UDP, SIP_TCP, SIP_TLS, SIP_WS };

#define SDP_AT(host)                                                              \
	"v=0\r\no=a 1 2 IN IP4 " host "\r\ns=-\r\nc=IN IP4 " host "\r\nt=0 0\r\n" \
	"m=audio 4444 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"

/* A stranger with a password, who calls the phone of 1002, which is trusted by its address. */
static int moves_setup(void **state)
{
	struct shard_settings s = rig_settings();
	struct watch *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	s.local_count = TRANSPORTS;
	for (int i = 0; i < TRANSPORTS; i++) {
		s.locals[i] = s.locals[0];
		s.locals[i].transport = g_transports[i];
	}
	t->l.r = rig_open_with(&s);
	phone_open(&t->l.a, t->l.r, "1001", "198.51.100.11:5060");
	phone_open(&t->l.b, t->l.r, "1002", "192.0.2.12:5060");
	phone_bind(&t->l.b);
	phone_open(&t->w, t->l.r, "1004", "198.51.100.14:5060");
	*state = t;
	return 0;
}

static void comes_over(struct phone *p, int transport, uint64_t connection)
{
	if (transport == OVER_UDP)
		return;
	p->hop = (struct sip_hop){ .transport = g_transports[transport],
				   .local = (uint16_t)transport,
				   .remote = p->addr,
				   .connection = connection,
				   .inbound = true };
}

/* It has another address from now on, and another connection. */
static void moves_to(struct phone *p, int transport, const char *address, uint64_t connection)
{
	p->addr = rig_addr(address);
	(void)snprintf(p->address, sizeof(p->address), "%s", address);
	comes_over(p, transport, connection);
}

static struct bytes answer_to(struct phone *p)
{
	struct bytes m;

	do
		m = rig_take(p->r, &p->addr, "SIP/2.0 ");
	while (bytes_starts(m, "SIP/2.0 100"));
	return m;
}

/* The answer to what it says, with its password where that is asked for. */
static struct bytes says(struct phone *p, const char *method, const char *lines, const char *sdp,
			 const char *user)
{
	struct bytes m;
	char all[1400], credentials[1024];

	phone_request(p, method, lines, sdp);
	m = answer_to(p);
	if (!bytes_starts(m, "SIP/2.0 407"))
		return m;
	if (!strcmp(method, "INVITE")) {
		uint32_t cseq = p->cseq;

		phone_write(p, "ACK", "", "");
		p->cseq = cseq;
	}
	(void)credentials_make(credentials, m, "Proxy-Authorization", DIGEST_MD5, user, "secret",
			       method, p->target);
	(void)snprintf(all, sizeof(all), "%s%s", credentials, lines);
	phone_request(p, method, all, sdp);
	return answer_to(p);
}

static void talk(struct watch *t, int transport)
{
	struct line *l = &t->l;
	struct bytes m;

	comes_over(&l->a, transport, 5);
	phone_begin(&l->a, "1002");
	m = says(&l->a, "INVITE", "", PHONE_SDP_A, "1001");
	assert_false(m.n && !bytes_starts(m, "SIP/2.0 1"));
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* Its media goes there. */
static bool hears_at(const struct rig *r, const struct addr *host)
{
	const struct flow_spec s = line_last_spec(r, 0);

	return addr_ip_eq(&s.remote_rtp, host);
}

static void restart(struct watch *t, int transport)
{
	line_restart(&t->l, line_stored(&t->l));
	if (transport != OVER_UDP)
		comes_over(&t->l.a, transport, t->l.a.hop.connection + 1);
}

/* The other one hangs up: that reaches it where it is. */
static void hears_the_end(struct line *l)
{
	struct bytes m;

	phone_request(&l->b, "BYE", "", "");
	m = rig_take(l->r, &l->a.addr, "BYE ");
	assert_true(m.n);
	phone_answer(&l->a, m, "200 OK", "");
	line_assert_idle(l->r);
}

/* It is challenged, as in any request outside of a call; then its requests, media and the end go there; also where the process is killed
 * before it has answered the challenge, while the other one is asked, and behind that. */
static void follows_who_authenticates(void **state)
{
	for (unsigned i = 0; i < 2 * 4 * TRANSPORTS; i++) {
		const char *method = i % 2 ? "UPDATE" : "INVITE";
		int transport = (int)(i / 8);
		unsigned kills = i / 2 % 4;
		struct line *l;
		struct watch *t;
		struct bytes m;

		if (i) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		l = &t->l;
		talk(t, transport);
		moves_to(&l->a, transport, "203.0.113.9:5070", 6);
		phone_request(&l->a, method, "", SDP_AT("203.0.113.9"));
		assert_true(bytes_starts(answer_to(&l->a), "SIP/2.0 407"));
		assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 1);
		if (kills == 1)
			restart(t, transport);
		m = says(&l->a, method, "", SDP_AT("203.0.113.9"), "1001");
		if (i % 2 == 0) {
			struct bytes asked = rig_take(l->r, &l->b.addr, "INVITE ");

			if (kills == 3 && transport == OVER_UDP) /* else its connection is gone */
				restart(t, transport);
			phone_answer(&l->b, asked, "200 OK", PHONE_SDP_B);
			assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
			phone_ack(&l->a);
		} else {
			assert_true(bytes_starts(m, "SIP/2.0 200"));
		}
		if (kills == 2)
			restart(t, transport);
		assert_true(hears_at(l->r, &l->a.addr));
		assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4444);
		if (transport == OVER_UDP || kills != 2) /* else its connection is gone */
			hears_the_end(l);
	}
}

/* Nothing was agreed on: what it hears, and what ends, goes where it was. */
static void is_where_it_was(struct line *l, const struct phone *before)
{
	const struct flow_spec s = line_last_spec(l->r, 0);

	assert_true(addr_ip_eq(&s.remote_rtp, &before->addr));
	assert_int_equal(s.remote_rtp.port, 4000);
	phone_request(&l->b, "BYE", "", "");
	assert_int_equal(rig_count(l->r, &before->addr, "BYE "), 1);
}

/* RFC 3261 14.1, RFC 3311 5.2: as if none had been; also where the process is killed while the other one is asked, and behind that. */
static void refused_change_moves_nobody(void **state)
{
	static const struct {
		const char *status, *answer;
		unsigned kills; /* 1: while it is asked, 2: behind its answer */
	} rows[] = {
		{ "488 Not Acceptable Here", "SIP/2.0 488", 0 },
		{ "491 Request Pending", "SIP/2.0 491", 0 },
		{ "488 Not Acceptable Here", "SIP/2.0 488", 1 },
		{ "491 Request Pending", "SIP/2.0 491", 2 },
	};

	for (unsigned i = 0; i < COUNT_OF(rows) * TRANSPORTS; i++) {
		int transport = (int)(i / COUNT_OF(rows));
		unsigned row = i % COUNT_OF(rows);
		struct phone before;
		struct watch *t;
		struct line *l;
		struct bytes m;

		if (i) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		l = &t->l;
		talk(t, transport);
		before = l->a;
		moves_to(&l->a, transport, "203.0.113.9:5070", 6);
		(void)says(&l->a, "INVITE", "", SDP_AT("203.0.113.9"), "1001");
		m = rig_take(l->r, &l->b.addr, "INVITE ");
		assert_true(m.n);
		assert_true(hears_at(l->r, &before.addr));
		if (rows[row].kills == 1)
			restart(t, transport);
		phone_answer(&l->b, m, rows[row].status, "");
		if (transport == OVER_UDP || rows[row].kills != 1) /* else its connection is gone */
			assert_true(bytes_starts(answer_to(&l->a), rows[row].answer));
		if (rows[row].kills == 2)
			restart(t, transport);
		is_where_it_was(l, &before);
	}
}

#define SDP_GSM                                        \
	"v=0\r\no=a 1 2 IN IP4 203.0.113.9\r\ns=-\r\n" \
	"c=IN IP4 203.0.113.9\r\nt=0 0\r\nm=audio 4444 RTP/AVP 3\r\n"

/* Its UPDATE has no codec of the other one's; from its own address it may not name another one either. */
static void refused_update_moves_nobody(void **state)
{
	for (int i = 0; i <= TRANSPORTS; i++) {
		int transport = i % TRANSPORTS;
		struct phone before;
		struct watch *t;

		if (i) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		talk(t, transport);
		before = t->l.a;
		if (i < TRANSPORTS)
			moves_to(&t->l.a, transport, "203.0.113.9:5070", 6);
		else
			(void)snprintf(t->l.a.address, sizeof(t->l.a.address),
				       "198.51.100.11:5099");
		assert_true(
			bytes_starts(says(&t->l.a, "UPDATE", "", SDP_GSM, "1001"), "SIP/2.0 488"));
		is_where_it_was(&t->l, &before);
	}
}

/* RFC 3261 12.2.1: they change no target; who says them from elsewhere is answered there, and that is all. */
static void other_requests_move_nobody(void **state)
{
	static const struct {
		const char *method, *lines, *body;
	} rows[] = {
		{ "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\n" },
		{ "MESSAGE", "Content-Type: text/plain\r\n", "hello" },
		{ "NOTIFY", "Event: refer\r\nSubscription-State: terminated\r\n", "" },
		{ "OPTIONS", "", "" },
		{ "REFER", "Refer-To: <sip:nobody\r\n", "" }, /* which is refused */
	};

	for (unsigned i = 0; i < COUNT_OF(rows) * TRANSPORTS; i++) {
		const char *method = rows[i % COUNT_OF(rows)].method;
		int transport = (int)(i / COUNT_OF(rows));
		struct phone before;
		struct watch *t;

		if (i) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		talk(t, transport);
		before = t->l.a;
		moves_to(&t->l.a, transport, "203.0.113.9:5070", 6);
		(void)says(&t->l.a, method, rows[i % COUNT_OF(rows)].lines,
			   rows[i % COUNT_OF(rows)].body, "1001");
		is_where_it_was(&t->l, &before);
	}
}

#define WATCH_LIST                                                                   \
	WATCH_DIALOG "Supported: eventlist\r\nRequire: recipient-list-subscribe\r\n" \
		     "Content-Disposition: recipient-list\r\n"                       \
		     "Content-Type: application/resource-lists+xml\r\n"

/* Nor does a SUBSCRIBE that is refused. */
static void refused_watch_moves_nobody(void **state)
{
	struct watch *t = *state;
	struct phone *w = &t->w, before;
	struct bytes m;

	phone_begin(w, "lists");
	m = says(w, "SUBSCRIBE", WATCH_LIST,
		 "<resource-lists><list><entry "
		 "uri=\"sip:1002@test.local\"/></list></resource-lists>",
		 "1004");
	assert_true(bytes_starts(m, "SIP/2.0 200"));
	phone_split(rig_header(m, "To"), w->remote, sizeof(w->remote), w->remote_tag,
		    sizeof(w->remote_tag));
	phone_target(w, rig_header(m, "Contact"));
	assert_true(watch_told(w).n);
	before = *w;
	moves_to(w, OVER_UDP, "203.0.113.9:5060", 6);
	m = says(w, "SUBSCRIBE", WATCH_LIST, "<broken", "1004");
	assert_true(bytes_starts(m, "SIP/2.0 400"));
	phone_invite(&t->l.b, "1002", PHONE_SDP_B);
	rig_wait_ms(w->r, 5000);
	assert_int_equal(watch_told(w).n, 0);
	assert_true(watch_told(&before).n);
}

/* Nothing has changed for whom it was, and an operator hears of it. */
static void refuses_others(void **state)
{
	static const struct {
		const char *method, *lines, *sdp;
	} rows[] = {
		{ "INVITE", "", SDP_AT("203.0.113.66") },
		{ "UPDATE", "", SDP_AT("203.0.113.66") },
		{ "REFER", "Refer-To: <sip:1003@test.local>\r\n", "" },
		{ "BYE", "", "" }, /* a lamp shows what names the dialog */
		{ "INFO", "Content-Type: application/dtmf\r\n", "5" },
		{ "NOTIFY", "Event: refer\r\nSubscription-State: terminated\r\n", "" },
	};

	for (unsigned i = 0; i < COUNT_OF(rows) * TRANSPORTS; i++) {
		const char *method = rows[i % COUNT_OF(rows)].method;
		const char *lines = rows[i % COUNT_OF(rows)].lines;
		int transport = (int)(i / COUNT_OF(rows));
		struct phone thief;
		struct watch *t;

		if (i) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		talk(t, transport);
		thief = t->l.a;
		moves_to(&thief, transport, "203.0.113.66:5060", 7);
		assert_true(bytes_starts(says(&thief, method, lines, rows[i % COUNT_OF(rows)].sdp,
					      "1003"),
					 "SIP/2.0 403"));
		assert_int_equal(t->l.r->security.kind, SECURITY_FOREIGN_IDENTITY);
		moves_to(&thief, transport, "203.0.113.67:5060", 8);
		phone_request(&thief, "OPTIONS", "", ""); /* which moves nobody either */
		assert_true(bytes_starts(answer_to(&thief), "SIP/2.0 200"));
		assert_false(addr_eq(&t->l.r->trusted.remote, &thief.addr));
		assert_false(addr_eq(&t->l.r->trusted_udp.remote, &thief.addr));
		assert_true(hears_at(t->l.r, &t->l.a.addr));
		phone_request(&t->l.b, "BYE", "", "");
		assert_int_equal(rig_count(t->l.r, &thief.addr, "BYE "), 0);
		assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "BYE "), 1);
	}
}

/* RFC 3261 13.2.2.4: with a late offer the ACK has the answer, and nobody can be asked for a password. A stranger's is not taken; that of
 * whom the dialog is with is. */
static void ack_of_a_stranger(void **state)
{
	for (int transport = 0; transport < TRANSPORTS; transport++) {
		struct phone thief;
		struct watch *t;
		struct line *l;

		if (transport) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		l = &t->l;
		comes_over(&l->a, transport, 5);
		phone_begin(&l->a, "1002");
		(void)says(&l->a, "INVITE", "", "", "1001");
		assert_true(phone_rings(&l->b).n);
		phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
		assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
		thief = l->a;
		moves_to(&thief, transport, "203.0.113.66:5060", 7);
		phone_ack(&thief); /* which would end the call */
		phone_ack_with(&thief, SDP_AT("203.0.113.66"));
		assert_int_equal(rig_take(l->r, &l->b.addr, "ACK ").n, 0);
		assert_int_equal(l->r->security.kind, SECURITY_FOREIGN_SOURCE);
		phone_ack_with(&l->a, SDP_AT("198.51.100.11"));
		assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
		if (transport >= OVER_TLS) /* where plain RTP is no answer */
			continue;
		assert_true(hears_at(l->r, &l->a.addr));
		assert_int_equal(rig_counts(l->r).calls_established, 1);
		phone_request(&l->b, "BYE", "", "");
		assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	}
}

/* PRACK may have SDP, too (RFC 3262 5). */
static void prack_of_a_stranger(void **state)
{
	struct watch *t = *state;
	struct line *l = &t->l;
	struct phone thief;
	struct bytes m;
	char line[64];

	phone_begin(&l->a, "1002");
	(void)says(&l->a, "INVITE", "Require: 100rel\r\n", PHONE_SDP_A, "1001");
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = phone_hears(&l->a, "SIP/2.0 180");
	(void)snprintf(line, sizeof(line), "RAck: " BYTES_FMT " %u INVITE\r\n",
		       BYTES_ARG(rig_header(m, "RSeq")), l->a.cseq);
	thief = l->a;
	moves_to(&thief, OVER_UDP, "203.0.113.66:5060", 0);
	assert_true(bytes_starts(says(&thief, "PRACK", line, SDP_AT("203.0.113.66"), "1003"),
				 "SIP/2.0 403"));
	assert_int_equal(l->r->security.kind, SECURITY_FOREIGN_IDENTITY);
	phone_request(&l->a, "PRACK", line, "");
	assert_true(bytes_starts(answer_to(&l->a), "SIP/2.0 200"));
}

/* Who hangs up in another network shows its password. */
static void hangs_up_elsewhere(void **state)
{
	struct watch *t = *state;
	struct line *l = &t->l;

	talk(t, OVER_UDP);
	moves_to(&l->a, OVER_UDP, "203.0.113.9:5060", 0);
	assert_true(bytes_starts(says(&l->a, "BYE", "", "", "1001"), "SIP/2.0 200"));
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
}

/* Of whom a neighbour has named, and nobody has a password for: there is nothing to ask for. Another neighbour speaks for it, but never over
 * WebSocket: only phones come over that. */
static void refuses_without_a_password(void **state)
{
	for (int transport = 0; transport < TRANSPORTS; transport++) {
		struct watch *t;
		struct line *l;
		struct bytes m;

		if (transport) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		l = &t->l;
		phone_open(&l->a, l->r, "5550", "192.0.2.11:5060");
		if (transport != OVER_WS)
			comes_over(&l->a, transport, 5);
		phone_invite(&l->a, "1002", PHONE_SDP_A);
		(void)phone_rings(&l->b);
		phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
		assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
		phone_ack(&l->a);
		moves_to(&l->a, transport, "203.0.113.9:5060", 6);
		m = says(&l->a, "INVITE", "", SDP_AT("203.0.113.9"), "5550");
		assert_true(bytes_starts(m, "SIP/2.0 403"));
		assert_int_equal(l->r->security.kind, SECURITY_FOREIGN_SOURCE);
		moves_to(&l->a, transport, "192.0.2.99:5060", 7);
		phone_request(&l->a, "INVITE", "", SDP_AT("192.0.2.99"));
		if (transport == OVER_WS) {
			assert_true(bytes_starts(answer_to(&l->a), "SIP/2.0 403"));
			continue;
		}
		m = rig_take(l->r, &l->b.addr, "INVITE ");
		phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
		assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
		phone_ack(&l->a);
		assert_true(hears_at(l->r, &l->a.addr));
		hears_the_end(l);
	}
}

/* Its address can be forged in a datagram, and in TCP by who is on the way: who speaks TLS or WebSocket is not known by that. */
static void address_of_another_transport(void **state)
{
	for (int i = 0; i < TRANSPORTS * TRANSPORTS; i++) {
		int known = i / TRANSPORTS, from = i % TRANSPORTS;
		bool follows =
			known < OVER_TLS || from == known || (known == OVER_WS && from == OVER_TLS);
		struct phone thief;
		struct watch *t;

		if (i) {
			assert_int_equal(watch_teardown(state), 0);
			assert_int_equal(moves_setup(state), 0);
		}
		t = *state;
		talk(t, known);
		thief = t->l.a;
		thief.hop = (struct sip_hop){ 0 };
		comes_over(&thief, from, 7);
		phone_request(&thief, "UPDATE", "", SDP_AT("198.51.100.66"));
		assert_true(
			bytes_starts(answer_to(&thief), follows ? "SIP/2.0 200" : "SIP/2.0 407"));
		if (follows)
			continue;
		phone_request(&thief, "BYE", "", "");
		assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	}
}

/* A NAT gives it another port of the same address, and its Contact says what it always said. */
static void follows_another_port(void **state)
{
	struct watch *t = *state;
	struct line *l = &t->l;

	(void)snprintf(l->a.address, sizeof(l->a.address), "10.0.0.5:5060");
	talk(t, OVER_UDP);
	l->a.addr.port = 6111;
	phone_request(&l->a, "UPDATE", "", SDP_AT("10.0.0.5"));
	assert_true(bytes_starts(answer_to(&l->a), "SIP/2.0 200"));
	hears_the_end(l);
}

/* The same of who watches: NOTIFYs go where its SUBSCRIBE was answered. */
static void follows_who_watches(void **state)
{
	struct watch *t = *state;
	struct phone *w = &t->w;
	struct bytes m;

	for (int transport = 0; transport < TRANSPORTS; transport++) {
		comes_over(w, transport, 5);
		phone_begin(w, "1002");
		m = says(w, "SUBSCRIBE", WATCH_DIALOG, "", "1004");
		assert_true(bytes_starts(m, "SIP/2.0 200"));
		phone_split(rig_header(m, "To"), w->remote, sizeof(w->remote), w->remote_tag,
			    sizeof(w->remote_tag));
		phone_target(w, rig_header(m, "Contact"));
		assert_true(watch_told(w).n);
		moves_to(w, transport, "203.0.113.9:5060", 6);
		assert_true(bytes_starts(says(w, "SUBSCRIBE", WATCH_DIALOG, "", "1003"),
					 "SIP/2.0 403"));
		assert_int_equal(watch_told(w).n, 0);
		assert_true(bytes_starts(says(w, "SUBSCRIBE", WATCH_DIALOG, "", "1004"),
					 "SIP/2.0 200"));
		assert_true(rig_has(watch_told(w), "state=\"full\""));
		assert_true(bytes_starts(says(w, "SUBSCRIBE", WATCH_DIALOG "Expires: 0\r\n", "",
					      "1004"),
					 "SIP/2.0 200"));
		assert_true(watch_told(w).n);
		phone_open(w, t->l.r, "1004", "198.51.100.14:5060");
		rig_wait_ms(t->l.r, 40000);
	}
}

#define MOVES_TEST(fn) cmocka_unit_test_setup_teardown(fn, moves_setup, watch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVES_TEST(follows_who_authenticates),    MOVES_TEST(refuses_others),
		MOVES_TEST(refuses_without_a_password),   MOVES_TEST(follows_another_port),
		MOVES_TEST(follows_who_watches),          MOVES_TEST(hangs_up_elsewhere),
		MOVES_TEST(address_of_another_transport), MOVES_TEST(ack_of_a_stranger),
		MOVES_TEST(prack_of_a_stranger),          MOVES_TEST(refused_change_moves_nobody),
		MOVES_TEST(refused_update_moves_nobody),  MOVES_TEST(other_requests_move_nobody),
		MOVES_TEST(refused_watch_moves_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
