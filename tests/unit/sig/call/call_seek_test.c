/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to phones that are at a name: they wait for it, and go to the places where it leads. */
#include "tests/unit/sig/call/seeker.h"

static void waits(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
	assert_string_equal(l->r->lookups[0].host, NAME);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	tell(l->r, leads_to("192.0.2.21:5070 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5070");
	assert_int_equal(l->r->lookup_stops, 0);
	assert_true(bytes_starts(m, "INVITE sip:1002@" NAME " SIP/2.0"));
	assert_true(rig_has(rig_header(m, "From"), "1001@"));
	assert_true(rig_has(rig_header(m, "From"), "\"Phone\""));
	phone_answer(&l->b, m, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	s->names.known = leads_to("192.0.2.21:5070 192.0.2.22:5060");
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_ends(l);
	assert_int_equal(l->r->lookup_count, 1);
}

/* The INVITE waits for the record that explains it, as ever. */
static void saved_before_said(void **state)
{
	struct line *l = *state;
	const struct addr to = rig_addr("192.0.2.21:5060");

	call_b(l);
	l->r->hold_saves = true;
	tell(l->r, leads_to("192.0.2.21:5060"));
	assert_int_equal(rig_count(l->r, &to, "INVITE "), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &to, "INVITE "), 1);
}

/* One save, as to any phone: nothing waits. */
static void known_costs_nothing(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	s->names.known = leads_to("192.0.2.21:5060");
	call_b(l);
	assert_int_equal(l->r->lookup_count, 0);
	assert_int_equal(l->r->save_count, 1);
	talk_at(l, "192.0.2.21:5060");
	assert_ends(l);
}

static void numeric_is_not_looked_up(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	open_at(&l->b, l->r, "1003", "192.0.2.13:5060", "192.0.2.13:5060");
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(s->names.finds, 0);
	assert_int_equal(l->r->lookup_count, 0);
	assert_true(phone_rings(&l->b).n);
}

/* RFC 3327: the first of those on the way is sent to, wherever the phone is; all of them are told. */
static void by_its_path(void **state)
{
	struct line *l = *state;
	struct bytes m;

	open_at(&l->b, l->r, "1003", "10.0.0.7:5060", "192.0.2.13:5060");
	l->b.path = "<sip:" NAME ";lr>, <sip:inner.example.test;lr>";
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	assert_true(bytes_starts(m, "INVITE sip:1003@10.0.0.7:5060 SIP/2.0"));
	assert_true(rig_has(m, "Route: <sip:" NAME ";lr>, <sip:inner.example.test;lr>\r\n"));
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	m = rings_at(l, "192.0.2.22:5060");
	assert_true(rig_has(m, "Route: <sip:" NAME ";lr>, <sip:inner.example.test;lr>\r\n"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* RFC 7118: a browser's Contact. */
static void invalid_is_no_name(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	open_at(&l->b, l->r, "1003", "a1b2.invalid", "192.0.2.13:5060");
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(s->names.finds, 0);
	assert_true(phone_rings(&l->b).n);
}

/* A phone is reached at its own host, whatever it calls itself. */
static void who_is_not_trusted_names_nothing(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	open_at(&l->b, l->r, "1003", NAME, "198.51.100.13:5060");
	phone_bind(&l->b);
	call_b(l);
	assert_int_equal(s->names.finds, 0);
	assert_true(phone_rings(&l->b).n);
}

/* RFC 3263 4.3: 503, also with a time. */
static void next_on_503(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060 192.0.2.23:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	phone_answer_as(&l->b, m, "x", "503 Service Unavailable",
			"Retry-After: 120 (tea);duration=9\r\n", "");
	assert_int_equal(s->names.failures, 1);
	assert_int_equal(s->names.failed_s, 120);
	assert_int_equal(s->names.failed.to.port, 5060);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	m = rings_at(l, "192.0.2.22:5060");
	assert_true(m.n);
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	assert_int_equal(s->names.failed_s, 0);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 5").n, 0);
	talk_at(l, "192.0.2.23:5060");
	assert_int_equal(rig_counts(l->r).ports_free, 98); /* none of those before */
	assert_ends(l);
}

static void next_on_time_out(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	assert_true(rings_at(l, "192.0.2.21:5060").n);
	rig_wait_ms(l->r, 32100);
	assert_int_equal(s->names.failures, 1);
	talk_at(l, "192.0.2.22:5060");
	assert_ends(l);
}

static void next_on_transport_error(void **state)
{
	struct line *l = *state;
	struct sip_hop hop = { .remote = rig_addr("192.0.2.21:5060") };

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	talk_at(l, "192.0.2.22:5060");
	assert_ends(l);
}

/* Whoever answers says what counts. */
static void busy_is_an_answer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	m = rings_at(l, "192.0.2.21:5060");
	phone_answer(&l->b, m, "486 Busy Here", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	assert_int_equal(rings_at(l, "192.0.2.22:5060").n, 0);
}

/* 503 is nobody's but of the place (RFC 3261 16.7). */
static void all_fail(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	phone_answer(&l->b, rings_at(l, "192.0.2.21:5060"), "503 Service Unavailable", "");
	phone_answer(&l->b, rings_at(l, "192.0.2.22:5060"), "503 Service Unavailable", "");
	assert_int_equal(s->names.failures, 2);
	assert_true(phone_hears(&l->a, "SIP/2.0 500").n);
	phone_ack(&l->a);
	line_assert_idle(l->r);
}

/* A kill between two places costs neither the rest of them nor the call. */
static void next_after_restart(void **state)
{
	struct line *l = *state;
	struct bytes m;

	call_b(l);
	tell(l->r, leads_to("192.0.2.21:5060 192.0.2.22:5060"));
	assert_true(rings_at(l, "192.0.2.21:5060").n);
	line_restart(l, line_stored(l));
	m = rings_at(l, "192.0.2.21:5060");
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	assert_int_equal(l->r->lookup_count, 1);
	talk_at(l, "192.0.2.22:5060");
	assert_ends(l);
}

/* ... to the way that the phone registered. */
static void nothing_leads_back(void **state)
{
	static const enum lookup_state states[] = { LOOKUP_NOTHING, LOOKUP_FAILED, LOOKUP_BAD };
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(states); i++) {
		struct bytes m;

		call_b(l);
		assert_int_equal(l->r->lookup_count, i + 1);
		tell(l->r, (struct lookup_reply){ .state = states[i] });
		m = rings_at(l, "192.0.2.12:5060");
		assert_true(m.n);
		phone_answer(&l->b, m, "486 Busy Here", "");
		assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
		phone_ack(&l->a);
	}
	line_assert_idle(l->r);
}

/* What nobody may be sent to is no place, whoever says so. */
static void lies_lead_back(void **state)
{
	struct line *l = *state;

	call_b(l);
	tell(l->r, leads_to("127.0.0.1:5060 192.0.2.1:5060 224.0.0.1:5060"));
	assert_true(rings_at(l, "192.0.2.12:5060").n);
}

/* The settings change, names stay. */
static void configured(void **state)
{
	struct line *l = *state;
	struct shard_settings settings = rig_settings();

	shard_configure(l->r->shard, &settings);
	call_b(l);
	assert_int_equal(l->r->lookup_count, 1);
}

/* What was sent last to that address, and begins so: for whom its certificate must be. */
static const char *named(const struct line *l, const char *place, const char *begin)
{
	const struct addr to = rig_addr(place);
	const struct rig_sent *s = NULL;

	for (uint32_t i = 0; i < l->r->sent_count; i++) {
		if (addr_eq(&l->r->sent[i].hop.remote, &to) &&
		    bytes_starts(text_bytes(&l->r->sent[i].data), begin))
			s = &l->r->sent[i];
	}
	if (!s || s->hop.transport != SIP_TLS)
		return "";
	return hop_names_text(l->r->settings.names, s->hop.name);
}

/* The next process gives names other numbers. */
static void forget_names(struct seeker *s)
{
	hop_names_close(s->known_by);
	assert_int_equal(hop_names_open(&s->known_by), 0);
	assert_int_equal(hop_names_put(s->known_by, BYTES_LIT("another.test")), 1);
	s->l.r->settings.names = s->known_by;
}

static struct lookup_reply leads_by_tls(const char *places)
{
	struct lookup_reply new_state = leads_to(places);

	for (uint32_t i = 0; i < new_state.count; i++)
		new_state.targets[i].transport = SIP_TLS;
	return new_state;
}

static void speak_tls(struct seeker *s)
{
	struct rig *r = s->l.r;

	shard_close(r->shard);
	s->names.speaks |= 1U << SIP_TLS;
	assert_int_equal(hop_names_open(&s->known_by), 0);
	r->settings.names = s->known_by;
	r->settings.locals[1] = r->settings.locals[0];
	r->settings.locals[1].transport = SIP_TLS;
	r->settings.locals[1].bind.port = r->settings.locals[1].advertise.port = 5061;
	r->settings.local_count = 2;
	rig_start_shard(r);
	phone_bind(&s->l.a);
	phone_bind(&s->l.b);
}

/* RFC 5922 7.3: the domain of the URI, not the host of the record or its address; of each place, in each process, and in the dialog. */
static void tls_keeps_the_name(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct bytes m;

	speak_tls(s);
	call_b(l);
	tell(l->r, leads_by_tls("192.0.2.21:5061 192.0.2.22:5061"));
	assert_string_equal(named(l, "192.0.2.21:5061", "INVITE "), NAME);
	forget_names(s);
	line_restart(l, line_stored(l));
	assert_string_equal(named(l, "192.0.2.21:5061", "INVITE "), NAME);
	m = rings_at(l, "192.0.2.21:5061");
	phone_answer(&l->b, m, "503 Service Unavailable", "");
	assert_string_equal(named(l, "192.0.2.22:5061", "INVITE "), NAME);
	s->names.known = leads_by_tls("192.0.2.21:5061 192.0.2.22:5061");
	talk_at(l, "192.0.2.22:5061");
	assert_string_equal(named(l, "192.0.2.22:5061", "ACK "), NAME);
	forget_names(s);
	line_restart(l, line_stored(l));
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_string_equal(named(l, "192.0.2.22:5061", "BYE "), NAME);
	hop_names_close(s->known_by);
}

/* A certificate that is not for the name: the next place is asked at once. What is under way to others at that address goes on. */
static void tls_refused_by_its_name(void **state)
{
	struct seeker *s = *state;
	struct line *l = *state;
	struct sip_hop hop = { .transport = SIP_TLS, .remote = rig_addr("192.0.2.21:5061") };

	speak_tls(s);
	call_b(l);
	tell(l->r, leads_by_tls("192.0.2.21:5061 192.0.2.22:5061"));
	hop.name = hop_names_put(s->known_by, BYTES_LIT("another.test"));
	shard_send_failed(l->r->shard, &hop, EKEYREJECTED, l->r->now);
	rig_run(l->r);
	assert_int_equal(s->names.failures, 0);
	hop.name = hop_names_put(s->known_by, BYTES_LIT(NAME));
	shard_send_failed(l->r->shard, &hop, EKEYREJECTED, l->r->now);
	rig_run(l->r);
	assert_int_equal(s->names.failures, 1);
	talk_at(l, "192.0.2.22:5061");
	hop_names_close(s->known_by);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEK_TEST(waits),
		SEEK_TEST(saved_before_said),
		SEEK_TEST(known_costs_nothing),
		SEEK_TEST(numeric_is_not_looked_up),
		SEEK_TEST(by_its_path),
		SEEK_TEST(invalid_is_no_name),
		SEEK_TEST(who_is_not_trusted_names_nothing),
		SEEK_TEST(next_on_503),
		SEEK_TEST(next_on_time_out),
		SEEK_TEST(next_on_transport_error),
		SEEK_TEST(busy_is_an_answer),
		SEEK_TEST(all_fail),
		SEEK_TEST(next_after_restart),
		SEEK_TEST(nothing_leads_back),
		SEEK_TEST(lies_lead_back),
		SEEK_TEST(tls_keeps_the_name),
		SEEK_TEST(tls_refused_by_its_name),
		SEEK_TEST(configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
