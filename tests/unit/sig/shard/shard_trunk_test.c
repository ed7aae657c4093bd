/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from trunks. */
#include <unistd.h>

#include "base/log.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/gate.h"
#include "tests/unit/sig/watch.h"

#define NUMBER "+49301001"

/* The trunk of the first carrier, and a number of 1001. */
static struct phone *carrier(struct gate *g, struct trunk_settings *set)
{
	*set = gate_trunk("carrier", "198.51.100.1");
	(void)gate_put(g, set);
	gate_did(g, NUMBER, "1001");
	return &g->carriers[0];
}

static void calls_as(struct phone *gw, const char *from, const char *to)
{
	phone_begin(gw, to);
	(void)snprintf(gw->local, sizeof(gw->local), "\"Outside\" <sip:%s@198.51.100.1>", from);
	phone_request(gw, "INVITE", "", PHONE_SDP_B);
	rig_run(gw->r);
}

static void is_answered(struct gate *g, struct phone *gw)
{
	phone_answer(&g->l.a, phone_rings(&g->l.a), "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(gw, "SIP/2.0 200").n);
	phone_ack(gw);
}

static void a_number_rings_its_user(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	uint16_t trunk = trunks_find(g->trunks, 0, BYTES_LIT("carrier"));
	struct bytes m;

	calls_as(gw, "+4940123", NUMBER);
	assert_int_equal(trunks_held(g->trunks, trunk, TRUNK_IN), 1);
	m = phone_rings(&g->l.a);
	assert_true(m.n);
	assert_true(rig_has(rig_header(m, "From"), "\"Outside\" <sip:+4940123@"));
	phone_answer(&g->l.a, m, "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(gw, "SIP/2.0 200").n);
	phone_ack(gw);
	phone_request(gw, "BYE", "", "");
	rig_run(g->l.r);
	phone_answer(&g->l.a, rig_take(g->l.r, &g->l.a.addr, "BYE "), "200 OK", "");
	line_assert_idle(g->l.r);
	assert_string_equal(g->l.r->cdrs[0].from, "+4940123");
	assert_string_equal(g->l.r->cdrs[0].from_trunk, "carrier");
	assert_string_equal(g->l.r->cdrs[0].to_trunk, "");
	for (uint32_t i = 0; i < g->l.r->event_count; i++) {
		assert_string_equal(event_str(&g->l.r->events[i], EV_FROM_TRUNK), "carrier");
		assert_string_equal(event_str(&g->l.r->events[i], EV_TO_TRUNK), "");
	}
	assert_int_equal(trunks_held(g->trunks, trunk, TRUNK_IN), 0);
}

/* CONF-01: a number outside may mean a room. */
static void a_number_is_a_rooms(void **state)
{
	struct gate *g = *state;
	const struct room_terms terms = { .number = "700" };
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct rooms *rooms;

	assert_int_equal(rooms_open(&rooms, g->tenants), 0);
	assert_int_equal(rooms_put(rooms, &terms), 0);
	g->l.r->shard->settings.rooms = rooms;
	gate_did(g, "+49307", "700");
	calls_as(gw, "+4940123", "+49307");
	assert_true(rig_has(rig_header(phone_hears(gw, "SIP/2.0 486"), "Reason"), "conference"));
	phone_ack(gw);
	g->l.r->shard->settings.rooms = NULL;
	rooms_close(rooms);
}

/* A key of leg 1, as the engine hears it. */
static void key_pressed(struct rig *r, char digit)
{
	struct media_event ev = {
		.kind = MEDIA_FLOW_DIGIT, .leg = 1, .digit = digit, .duration_ms = 200
	};

	for (uint32_t i = 0; i < r->media_count; i++) {
		const struct flow_spec *s = &r->media[i].spec;

		if (r->media[i].kind == MEDIA_FLOW_OPEN && s->leg == 1) {
			ev.id = s->id;
			ev.call = s->call;
		}
	}
	shard_media_event(r->shard, &ev, r->now);
	rig_run(r);
}

static const struct media_command *digit_to_phone(const struct rig *r)
{
	for (uint32_t i = 0; i < r->media_count; i++) {
		if (r->media[i].kind == MEDIA_FLOW_DIGIT_SEND)
			return &r->media[i];
	}
	return NULL;
}

/* MED-03: a trunk by INFO, a phone by RFC 4733: each key crosses once, also after a kill. */
static void keys_by_info(void **state)
{
	static const char *const bodies[][2] = {
		{ "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=250\r\n" },
		{ "Content-Type: application/dtmf\r\n", "5" },
	};
	struct gate *g = *state;
	struct rig *r = g->l.r;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	const struct media_command *sent;
	struct text record = { 0 };
	struct bytes m;

	set.dtmf = TRUNK_DTMF_INFO;
	(void)gate_put(g, &set);
	calls_as(gw, "+4940123", NUMBER);
	m = phone_rings(&g->l.a);
	assert_true(rig_has(rig_body(m), "telephone-event"));
	phone_answer(&g->l.a, m, "200 OK", PHONE_SDP_A);
	m = phone_hears(gw, "SIP/2.0 200");
	assert_true(m.n && !rig_has(rig_body(m), "telephone-event"));
	phone_ack(gw);
	rig_run(r);
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		r->media_count = i ? 0 : r->media_count;
		phone_request(gw, "INFO", bodies[i][0], bodies[i][1]);
		rig_run(r);
		sent = digit_to_phone(r);
		assert_true(sent && sent->digit == '5');
		assert_int_equal(rig_count(r, &g->l.a.addr, "INFO "), 0);
	}
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	text_clear(&record);
	key_pressed(g->l.r, '7');
	m = rig_take(g->l.r, &gw->addr, "INFO ");
	assert_true(bytes_is(rig_body(m), "Signal=7\r\nDuration=200\r\n"));
	assert_true(bytes_is(rig_header(m, "Content-Type"), "application/dtmf-relay"));
}

/* A trunk that wants the digit alone gets it so: of events, also after a kill, and of INFO of either kind, which ends here or passes. */
static void keys_by_plain_info(void **state)
{
	static const char relay[] = "Content-Type: application/dtmf-relay\r\n",
			  plain[] = "Content-Type: application/dtmf\r\n";
	static const struct {
		enum trunk_dtmf dtmf;
		const char *type, *body, *came;
	} rows[] = {
		{ TRUNK_DTMF_INFO_PLAIN, relay, "Signal=5\r\nDuration=250\r\n", "5" },
		{ TRUNK_DTMF_INFO_PLAIN, plain, "5", "5" },
		{ TRUNK_DTMF_INFO, plain, "5", "Signal=5\r\nDuration=160\r\n" },
		{ TRUNK_DTMF_PROFILE, plain, "5", "5" },
	};
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct bytes m;

	set.dtmf = TRUNK_DTMF_INFO_PLAIN;
	(void)gate_put(g, &set);
	calls_as(gw, "+4940123", NUMBER);
	phone_answer(&g->l.a, phone_rings(&g->l.a), "200 OK", PHONE_SDP_A);
	m = phone_hears(gw, "SIP/2.0 200");
	assert_true(m.n && !rig_has(rig_body(m), "telephone-event"));
	phone_ack(gw);
	rig_run(g->l.r);
	key_pressed(g->l.r, '7');
	m = rig_take(g->l.r, &gw->addr, "INFO ");
	assert_true(bytes_is(rig_body(m), "7"));
	assert_true(bytes_is(rig_header(m, "Content-Type"), "application/dtmf"));
	phone_answer(gw, m, "200 OK", "");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		set.dtmf = (uint8_t)rows[i].dtmf;
		(void)gate_put(g, &set);
		phone_request(&g->l.a, "INFO", rows[i].type, rows[i].body);
		m = rig_take(g->l.r, &gw->addr, "INFO ");
		assert_true(bytes_is(rig_body(m), rows[i].came));
		phone_answer(gw, m, "200 OK", "");
		assert_int_equal(rig_take(g->l.r, &gw->addr, "INFO ").n, 0);
		assert_true(phone_hears(&g->l.a, "SIP/2.0 200").n);
	}
}

