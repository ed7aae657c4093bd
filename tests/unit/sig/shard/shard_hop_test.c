/* SPDX-License-Identifier: Apache-2.0 */
/* A phone on a connection: what waits for it, and where it goes when the phone comes back over another one. */
#include <errno.h>

#include "tests/unit/sig/wired.h"

static void test_on_its_connection(void **state)
{
	struct line *l = *state;
	struct bytes invite;

	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	assert_on(last(l->r, "SIP/2.0 200"), 5); /* RFC 3261 18.2.2 */
	talk(l);
	invite = text_bytes(&last(l->r, "INVITE ")->data);
	assert_true(rig_has(rig_header(invite, "Via"), "SIP/2.0/TCP 192.0.2.1:5060"));
	assert_true(rig_has(rig_header(invite, "Contact"), ";transport=tcp>"));
	assert_on(last(l->r, "ACK "), 5);
	assert_true(last(l->r, "ACK ")->hop.inbound); /* behind NAT nobody listens */
	phone_request(&l->a, "BYE", "", "");
	assert_on(last(l->r, "BYE "), 5);
}

/* It registers again over another connection: its dialog goes along, and is saved. */
static void test_registers_again_in_a_call(void **state)
{
	struct line *l = *state;
	uint64_t version;

	(void)log_in(&l->b, "");
	talk(l);
	version = rig_record(l->r)->version;
	connect_phone(&l->b, SIP_TCP, 6);
	(void)log_in(&l->b, "");
	assert_true(rig_record(l->r)->version > version);
	phone_request(&l->a, "BYE", "", "");
	assert_on(last(l->r, "BYE "), 6);
}

/* A softphone whose Contact names the port of its connection: by its Call-ID (RFC 3261 10.2) it is the same phone, and what it had goes
 * along. */
static void test_comes_back_with_another_contact(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	talk(l);
	(void)snprintf(l->b.address, sizeof(l->b.address), "10.0.0.5:49152");
	connect_phone(&l->b, SIP_TCP, 6);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	assert_int_equal(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"))->count,
			 1);
	phone_request(&l->a, "BYE", "", "");
	assert_on(last(l->r, "BYE "), 6);
	phone_answer(&l->b, text_bytes(&last(l->r, "BYE ")->data), "200 OK", "");
	phone_invite(&l->a, "1002", PHONE_SDP_A); /* what waits goes along, too */
	assert_on(last(l->r, "INVITE "), 6);
	shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
	shard_send_failed(l->r->shard, &last(l->r, "INVITE ")->hop, ENOTCONN, l->r->now);
	rig_run(l->r);
	(void)snprintf(l->b.address, sizeof(l->b.address), "10.0.0.5:49153");
	connect_phone(&l->b, SIP_TCP, 7);
	(void)log_in(&l->b, "");
	assert_on(last(l->r, "INVITE "), 7);
	assert_int_equal(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"))->count,
			 1);
}