/* What the document says counts before the profile, either way. */
static void keys_by_what_the_document_says(void **state)
{
	static const struct {
		enum trunk_dtmf document;
		bool profile, events;
	} rows[] = {
		{ TRUNK_DTMF_PROFILE, false, true },     { TRUNK_DTMF_PROFILE, true, false },
		{ TRUNK_DTMF_EVENTS, true, true },       { TRUNK_DTMF_INFO, false, false },
		{ TRUNK_DTMF_INFO_PLAIN, false, false },
	};
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct shard_profile info = { .name = "carrier" };
		struct bytes m;

		info.terms.digits = rows[i].profile;
		assert_int_equal(shard_profile_put(g->l.r->shard, TENANT_DEFAULT, &info), 0);
		(void)snprintf(set.profile, sizeof(set.profile), "carrier");
		set.dtmf = (uint8_t)rows[i].document;
		(void)gate_put(g, &set);
		calls_as(gw, "+4940123", NUMBER);
		phone_answer(&g->l.a, phone_rings(&g->l.a), "200 OK", PHONE_SDP_A);
		m = phone_hears(gw, "SIP/2.0 200");
		assert_true(m.n);
		assert_int_equal(rig_has(rig_body(m), "telephone-event"), rows[i].events);
		phone_ack(gw);
		phone_request(gw, "BYE", "", "");
		rig_run(g->l.r);
		phone_answer(&g->l.a, rig_take(g->l.r, &g->l.a.addr, "BYE "), "200 OK", "");
		assert_true(rig_take(g->l.r, &gw->addr, "SIP/2.0 200").n);
	}
}

static const struct cdr *last_cdr(const struct gate *g)
{
	assert_true(g->l.r->cdr_count > 0);
	return &g->l.r->cdrs[g->l.r->cdr_count - 1];
}

static FILE *log_begin(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	log_setup(fileno(f), LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	return f;
}

/* It has both lines, and no code of a trunk in any. */
static void log_end(FILE *f)
{
	char text[16384];
	size_t n;

	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	rewind(f);
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	assert_non_null(memmem(text, n, "call started", 12));
	assert_non_null(memmem(text, n, "call ended", 10));
	if (memmem(text, n, "81*", 3))
		fail_msg("%.*s", (int)n, text);
}

/* How the number of a trunk is kept is nobody else's business. */
static void tells_no_code(const struct gate *g)
{
	for (uint32_t i = 0; i < g->l.r->event_count; i++) {
		assert_null(strchr(event_str(&g->l.r->events[i], EV_FROM), '*'));
		assert_null(strchr(event_str(&g->l.r->events[i], EV_TO), '*'));
	}
}

/* CALL-39: who called by that trunk is shown with its access code, and called back by it, not by the trunk that comes first; also after a
 * kill. Who hides his number, and who is no number, has no code. */
static void called_back(void **state)
{
	static const char *const shown[][2] = {
		{ "+4940123", "<sip:81+4940123@" },
		{ "4940123", "<sip:814940123@" },
		{ "alice", "<sip:alice@" },
		{ "anonymous", "<sip:anonymous@" },
	};
	struct gate *g = *state;
	struct trunk_settings set, first = gate_trunk("first", "198.51.100.2");
	struct phone *gw = carrier(g, &set);
	struct text record = { 0 };
	const struct rig_kept *kept;
	FILE *log = log_begin();
	struct bytes m;

	memcpy(set.access, "81", sizeof("81"));
	memcpy(g->l.r->settings.codes.code[FEATURE_LAST_CALLER], "#69", sizeof("#69"));
	shard_configure(g->l.r->shard, &g->l.r->settings);
	(void)gate_put(g, &set);
	(void)gate_put(g, &first);
	for (size_t i = 0; i < COUNT_OF(shown); i++) {
		calls_as(gw, shown[i][0], NUMBER);
		m = phone_rings(&g->l.a);
		ROW_ASSERT(shown[i][0], rig_has(rig_header(m, "From"), shown[i][1]));
		kept = &g->l.r->kept[(g->l.r->kept_count - 1) % RIG_LOOKUPS_MAX];
		ROW_ASSERT(shown[i][0], g->l.r->kept_count == i + 1 &&
						bytes_starts(bytes_from(bytes_str(shown[i][1]), 5),
							     kept->value));
		phone_answer(&g->l.a, m, "486 Busy Here", "");
		assert_true(phone_hears(gw, "SIP/2.0 486").n);
		phone_ack(gw);
		rig_wait_ms(g->l.r, 40000);
	}
	assert_true(g->l.r->cdr_count > 0);
	assert_string_equal(g->l.r->cdrs[0].from, "+4940123");
	gate_route_also(g, "+x.", "first", "carrier");
	gate_may_call(g);
	phone_invite(&g->l.a, "81+4940123", PHONE_SDP_A);
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	text_clear(&record);
	m = rig_take(g->l.r, &gw->addr, "INVITE ");
	assert_true(rig_has(m, "INVITE sip:+4940123@198.51.100.1 "));
	phone_answer(gw, m, "503 Service Unavailable", "");
	assert_int_equal(rig_count(g->l.r, &g->carriers[1].addr, "INVITE "), 0);
	assert_true(phone_hears(&g->l.a, "SIP/2.0 5").n);
	phone_ack(&g->l.a);
	rig_wait_ms(g->l.r, 40000);
	assert_string_equal(last_cdr(g)->to, "+4940123");
	tells_no_code(g);
	log_end(log);
}

/* Who sends a call out by an access code tells the number alone. */
static void forwarded_by_its_code(void **state)
{
	struct shard_forward f = { .always = "81+4940123" };
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct bytes m;

	memcpy(set.access, "81", sizeof("81"));
	memcpy(set.caller_id, "+49301000", sizeof("+49301000"));
	(void)gate_put(g, &set);
	gate_route(g, "+x.", "carrier");
	gate_may_call(g);
	assert_int_equal(shard_forward_set(g->l.r->shard, TENANT_DEFAULT, "1001", &f), 0);
	phone_invite(&g->l.b, "1001", PHONE_SDP_B);
	m = rig_take(g->l.r, &gw->addr, "INVITE ");
	assert_true(rig_has(m, "INVITE sip:+4940123@198.51.100.1 "));
	assert_true(rig_has(m, "History-Info: ") && rig_has(m, "sip:+4940123@"));
	assert_null(memmem(m.p, m.n, "81*", 3));
	assert_null(memmem(m.p, m.n, "81%2A", 5));
	phone_answer(gw, m, "486 Busy Here", "");
	phone_ack(&g->l.b);
	rig_wait_ms(g->l.r, 40000);
	assert_string_equal(last_cdr(g)->forwarded_to, "+4940123");
	tells_no_code(g);
}

#define VIDEO "m=video 5006 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"

/* MED-10: video goes over no trunk that was not put so. */
static void video_of_calls(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	for (unsigned allowed = 0; allowed < 2; allowed++) {
		struct bytes m;

		set.video = allowed;
		(void)gate_put(g, &set);
		phone_begin(gw, NUMBER);
		phone_request(gw, "INVITE", "", PHONE_SDP_B VIDEO);
		rig_run(g->l.r);
		m = phone_rings(&g->l.a);
		assert_int_equal(rig_has(m, "m=video 0 "), !allowed);
		phone_answer(&g->l.a, m, "200 OK",
			     allowed ? PHONE_SDP_A VIDEO : PHONE_SDP_A "m=video 0 RTP/AVP 99\r\n");
		m = phone_hears(gw, "SIP/2.0 200");
		assert_int_equal(rig_has(m, "m=video 0 "), !allowed);
		phone_ack(gw);
		phone_request(gw, "BYE", "", "");
		rig_run(g->l.r);
		phone_answer(&g->l.a, rig_take(g->l.r, &g->l.a.addr, "BYE "), "200 OK", "");
		line_assert_idle(g->l.r);
	}
}

static void refused_with(struct gate *g, struct phone *gw, const char *status)
{
	assert_true(rig_take(g->l.r, &gw->addr, status).n);
	assert_int_equal(rig_counts(g->l.r).calls, 0);
	assert_int_equal(rig_count(g->l.r, &g->l.a.addr, "INVITE "), 0);
}

/* Extensions that no number leads to cannot be dialled, nor can codes. */
static void nobody_has_the_number(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	calls_as(gw, "+4940123", "1001");
	refused_with(g, gw, "SIP/2.0 404");
	assert_int_equal(trunks_counted(g->trunks, trunks_find(g->trunks, 0, BYTES_LIT("carrier")),
					TRUNK_REFUSED),
			 1);
	calls_as(gw, "+4940123", "*73");
	refused_with(g, gw, "SIP/2.0 404");
	calls_as(gw, "+4940123", "+493010011");
	refused_with(g, gw, "SIP/2.0 404");
}

/* Who calls from outside is no extension of ours, whatever it says. */
static void claims_an_extension(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct bytes m;

	calls_as(gw, "1002", NUMBER);
	m = phone_rings(&g->l.a);
	assert_true(rig_has(rig_header(m, "From"), "sip:anonymous@"));
	assert_false(rig_has(rig_header(m, "From"), "Outside"));
	assert_int_equal(g->l.r->security.kind, SECURITY_FOREIGN_IDENTITY);
}

static void directions(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	set.directions = TRUNK_OUT;
	(void)gate_put(g, &set);
	calls_as(gw, "+4940123", NUMBER);
	refused_with(g, gw, "SIP/2.0 403");
	set.enabled = false; /* a stranger, who is asked for a password */
	(void)gate_put(g, &set);
	calls_as(gw, "+4940123", NUMBER);
	refused_with(g, gw, "SIP/2.0 407");
}

static void all_channels_are_in_use(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	set.channels_in = 1;
	(void)gate_put(g, &set);
	calls_as(gw, "+4940123", NUMBER);
	assert_true(phone_rings(&g->l.a).n);
	calls_as(&g->carriers[0], "+4940124", NUMBER);
	assert_true(rig_take(g->l.r, &gw->addr, "SIP/2.0 503").n);
	assert_int_equal(rig_counts(g->l.r).calls, 1);
}

/* Its tenant has calls enough: that is about this call, and not about the node, as 503 would be. */
static void tenant_has_calls_enough(void **state)
{
	struct gate *g = *state;
	struct tenant_settings tenant = { .name = TENANT_DEFAULT_NAME };
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct bytes m;

	tenant.most[TENANT_CALLS] = 1;
	assert_int_equal(tenants_put(g->tenants, &tenant, &set.tenant), 0);
	calls_as(gw, "+4940123", NUMBER);
	assert_true(phone_rings(&g->l.a).n);
	calls_as(gw, "+4940124", NUMBER);
	m = rig_take(g->l.r, &gw->addr, "SIP/2.0 486");
	assert_true(rig_has(m, "too many calls at once of this tenant"));
	assert_true(rig_has(m, "\r\nRetry-After: 5\r\n"));
	assert_int_equal(rig_counts(g->l.r).calls, 1);
}

/* What we said to a trunk came back from it. */
static void our_own_call_comes_back(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct bytes m;

	calls_as(gw, "+4940123", NUMBER);
	m = phone_rings(&g->l.a);
	phone_copy(gw->call_id, sizeof(gw->call_id), rig_header(m, "Call-ID"));
	phone_copy(gw->tag, sizeof(gw->tag), bytes_str(g->l.a.remote_tag));
	phone_request(gw, "INVITE", "", PHONE_SDP_B);
	assert_true(rig_take(g->l.r, &gw->addr, "SIP/2.0 482").n);
	assert_int_equal(rig_counts(g->l.r).calls, 1);
}

/* Another host of the trunk, which its route names, is asked; and yet another one may ask. */
static void goes_on_elsewhere(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set), other;

	phone_begin(gw, NUMBER);
	phone_request(gw, "INVITE", "Record-Route: <sip:198.51.100.9:5070;lr>\r\n", PHONE_SDP_B);
	is_answered(g, gw);
	other = *gw;
	other.addr = rig_addr("198.51.100.8:5060");
	(void)snprintf(other.address, sizeof(other.address), "198.51.100.8:5060");
	phone_request(&other, "OPTIONS", "", "");
	assert_true(rig_take(g->l.r, &other.addr, "SIP/2.0 200").n);
	other.addr = rig_addr("198.51.100.9:5070");
	phone_request(&g->l.a, "BYE", "", "");
	rig_run(g->l.r);
	assert_true(rig_take(g->l.r, &other.addr, "BYE ").n);
}