/* The lease was past when BYE was to leave: over a connection no timer says it again. */
static void test_what_was_withheld(void **state)
{
	struct line *l = *state;
	struct bytes first;

	(void)log_in(&l->b, "");
	talk(l);
	shard_withheld(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(count(l->r, "INVITE "), 1); /* it was answered */
	phone_request(&l->a, "BYE", "", "");
	rig_wait_ms(l->r, 10000);
	assert_int_equal(count(l->r, "BYE "), 1);
	first = text_bytes(&last(l->r, "BYE ")->data);
	shard_withheld(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(count(l->r, "BYE "), 2);
	assert_on(last(l->r, "BYE "), 5);
	assert_true(bytes_eq(first, text_bytes(&last(l->r, "BYE ")->data)));
	phone_answer(&l->b, first, "200 OK", "");
	shard_withheld(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(count(l->r, "BYE "), 2);
}

/* A MESSAGE outside of calls does not wait: who wrote it hears that nobody is there. */
static void test_message_does_not_wait(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	assert_on(last(l->r, "MESSAGE "), 5);
	shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
	shard_send_failed(l->r->shard, &last(l->r, "MESSAGE ")->hop, ENOTCONN, l->r->now);
	rig_run(l->r);
	assert_true(rig_has(rig_take(l->r, &l->a.addr, "SIP/2.0 480"), " MESSAGE\r\n"));
}

/* The connection is gone: the request is not failed, it waits, and goes with the same branch once the phone is back. */
static void test_waits_for_the_phone(void **state)
{
	struct line *l = *state;
	struct bytes first, second;

	(void)log_in(&l->b, "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	first = text_bytes(&last(l->r, "INVITE ")->data);
	shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
	shard_send_failed(l->r->shard, &last(l->r, "INVITE ")->hop, ENOTCONN, l->r->now);
	rig_run(l->r);
	rig_wait_ms(l->r, 3500);
	assert_int_equal(count(l->r, "INVITE "), 1);
	assert_int_equal(count(l->r, "SIP/2.0 4") + count(l->r, "SIP/2.0 5"),
			 1); /* the challenge */
	connect_phone(&l->b, SIP_TCP, 6);
	(void)log_in(&l->b, "");
	assert_int_equal(count(l->r, "INVITE "), 2);
	second = text_bytes(&last(l->r, "INVITE ")->data);
	assert_on(last(l->r, "INVITE "), 6);
	assert_true(bytes_eq(first, second));
	phone_answer(&l->b, second, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* A softphone names the port of its connection in a call, and the one it listens on when it registers; after a restart connections have no
 * name. Both are it. */
static void test_restart_without_nat(void **state)
{
	struct line *l = *state;
	const struct rig_save *call;
	struct text record = { 0 }, binding = { 0 };
	const char *reason;
	struct sip_hop hop;

	phone_open(&l->b, l->r, "1002", "192.0.2.12:5070");
	connect_phone(&l->b, SIP_TCP, 5);
	(void)log_in(&l->b, "");
	assert_int_equal(
		aor_encode(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002")), NULL,
			   &binding),
		0);
	(void)snprintf(l->b.address, sizeof(l->b.address), "192.0.2.12:40005;transport=tcp");
	talk(l);
	call = rig_record(l->r);
	assert_int_equal(text_set(&record, text_bytes(&call->record)), 0);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	phone_bind(&l->a);
	assert_int_equal(
		locations_restore(l->r->locations, text_bytes(&binding), l->r->now, &reason), 0);
	assert_int_equal(shard_restore_call(l->r->shard, text_bytes(&record), l->r->now, &reason),
			 0);
	shard_resume(l->r->shard, l->r->now);
	locations_resume(l->r->locations, l->r->now);
	rig_run(l->r);
	phone_request(&l->a, "BYE", "", "");
	hop = last(l->r, "BYE ")->hop;
	assert_true(hop.connection == 0 && hop.remote.port == 40005);
	hop.inbound = true; /* as if it were no neighbour */
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	(void)snprintf(l->b.address, sizeof(l->b.address), "192.0.2.12:5070");
	connect_phone(&l->b, SIP_TCP, 8);
	(void)log_in(&l->b, "");
	assert_int_equal(count(l->r, "BYE "), 2);
	assert_true(last(l->r, "BYE ")->hop.connection == 8);
	text_clear(&record);
	text_clear(&binding);
}

/* A page that was loaded anew, or a phone that was restarted: another Call-ID, another Contact, another connection. */
static void comes_anew(struct line *l, uint64_t connection)
{
	(void)snprintf(l->b.address, sizeof(l->b.address), "a%u.invalid;transport=ws",
		       (unsigned)connection);
	connect_phone(&l->b, SIP_TCP, connection);
}

static bool logs_in_anew(struct line *l, uint64_t connection)
{
	comes_anew(l, connection);
	(void)snprintf(l->b.registration, sizeof(l->b.registration), "page-%u",
		       (unsigned)connection);
	return bytes_starts(log_in(&l->b, ""), "SIP/2.0 200");
}

static uint32_t bindings(const struct line *l)
{
	const struct aor *a = locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"));

	return a ? a->count : 0;
}

static void close_connection(struct line *l)
{
	shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
	rig_run(l->r);
}

/* However often: whom nothing reaches any more makes room, and the one that is there is called. */
static void test_loaded_anew(void **state)
{
	struct line *l = *state;

	for (uint64_t i = 1; i <= 3 * l->r->settings.registrar.contacts_max; i++) {
		assert_true(logs_in_anew(l, 100 + i));
		assert_true(bindings(l) <= l->r->settings.registrar.contacts_max);
		close_connection(l);
	}
	assert_true(logs_in_anew(l, 200));
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(count(l->r, "INVITE ") > 1); /* some may come back in time */
	l->b.invite = text_bytes(&last(l->r, "INVITE ")->data);
	for (uint32_t i = l->r->sent_count; i-- > 0;) {
		if (l->r->sent[i].hop.connection == 200 &&
		    bytes_starts(text_bytes(&l->r->sent[i].data), "INVITE "))
			l->b.invite = text_bytes(&l->r->sent[i].data);
	}
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* As many as may are there: a further one is refused, as ever. */
static void test_live_phones_stay(void **state)
{
	struct line *l = *state;
	uint32_t most = l->r->settings.registrar.contacts_max;

	for (uint64_t i = 1; i <= most; i++)
		assert_true(logs_in_anew(l, 100 + i));
	assert_false(logs_in_anew(l, 200));
	assert_int_equal(bindings(l), most);
	l->b.hop.connection = 101;
	close_connection(l);
	assert_true(logs_in_anew(l, 201));
	assert_int_equal(bindings(l), most);
}

/* It is waited for as long as phones need to come back, not until it runs out. */
static void test_gone_for_good(void **state)
{
	struct line *l = *state;

	assert_true(logs_in_anew(l, 101));
	close_connection(l);
	rig_wait_ms(l->r, 50 * 1000);
	assert_int_equal(bindings(l), 1);
	rig_wait_ms(l->r, 11 * 1000);
	assert_int_equal(bindings(l), 0);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	assert_true(logs_in_anew(l, 102));
	assert_int_equal(bindings(l), 1);
}

/* After a restart nobody's connection lives. Phones that come back are known by what they said; others are kept until then. */
static void test_restart_closes_all(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };
	const char *reason;
	uint32_t most = l->r->settings.registrar.contacts_max;

	for (uint64_t i = 1; i <= most; i++)
		assert_true(logs_in_anew(l, 100 + i));
	assert_int_equal(
		aor_encode(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002")), NULL,
			   &record),
		0);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	phone_bind(&l->a);
	assert_int_equal(
		locations_restore(l->r->locations, text_bytes(&record), l->r->now, &reason), 0);
	shard_resume(l->r->shard, l->r->now);
	locations_resume(l->r->locations, l->r->now);
	rig_run(l->r);
	rig_wait_ms(l->r, 70 * 1000);
	assert_int_equal(bindings(l), most); /* their time is what they were granted */
	for (uint64_t i = 1; i <= most; i++)
		assert_true(logs_in_anew(l, 200 + i));
	assert_int_equal(bindings(l), most);
	assert_false(logs_in_anew(l, 300));
	text_clear(&record);
}

/* Not for long: the call goes on without the phone. */
static void test_waits_no_longer_than_a_moment(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	shard_send_failed(l->r->shard, &last(l->r, "INVITE ")->hop, ENOTCONN, l->r->now);
	rig_wait_ms(l->r, 4100);
	assert_int_equal(count(l->r, "INVITE "), 1); /* not sent again meanwhile: it is reliable */
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
}

/* A request in its dialog over another connection is as good (RFC 5626). */
static void test_goes_on_elsewhere(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	talk(l);
	phone_request(&l->a, "INFO", "Content-Type: text/plain\r\n", "Signal=1\r\n");
	assert_on(last(l->r, "INFO "), 5);
	connect_phone(&l->b, SIP_TCP, 7);
	ask(&l->b, "OPTIONS");
	assert_on(last(l->r, "SIP/2.0 200"), 7);
	assert_int_equal(count(l->r, "INFO "),
			 2); /* what it had not answered is said again there */
	assert_on(last(l->r, "INFO "), 7);
	phone_request(&l->a, "BYE", "", "");
	assert_on(last(l->r, "BYE "), 7);
}

/* A neighbour that listens and cannot be reached is no phone that comes back. */
static void test_neighbour_fails_at_once(void **state)
{
	struct line *l = *state;
	struct sip_hop hop;

	phone_open(&l->b, l->r, "1002", "192.0.2.12:5060");
	connect_phone(&l->b, SIP_TCP, 5);
	(void)log_in(&l->b, "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	hop = last(l->r, "INVITE ")->hop;
	assert_false(hop.inbound); /* its Contact may be called */
	shard_connection_closed(l->r->shard, &hop, l->r->now);
	rig_run(l->r);
	assert_int_equal(count(l->r, "INVITE "), 2); /* over a new connection, once */
	assert_true(last(l->r, "INVITE ")->hop.connection == 0);
	shard_send_failed(l->r->shard, &last(l->r, "INVITE ")->hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	assert_int_equal(count(l->r, "INVITE "), 2);
	assert_true(phone_hears(&l->a, "SIP/2.0 5").n || phone_hears(&l->a, "SIP/2.0 4").n);
}

/* Whoever has a password and forges a source must not draw the calls of that source to himself. */
static void test_takes_nobody_elses_calls(void **state)
{
	struct line *l = *state;
	struct phone thief;

	(void)log_in(&l->b, "");
	talk(l);
	phone_open(&thief, l->r, "1003", "192.0.2.11:5060"); /* as if from A */
	assert_true(bytes_starts(log_in(&thief, ""), "SIP/2.0 200"));
	thief.addr = rig_addr("192.0.2.66:6666");
	assert_true(bytes_starts(log_in(&thief, ""), "SIP/2.0 200"));
	assert_int_equal(shard_hangup(l->r->shard, rig_record(l->r)->call, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_int_equal(count(l->r, "BYE "), 2);
	assert_int_equal(rig_count(l->r, &thief.addr, "BYE "), 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
}

#define SECURE_SDP_B                                                                  \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/SAVP 8\r\n"                                                 \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmR2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2\r\n"

/* A phone that insists on SRTP, its extension as it is made: refused plain media becomes an offer with keys, where nobody reads them. */
static void test_insists_on_srtp(void **state)
{
	struct line *l = *state;
	struct bytes m;

	connect_phone(&l->b, SIP_TLS, 5);
	(void)log_in(&l->b, "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	m = text_bytes(&last(l->r, "INVITE ")->data);
	assert_true(rig_has(m, " RTP/AVP ") && !rig_has(m, "a=crypto:"));
	phone_answer(&l->b, m, "488 Not Acceptable Here", "");
	m = text_bytes(&last(l->r, "INVITE ")->data);
	assert_true(rig_has(m, " RTP/SAVP ") && rig_has(m, "a=crypto:"));
	assert_true(rig_has(rig_header(m, "CSeq"), "2 INVITE"));
	l->b.invite = m;
	phone_answer(&l->b, m, "200 OK", SECURE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, " RTP/AVP ") && !rig_has(m, "a=crypto:"));
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A); /* and it stays so */
	assert_true(rig_has(text_bytes(&last(l->r, "INVITE ")->data), " RTP/SAVP "));
}

static void test_takes_nothing_at_all(void **state)
{
	struct line *l = *state;

	connect_phone(&l->b, SIP_TLS, 5);
	(void)log_in(&l->b, "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	for (int i = 0; i < 2; i++)
		phone_answer(&l->b, text_bytes(&last(l->r, "INVITE ")->data), "488 No", "");
	assert_int_equal(count(l->r, "INVITE "), 2);
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
}

/* Over TCP everybody on the way could read the keys. */
static void test_no_keys_in_the_clear(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, text_bytes(&last(l->r, "INVITE ")->data), "488 No", "");
	assert_int_equal(count(l->r, "INVITE "), 1);
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
}

/* It calls with SRTP, and the other one holds: what it is offered then has keys as well. */
static void test_keys_stay(void **state)
{
	struct line *l = *state;
	struct bytes m;

	connect_phone(&l->b, SIP_TLS, 5);
	(void)log_in(&l->b, "");
	phone_begin(&l->b, "1001");
	phone_request(&l->b, "INVITE", "", SECURE_SDP_B);
	m = phone_rings(&l->a);
	assert_true(rig_has(m, " RTP/AVP "));
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	m = text_bytes(&last(l->r, "SIP/2.0 200")->data);
	assert_true(rig_has(m, " RTP/SAVP "));
	phone_split(rig_header(m, "To"), l->b.remote, sizeof(l->b.remote), l->b.remote_tag,
		    sizeof(l->b.remote_tag));
	phone_target(&l->b, rig_header(m, "Contact"));
	phone_ack(&l->b);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	m = text_bytes(&last(l->r, "INVITE ")->data);
	assert_true(rig_has(m, " RTP/SAVP ") && rig_has(m, "a=crypto:"));
}

/* A leg that a 3xx has added moves with its own phone. */
static void test_redirected_leg_moves(void **state)
{
	struct line *l = *state;

	redirect(l);
	connect_phone(&l->b, SIP_TCP, 6);
	(void)log_in(&l->b, "");
	l->a.remote_tag[0] = '\0';
	(void)snprintf(l->a.target, sizeof(l->a.target), "sip:1003@test.local");
	phone_cancel(&l->a);
	assert_on(last(l->r, "CANCEL "), 6);
}

/* ... and the record knows whose it is. */
static void test_redirected_leg_moves_after_restart(void **state)
{
	struct line *l = *state;
	struct text record = { 0 }, binding = { 0 };
	const char *reason;
	uint64_t call;

	redirect(l);
	call = rig_record(l->r)->call;
	assert_int_equal(
		aor_encode(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002")), NULL,
			   &binding),
		0);
	assert_int_equal(text_set(&record, text_bytes(&rig_record(l->r)->record)), 0);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	assert_int_equal(
		locations_restore(l->r->locations, text_bytes(&binding), l->r->now, &reason), 0);
	assert_int_equal(shard_restore_call(l->r->shard, text_bytes(&record), l->r->now, &reason),
			 0);
	shard_resume(l->r->shard, l->r->now);
	locations_resume(l->r->locations, l->r->now);
	rig_run(l->r);
	connect_phone(&l->b, SIP_TCP, 8);
	(void)log_in(&l->b, "");
	assert_int_equal(shard_hangup(l->r->shard, call, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_on(last(l->r, "CANCEL "), 8);
	text_clear(&record);
	text_clear(&binding);
}

/* An INVITE over a connection that dies, and its copy over the next one, before any REGISTER. */
static void test_copy_is_answered_where_it_came_from(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	phone_invite(&l->b, "1001", PHONE_SDP_B);
	assert_on(last(l->r, "SIP/2.0 100"), 5);
	phone_answer(&l->a, phone_rings(&l->a), "180 Ringing", "");
	assert_on(last(l->r, "SIP/2.0 180"), 5);
	shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
	rig_run(l->r);
	connect_phone(&l->b, SIP_TCP, 7);
	phone_write(&l->b, "INVITE", "", PHONE_SDP_B);
	assert_on(last(l->r, "SIP/2.0 180"), 7);
	assert_int_equal(rig_counts(l->r).calls, 1);
	connect_phone(&l->b, SIP_TCP, 8);
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_on(last(l->r, "SIP/2.0 200"), 7);
	phone_write(&l->b, "INVITE", "", PHONE_SDP_B);
	rig_wait_ms(l->r, 600); /* RFC 3261 13.3.1.4: also over a reliable transport */
	assert_on(last(l->r, "SIP/2.0 200"), 8);
}

/* Its CANCEL may be the first thing over the next connection. */
static void test_cancel_over_the_next_connection(void **state)
{
	struct line *l = *state;

	(void)log_in(&l->b, "");
	phone_invite(&l->b, "1001", PHONE_SDP_B);
	phone_answer(&l->a, phone_rings(&l->a), "180 Ringing", "");
	connect_phone(&l->b, SIP_TCP, 7);
	phone_cancel(&l->b);
	assert_on(last(l->r, "SIP/2.0 487"), 7);
	assert_int_equal(rig_count(l->r, &l->a.addr, "CANCEL "), 1);
}

/* RFC 5626 6: the flow is the instance and its reg-id, whatever the Contact says. */
static void test_outbound(void **state)
{
	struct line *l = *state;
	struct bytes ok;

	(void)snprintf(l->b.contact_params, sizeof(l->b.contact_params),
		       ";reg-id=1;+sip.instance=\"<urn:uuid:1>\"");
	ok = log_in(&l->b, "Supported: outbound, path\r\n");
	assert_true(bytes_is(rig_header(ok, "Require"), "outbound"));
	assert_true(bytes_is(rig_header(ok, "Flow-Timer"), "120"));
	assert_int_equal(rig_counts(l->r).bindings, 2 /* and that of A */);
	connect_phone(&l->b, SIP_TCP, 6);
	(void)snprintf(l->b.address, sizeof(l->b.address), "10.0.0.5:2");
	ok = log_in(&l->b, "");
	assert_int_equal(rig_counts(l->r).bindings, 2); /* in the place of the one before */
	assert_true(rig_header(ok, "Require").n == 0);  /* nobody asked */
	assert_true(rig_header(ok, "Flow-Timer").n == 0);
	(void)snprintf(l->b.contact_params, sizeof(l->b.contact_params),
		       ";reg-id=2;+sip.instance=\"<urn:uuid:1>\"");
	(void)snprintf(l->b.address, sizeof(l->b.address), "10.0.0.5:3");
	(void)log_in(&l->b, "");
	assert_int_equal(rig_counts(l->r).bindings, 3);
}

static void put(struct line *l, bool single, bool tls)
{
	struct shard_extension e = rig_extension("1002", false);

	e.single_phone = single;
	e.tls_srtp = tls;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
}

/* REG-07 */
static void test_single_phone(void **state)
{
	struct line *l = *state;
	struct phone other;

	put(l, true, false);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	phone_open(&other, l->r, "1002", "192.0.2.13:5060");
	assert_true(bytes_starts(log_in(&other, ""), "SIP/2.0 403"));
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200")); /* the first one goes on */
	assert_int_equal(rig_counts(l->r).bindings, 2);              /* and that of A */
}

/* REG-08 */
static void test_tls_only(void **state)
{
	struct line *l = *state;
	struct bytes no;

	put(l, false, true);
	no = log_in(&l->b, "");
	assert_true(bytes_starts(no, "SIP/2.0 403"));
	assert_true(rig_has(rig_header(no, "Warning"), "TLS"));
	connect_phone(&l->b, SIP_TLS, 9);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
}

/* REG-12: so may the profile of its address. */
static void test_profile_transports(void **state)
{
	struct line *l = *state;
	struct shard_profile p = { .name = PROFILE_DEFAULT, .transports = 1 << SIP_UDP };

	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &p), 0);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 403"));
	p.transports = 1 << SIP_UDP | 1 << SIP_TCP;
	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &p), 0);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
}

/* Over UDP an address and port is known once it has proved who it is. */
static void test_who_is_known(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	l->b.hop = (struct sip_hop){ .transport = SIP_UDP, .remote = rig_addr("10.0.0.5:5060") };
	r->trusted_udp = (struct sip_hop){ 0 };
	phone_register_with(&l->b, "", 90);
	assert_int_equal(r->trusted_udp.remote.port, 0);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	assert_true(addr_eq(&r->trusted_udp.remote, &l->b.hop.remote));
}

static void hop_count(const struct sip_hop *hop, void *arg)
{
	struct line *l = arg;

	l->r->trusted_udp.connection += addr_eq(&hop->remote, &l->b.hop.remote);
}

/* As a binding, and as a party of a call. */
static void test_hops_of_all(void **state)
{
	struct line *l = *state;

	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	talk(l);
	l->r->trusted_udp.connection = 0;
	shard_hops(l->r->shard, hop_count, l);
	locations_hops(l->r->locations, hop_count, l);
	assert_int_equal(l->r->trusted_udp.connection, 2);
}

/* Over which connections the transport hears that it is nobody strange: by credentials, by address, within a dialog. */
static void test_who_is_trusted(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	struct sip_hop stranger = { .transport = SIP_TCP,
				    .local = TCP_LOCAL,
				    .remote = rig_addr("198.51.100.9:4000"),
				    .connection = 99,
				    .inbound = true };

	connect_phone(&l->b, SIP_TCP, 5);
	l->b.hop.remote = rig_addr("198.51.100.1:4000");
	phone_register_with(&l->b, "", 90);
	assert_int_equal(r->trusted.connection, 0);
	assert_true(bytes_starts(log_in(&l->b, ""), "SIP/2.0 200"));
	assert_true(r->trusted.connection == 5);
	talk(l);
	shard_receive(r->shard, &stranger,
		      BYTES_LIT("OPTIONS sip:x SIP/2.0\r\n"
				"Via: SIP/2.0/TCP x;branch=z9hG4bK1\r\n"
				"From: <sip:x@x>;tag=1\r\nTo: <sip:x>\r\n"
				"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
				"Max-Forwards: 1\r\n\r\n"),
		      r->now);
	rig_run(r);
	assert_true(last(r, "SIP/2.0 200")->hop.connection == 99);
	assert_true(r->trusted.connection == 5);
	l->b.hop.connection = 6;
	ask(&l->b, "BYE");
	assert_true(last(r, "SIP/2.0 200")->hop.connection == 6);
	assert_true(r->trusted.connection == 6);
	stranger.remote = rig_addr("192.0.2.77:4000"); /* a neighbour */
	shard_receive(r->shard, &stranger,
		      BYTES_LIT("SIP/2.0 200 OK\r\n"
				"Via: SIP/2.0/TCP x;branch=z9hG4bK1\r\n"
				"From: <sip:x@x>;tag=1\r\nTo: <sip:x>;tag=2\r\n"
				"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"),
		      r->now);
	rig_run(r);
	assert_true(r->trusted.connection == 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		TEST(test_on_its_connection),
		TEST(test_who_is_known),
		TEST(test_hops_of_all),
		TEST(test_registers_again_in_a_call),
		TEST(test_comes_back_with_another_contact),
		TEST(test_what_was_withheld),
		TEST(test_message_does_not_wait),
		TEST(test_waits_for_the_phone),
		TEST(test_restart_without_nat),
		TEST(test_waits_no_longer_than_a_moment),
		TEST(test_loaded_anew),
		TEST(test_live_phones_stay),
		TEST(test_gone_for_good),
		TEST(test_insists_on_srtp),
		TEST(test_takes_nothing_at_all),
		TEST(test_no_keys_in_the_clear),
		TEST(test_keys_stay),
		TEST(test_restart_closes_all),
		TEST(test_goes_on_elsewhere),
		TEST(test_neighbour_fails_at_once),
		TEST(test_takes_nobody_elses_calls),
		TEST(test_redirected_leg_moves),
		TEST(test_redirected_leg_moves_after_restart),
		TEST(test_copy_is_answered_where_it_came_from),
		TEST(test_cancel_over_the_next_connection),
		TEST(test_outbound),
		TEST(test_single_phone),
		TEST(test_tls_only),
		TEST(test_profile_transports),
		TEST(test_who_is_trusted),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