static void comes_from(struct phone *p, const char *address)
{
	p->addr = rig_addr(address);
	(void)snprintf(p->address, sizeof(p->address), "%s", address);
}

/* Media of the trunk's party goes to that port. */
static void assert_moved(struct gate *g, struct phone *gw, const char *status)
{
	struct bytes m;

	phone_request(gw, "UPDATE", "", PHONE_SDP_B);
	do
		m = rig_take(g->l.r, &gw->addr, "SIP/2.0");
	while (bytes_starts(m, "SIP/2.0 100"));
	assert_true(bytes_starts(m, status));
}

static void listens(struct shard_settings *s)
{
	s->local_count = SIP_TLS + 1;
	for (enum sip_transport t = SIP_TCP; t <= SIP_TLS; t++) {
		s->locals[t] = s->locals[SIP_UDP];
		s->locals[t].transport = t;
	}
}

static void comes_over(struct phone *p, enum sip_transport transport, const char *address)
{
	static uint64_t connection = 100;

	comes_from(p, address);
	if (transport != SIP_UDP)
		p->hop = (struct sip_hop){ .transport = transport,
					   .local = (uint16_t)transport,
					   .remote = p->addr,
					   .connection = connection++,
					   .inbound = true };
}

/* A carrier's party may be at any host that the trunk has for its own, and a stranger who knows the tags at none. */
static void strangers_over(struct gate *g, enum sip_transport transport)
{
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	listens(&g->l.r->settings);
	listens(&g->l.r->shard->settings);
	set.sources[set.source_count] = (struct shard_trusted){ .bits = 24 };
	assert_int_equal(addr_parse(&set.sources[set.source_count].net, BYTES_LIT("192.0.2.0")), 0);
	set.source_count++;
	for (unsigned way = 0; way < 2; way++) {
		set.directions = TRUNK_BOTH;
		(void)gate_put(g, &set);
		comes_over(gw, transport, "198.51.100.1:5060");
		calls_as(gw, "+4940123", NUMBER);
		is_answered(g, gw);
		if (way) { /* which calls may come has nothing to do with it */
			set.directions = TRUNK_OUT;
			(void)gate_put(g, &set);
			line_restart(&g->l, line_stored(&g->l));
		}
		comes_over(gw, transport, "203.0.113.66:5060");
		assert_moved(g, gw, "SIP/2.0 403");
		assert_int_equal(g->l.r->security.kind, SECURITY_FOREIGN_SOURCE);
		comes_over(gw, transport, "192.0.2.77:5060");
		assert_moved(g, gw, "SIP/2.0 200");
		comes_over(gw, transport, "198.51.100.1:5060");
		assert_moved(g, gw, "SIP/2.0 200");
		phone_request(gw, "BYE", "", "");
		assert_true(rig_take(g->l.r, &gw->addr, "SIP/2.0 200").n);
		phone_answer(&g->l.a, rig_take(g->l.r, &g->l.a.addr, "BYE "), "200 OK", "");
	}
}

static void strangers_in_its_calls(void **state)
{
	for (enum sip_transport t = SIP_UDP; t <= SIP_TLS; t++) {
		if (t != SIP_UDP) {
			assert_int_equal(gate_teardown(state), 0);
			assert_int_equal(gate_setup(state), 0);
		}
		strangers_over(*state, t);
	}
}

/* One trunk speaks neither for a phone nor for another trunk. */
static void another_trunk_in_its_calls(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set, other = gate_trunk("other", "198.51.100.2");
	struct phone *gw = carrier(g, &set), thief;

	(void)gate_put(g, &other);
	calls_as(gw, "+4940123", NUMBER);
	is_answered(g, gw);
	thief = *gw;
	comes_from(&thief, "198.51.100.2:5060");
	assert_moved(g, &thief, "SIP/2.0 403");
	thief = g->l.a;
	comes_from(&thief, "198.51.100.2:5060");
	assert_moved(g, &thief, "SIP/2.0 407");
}

/* Nobody can say which hosts it has: its server is a name, and nothing else was said. */
static void a_carrier_by_name(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	calls_as(gw, "+4940123", NUMBER);
	is_answered(g, gw);
	set = gate_trunk("carrier", "sip.carrier.example");
	(void)gate_put(g, &set);
	comes_from(gw, "203.0.113.66:5060");
	assert_moved(g, gw, "SIP/2.0 200");
}

/* The trunk is gone, and the process too: the call goes on under its name, and has its channel. */
static void killed_without_the_trunk(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct text record = { 0 };
	uint16_t trunk;

	calls_as(gw, "+4940123", NUMBER);
	is_answered(g, gw);
	assert_true(trunks_delete(g->trunks, 0, BYTES_LIT("carrier")));
	assert_int_equal(text_set(&record, line_stored(&g->l)), 0);
	line_restart(&g->l, text_bytes(&record));
	trunk = trunks_claim(g->trunks, 0, BYTES_LIT("carrier"));
	assert_int_equal(trunks_held(g->trunks, trunk, TRUNK_IN), 1);
	phone_request(&g->l.a, "BYE", "", "");
	rig_run(g->l.r);
	phone_answer(gw, rig_take(g->l.r, &gw->addr, "BYE "), "200 OK", "");
	line_assert_idle(g->l.r);
	assert_int_equal(trunks_held(g->trunks, trunk, TRUNK_IN), 0);
	text_clear(&record);
}

/* A trunk gives nobody away: its REFER could call anybody at the tenant's cost. */
static void refers(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);

	calls_as(gw, "+4940123", NUMBER);
	is_answered(g, gw);
	phone_request(gw, "REFER", "Refer-To: <sip:1002@test.local>\r\n", "");
	assert_true(rig_take(g->l.r, &gw->addr, "SIP/2.0 403").n);
}

/* SEC-06: whether there is such a number, and who speaks, is nothing of a trunk's: it hears the same of all. */
static void watches_nobody(void **state)
{
	static const struct row {
		const char *of_party, *lines;
	} rows[] = {
		{ "1001", WATCH_DIALOG },           { "1999", WATCH_DIALOG },
		{ NUMBER, WATCH_DIALOG },           { "#4107", WATCH_DIALOG },
		{ "1001", "Event: presence\r\n" },  { "1999", "Event: presence\r\n" },
		{ "gw", "Event: reg\r\n" },         { "1001", "Event: reg\r\n" },
		{ "1999", "Event: reg\r\n" },       { "800", "Event: conference\r\n" },
		{ "801", "Event: conference\r\n" }, { "1001", "Event: dialog\r\nExpires: 0\r\n" },
	};
	struct gate *g = *state;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	const struct row *row;

	EACH_ROW(row, rows)
	{
		struct bytes m = watch_ask(gw, row->of_party, row->lines);

		ROW_ASSERT(row->lines, bytes_starts(m, "SIP/2.0 403"));
		ROW_ASSERT(row->lines, !rig_count(g->l.r, &gw->addr, "NOTIFY"));
	}
	phone_begin(gw, "1001");
	(void)snprintf(gw->local, sizeof(gw->local), "<sip:1001@test.local>"); /* in its name */
	phone_request(gw, "SUBSCRIBE", "Event: reg\r\n", "");
	assert_true(bytes_starts(phone_hears(gw, "SIP/2.0"), "SIP/2.0 403"));
	assert_int_equal(rig_counts(g->l.r).subscriptions, 0);
}

/* The attendant's console of a PBX: what its document has it may watch, as far as the extension is shown. */
static void watches_its_list(void **state)
{
	struct gate *g = *state;
	struct shard_extension hidden = rig_extension("1002", false);
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	struct bytes m;

	(void)bytes_cstr(BYTES_LIT("100x|15xx"), set.monitors, sizeof(set.monitors));
	(void)gate_put(g, &set);
	assert_true(bytes_starts(watch_ask(gw, "1999", WATCH_DIALOG), "SIP/2.0 403"));
	assert_true(bytes_starts(watch_ask(gw, "1599", WATCH_DIALOG), "SIP/2.0 404"));
	assert_true(bytes_starts(watch_ask(gw, "1001", "Event: reg\r\n"), "SIP/2.0 403"));
	hidden.monitored = MONITORED_NOT;
	assert_int_equal(shard_extension_put(g->l.r->shard, &hidden), 0);
	assert_true(bytes_starts(watch_ask(gw, "1002", WATCH_DIALOG), "SIP/2.0 403"));
	hidden.monitored = MONITORED_PARTIES;
	assert_int_equal(shard_extension_put(g->l.r->shard, &hidden), 0);
	assert_true(bytes_starts(watch_ask(gw, "1001", WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(rig_has(watch_told(gw), "state=\"full\""));
	phone_invite(&g->l.a, "1002", PHONE_SDP_A);
	m = watch_told(gw);
	assert_true(rig_has(m, "<state>trying</state>"));
	assert_true(rig_has(m, "sip:1002@"));
}

/* It is the trunk's over a kill, wherever it comes from by then: without its list it hears nothing more. */
static void watches_no_more(void **state)
{
	struct gate *g = *state;
	struct rig *r = g->l.r;
	struct trunk_settings set;
	struct phone *gw = carrier(g, &set);
	uint32_t saves;

	(void)bytes_cstr(BYTES_LIT("1001"), set.monitors, sizeof(set.monitors));
	(void)gate_put(g, &set);
	assert_true(bytes_starts(watch_ask(gw, "1001", WATCH_DIALOG), "SIP/2.0 200"));
	assert_true(watch_told(gw).n);
	saves = r->save_count;
	set.sources[0].net = rig_addr("198.51.100.77:0");
	(void)gate_put(g, &set);
	shard_close(r->shard);
	rig_start_shard(r);
	watch_restore(r, saves);
	shard_resume(r->shard, r->now);
	assert_true(rig_has(watch_told(gw), "state=\"full\""));
	set.monitors[0] = '\0';
	(void)gate_put(g, &set);
	phone_bind(&g->l.a);
	phone_bind(&g->l.b);
	phone_invite(&g->l.a, "1002", PHONE_SDP_A);
	assert_true(rig_has(watch_told(gw), "terminated;reason=rejected"));
	assert_int_equal(rig_counts(r).subscriptions, 0);
}

/* The tags as the node sees them. */
static void replaces(struct phone *gw, const struct phone *of)
{
	char lines[400];

	(void)snprintf(lines, sizeof(lines), "Replaces: %s;to-tag=%s;from-tag=%s\r\n", of->call_id,
		       of->remote_tag, of->tag);
	phone_begin(gw, "node");
	(void)snprintf(gw->tag, sizeof(gw->tag), "other");
	phone_request(gw, "INVITE", lines, PHONE_SDP_A);
	rig_run(gw->r);
}

/* A number of the carrier's talks with 1001. */
static struct phone *talks(struct gate *g, struct trunk_settings *set)
{
	struct phone *gw = carrier(g, set);

	calls_as(gw, "+4940123", NUMBER);
	is_answered(g, gw);
	return gw;
}

/* The PBX behind it gives its party away: who takes over is at another of its servers. */
static void replaces_its_own(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set, both;
	struct phone *gw = talks(g, &set), *other = &g->carriers[1];
	uint16_t trunk = trunks_find(g->trunks, 0, BYTES_LIT("carrier"));

	both = gate_trunk("carrier", "198.51.100.1,198.51.100.2");
	(void)gate_put(g, &both);
	replaces(other, gw);
	assert_true(phone_hears(other, "SIP/2.0 200").n);
	phone_ack(other);
	rig_wait_ms(g->l.r, 100);
	phone_answer(gw, rig_take(g->l.r, &gw->addr, "BYE "), "200 OK", "");
	rig_run(g->l.r);
	assert_int_equal(trunks_held(g->trunks, trunk, TRUNK_IN), 1);
	phone_request(other, "BYE", "", "");
	rig_run(g->l.r);
	phone_answer(&g->l.a, rig_take(g->l.r, &g->l.a.addr, "BYE "), "200 OK", "");
	line_assert_idle(g->l.r);
	assert_int_equal(trunks_held(g->trunks, trunk, TRUNK_IN), 0);
	for (uint32_t i = 0; i < g->l.r->cdr_count; i++)
		assert_string_equal(g->l.r->cdrs[i].from_trunk, "carrier");
}

/* A trunk whose only channel is that of the leg: who takes over needs no other one. So it does once, and others call in vain. */
static void replaces_on_a_full_trunk(void **state)
{
	static const struct {
		uint32_t all, in;
	} rows[] = { { 1, 0 }, { 0, 1 } };
	struct gate *g = *state;
	struct trunk_settings set, full;
	struct phone *gw = talks(g, &set), *other = &g->carriers[1], third = *other;
	uint16_t trunk = trunks_find(g->trunks, 0, BYTES_LIT("carrier"));
	struct rig *r = g->l.r;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		full = gate_trunk("carrier", "198.51.100.1,198.51.100.2,198.51.100.3");
		full.channels = rows[i].all;
		full.channels_in = rows[i].in;
		(void)gate_put(g, &full);
		calls_as(&third, "+4940124", NUMBER);
		assert_true(rig_take(r, &third.addr, "SIP/2.0 503").n);
		replaces(other, gw);
		assert_true(phone_hears(other, "SIP/2.0 200").n);
		replaces(&third, gw); /* that channel is promised to another one */
		assert_true(rig_take(r, &third.addr, "SIP/2.0 503").n);
		phone_ack(other);
		rig_wait_ms(r, 100);
		phone_answer(gw, rig_take(r, &gw->addr, "BYE "), "200 OK", "");
		rig_run(r);
		assert_int_equal(trunks_held(g->trunks, trunk, TRUNK_IN), 1);
		gw = other;
		other = &g->carriers[0];
	}
}

/* Who asked to take over has gone without doing so: another one may. */
static void replaces_after_one_that_left(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set, full;
	struct phone *gw = talks(g, &set), *other = &g->carriers[1];
	struct rig *r = g->l.r;

	full = gate_trunk("carrier", "198.51.100.1,198.51.100.2");
	full.channels = 1;
	(void)gate_put(g, &full);
	replaces(other, gw);
	assert_true(phone_hears(other, "SIP/2.0 200").n);
	phone_request(other, "BYE", "", "");
	rig_run(r);
	replaces(other, gw);
	assert_true(phone_hears(other, "SIP/2.0 200").n);
}

/* What is another trunk's, an extension's, nobody's; and what its document forbids. */
static void replaces_no_others(void **state)
{
	struct gate *g = *state;
	struct trunk_settings set, other = gate_trunk("other", "198.51.100.2");
	struct phone *gw = talks(g, &set), nobody = *gw, guest;

	(void)gate_put(g, &other);
	replaces(&g->carriers[1], gw);
	assert_true(rig_take(g->l.r, &g->carriers[1].addr, "SIP/2.0 403").n);
	replaces(&g->carriers[1], &g->l.a);
	assert_true(rig_take(g->l.r, &g->carriers[1].addr, "SIP/2.0 403").n);
	(void)snprintf(nobody.call_id, sizeof(nobody.call_id), "nobody");
	replaces(&g->carriers[1], &nobody);
	assert_true(rig_take(g->l.r, &g->carriers[1].addr, "SIP/2.0 481").n);
	phone_open(&guest, g->l.r, "1002", "192.0.2.12:5060"); /* a phone of ours */
	replaces(&guest, gw);
	assert_true(rig_take(g->l.r, &guest.addr, "SIP/2.0 403").n);
	other = *trunks_settings(g->trunks, trunks_find(g->trunks, 0, BYTES_LIT("carrier")));
	other.no_replaces = true;
	(void)gate_put(g, &other);
	guest = *gw;
	replaces(&guest, gw);
	assert_true(rig_take(g->l.r, &gw->addr, "SIP/2.0 403").n);
}

/* RFC 4694: what one trunk says of a number another one is told, where both may. */
static void ported_numbers(void **state)
{
	static const struct {
		enum identity_way in, out;
		const char *uri;
	} rows[] = {
		{ IDENTITY_BOTH, IDENTITY_BOTH,
		  "INVITE sip:+4950123;npdi;rn=+4950000@198.51.100.2;user=phone SIP/2.0" },
		{ IDENTITY_BOTH, IDENTITY_IN, "INVITE sip:+4950123@198.51.100.2 SIP/2.0" },
		{ IDENTITY_OFF, IDENTITY_BOTH, "INVITE sip:+4950123@198.51.100.2 SIP/2.0" },
	};
	struct gate *g = *state;
	struct trunk_route route = { .enabled = true,
				     .name = "out",
				     .pattern = "+4950xxx",
				     .choice_count = 1,
				     .choices = { { .trunk = "other" } } };
	struct trunk_settings in, out = gate_trunk("other", "198.51.100.2");
	struct phone *gw = carrier(g, &in);

	gate_did(g, "+4950123", "+4950123");
	assert_int_equal(trunk_route_put(g->numbers, &route), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		in.identity.ways[CARRIED_NUMBER] = (uint8_t)rows[i].in;
		out.identity.ways[CARRIED_NUMBER] = (uint8_t)rows[i].out;
		(void)gate_put(g, &in);
		(void)gate_put(g, &out);
		calls_as(gw, "+4940123", "+4950123;npdi;rn=+4950000");
		ROW_ASSERT(rows[i].uri, bytes_starts(phone_rings(&g->carriers[1]), rows[i].uri));
		phone_answer(&g->carriers[1], g->carriers[1].invite, "486 Busy Here", "");
		assert_true(phone_hears(gw, "SIP/2.0 486").n);
		phone_ack(gw);
	}
}

/* Calls from several addresses of a trunk are one peer's, and no more of those begin than it may. */
static void charged_as_one_peer(void **state)
{
	const struct quota_settings quotas = { .capacity = { 64, 512, 100 }, .share = 90 };
	struct shard_settings settings = rig_settings();
	struct gate *g = calloc(1, sizeof(*g));
	struct trunk_settings set;
	struct rand_source rand;
	struct quota *q;

	rand_open_seed(&rand, 3);
	assert_int_equal(quota_open(&q, &quotas, &rand), 0);
	settings.quota = quota_of(q);
	gate_open(g, &settings);
	*state = g;
	set = gate_trunk("carrier", "198.51.100.1,198.51.100.2");
	set.calls_per_second = 1;
	(void)gate_put(g, &set);
	gate_did(g, NUMBER, "1001");
	for (unsigned i = 0; i < QUOTA_BURST_S; i++)
		calls_as(&g->carriers[i % 2], "+4940123", NUMBER);
	assert_int_equal(rig_counts(g->l.r).calls, QUOTA_BURST_S);
	calls_as(&g->carriers[1], "+4940123", NUMBER);
	assert_true(rig_take(g->l.r, &g->carriers[1].addr, "SIP/2.0 503").n);
	assert_int_equal(rig_counts(g->l.r).calls, QUOTA_BURST_S);
	assert_int_equal(gate_teardown(state), 0);
	quota_close(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GATE_TEST(a_number_rings_its_user),
		GATE_TEST(a_number_is_a_rooms),
		GATE_TEST(video_of_calls),
		GATE_TEST(nobody_has_the_number),
		GATE_TEST(claims_an_extension),
		GATE_TEST(directions),
		GATE_TEST(all_channels_are_in_use),
		GATE_TEST(tenant_has_calls_enough),
		GATE_TEST(our_own_call_comes_back),
		GATE_TEST(goes_on_elsewhere),
		GATE_TEST(strangers_in_its_calls),
		GATE_TEST(another_trunk_in_its_calls),
		GATE_TEST(a_carrier_by_name),
		GATE_TEST(killed_without_the_trunk),
		GATE_TEST(refers),
		GATE_TEST(watches_nobody),
		GATE_TEST(watches_its_list),
		GATE_TEST(watches_no_more),
		GATE_TEST(ported_numbers),
		GATE_TEST(called_back),
		GATE_TEST(forwarded_by_its_code),
		GATE_TEST(keys_by_info),
		GATE_TEST(keys_by_plain_info),
		GATE_TEST(keys_by_what_the_document_says),
		GATE_TEST(replaces_its_own),
		GATE_TEST(replaces_on_a_full_trunk),
		GATE_TEST(replaces_after_one_that_left),
		GATE_TEST(replaces_no_others),
		cmocka_unit_test(charged_as_one_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
