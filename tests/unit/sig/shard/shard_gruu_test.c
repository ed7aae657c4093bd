/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 5627: who registers hears by which URIs that phone alone is reached, and it is. */
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/tenants.h"
#include "tests/unit/sig/wired.h"

enum { URI_MAX = 256, GRUUS = 2 };
#define SUPPORTED "Supported: gruu\r\n"

/* 1002 has two phones; 1001 calls. */
struct scene {
	struct rig *r;
	struct phone a, desk, mobile, c;
	char public[GRUUS][URI_MAX], temporary[GRUUS][URI_MAX]; /* of desk and mobile */
};

/* What the Contact of that instance has by that name; "": nothing. */
static void read_gruu(char *out, struct bytes answer, const char *instance, const char *name)
{
	struct bytes line, rest = answer;
	char begin[32];

	out[0] = '\0';
	(void)snprintf(begin, sizeof(begin), ";%s=\"", name);
	while (bytes_cut(&rest, '\n', &line)) {
		const uint8_t *at = memmem(line.p, line.n, begin, strlen(begin));
		struct bytes value;

		if (!bytes_starts(line, "Contact: ") || !rig_has(line, instance) || !at)
			continue;
		value = bytes_from(line, (size_t)(at - line.p) + strlen(begin));
		phone_copy(out, URI_MAX, bytes_sub(value, 0, bytes_find(value, '"')));
	}
}

static void come(struct scene *s, unsigned which)
{
	static const char *const instances[] = { "<urn:desk>", "<urn:mobile>" };
	struct bytes ok = log_in(which ? &s->mobile : &s->desk, SUPPORTED);

	assert_true(bytes_starts(ok, "SIP/2.0 200"));
	read_gruu(s->public[which], ok, instances[which], "pub-gruu");
	read_gruu(s->temporary[which], ok, instances[which], "temp-gruu");
}

static void scene_phone(struct phone *p, struct rig *r, const char *address, const char *name)
{
	phone_open(p, r, "1002", address);
	(void)snprintf(p->registration, sizeof(p->registration), "%s", name);
	(void)snprintf(p->tag, sizeof(p->tag), "t%s", name);
	(void)snprintf(p->contact_params, sizeof(p->contact_params), ";+sip.instance=\"<urn:%s>\"",
		       name);
}

static int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct shard_settings set = settings();

	assert_non_null(s);
	set.gruu_key = (struct seal_key){ .id = 1, .octets = { 9 } };
	s->r = rig_open_with(&set);
	phone_open(&s->a, s->r, "1001", "192.0.2.11:5060");
	phone_open(&s->c, s->r, "1004", "192.0.2.14:5060");
	phone_bind(&s->a);
	phone_bind(&s->c);
	scene_phone(&s->desk, s->r, "192.0.2.12:5060", "desk");
	scene_phone(&s->mobile, s->r, "192.0.2.13:5060", "mobile");
	come(s, 0);
	come(s, 1);
	*state = s;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	rig_close(s->r);
	free(s);
	return 0;
}

static void call(struct scene *s, const char *uri)
{
	phone_begin(&s->a, "1002");
	(void)snprintf(s->a.target, sizeof(s->a.target), "%s", uri);
	phone_request(&s->a, "INVITE", "", PHONE_SDP_A);
}

/* No phone rings, and the caller hears that. */
static void assert_refused(struct scene *s, const char *uri, const char *status)
{
	uint32_t before = count(s->r, "INVITE ");

	call(s, uri);
	ROW_ASSERT(uri, rig_take(s->r, &s->a.addr, status).n);
	ROW_ASSERT(uri, count(s->r, "INVITE ") == before);
	s->a.branch[0] = '\0';
}

static void assert_rings_one(struct scene *s, const char *uri, struct phone *one,
			     struct phone *other)
{
	uint32_t before = rig_count(s->r, &other->addr, "INVITE ");

	call(s, uri);
	ROW_ASSERT(uri, phone_rings(one).n);
	ROW_ASSERT(uri, rig_count(s->r, &other->addr, "INVITE ") == before);
	/* it is called by what it registered, and hears nothing of the GRUU */
	assert_true(rig_has(one->invite, "INVITE sip:1002@192.0.2.1"));
	assert_false(rig_has(one->invite, "gr="));
	phone_answer(one, one->invite, "486 Busy Here", "");
	assert_true(rig_take(s->r, &s->a.addr, "SIP/2.0 486").n);
	phone_write(&s->a, "ACK", "", "");
}

/* RFC 3428 outside of calls. */
static void writes_to_one(void **state)
{
	struct scene *s = *state;

	phone_begin(&s->a, "1002");
	(void)snprintf(s->a.target, sizeof(s->a.target), "%s", s->public[1]);
	phone_request(&s->a, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	assert_int_equal(rig_count(s->r, &s->mobile.addr, "MESSAGE sip:1002@192.0.2.13"), 1);
	assert_int_equal(rig_count(s->r, &s->desk.addr, "MESSAGE "), 0);
}

static void who_is_told(void **state)
{
	struct scene *s = *state;
	char uri[URI_MAX];
	struct bytes ok;

	assert_string_equal(s->public[0], "sip:1002@test.local;gr=urn:desk");
	assert_string_equal(s->public[1], "sip:1002@test.local;gr=urn:mobile");
	assert_memory_equal(s->temporary[0], "sip:tgruu.", 10);
	assert_string_not_equal(s->temporary[0], s->temporary[1]);
	/* who does not ask */
	ok = log_in(&s->desk, "");
	assert_true(bytes_starts(ok, "SIP/2.0 200") && !rig_has(ok, "gruu"));
	/* who must have it understood, and has no name */
	s->desk.contact_params[0] = '\0';
	ok = log_in(&s->desk, SUPPORTED "Require: gruu\r\n");
	assert_true(bytes_starts(ok, "SIP/2.0 200"));
	read_gruu(uri, ok, "<urn:mobile>", "pub-gruu");
	assert_string_equal(uri, s->public[1]);
	read_gruu(uri, ok, "<urn:desk>", "pub-gruu");
	assert_string_equal(uri, "");
	assert_false(rig_has(rig_header(ok, "Require"), "gruu")); /* RFC 5627 5.2 */
	assert_false(rig_has(rig_header(ok, "Supported"), "gruu"));
}

/* RFC 5627 5.1 */
static void contact_is_none(void **state)
{
	static const char *const uris[] = { "sip:1002@test.local",
					    "sip:1002@test.local;gr=urn:desk",
					    "sip:tgruu.AAAA@test.local;gr" };
	struct scene *s = *state;
	char params[sizeof(s->desk.contact_params)];

	for (size_t i = 0; i < COUNT_OF(uris); i++) {
		(void)snprintf(params, sizeof(params), ", <%s>;+sip.instance=\"<urn:desk>\"",
			       uris[i]);
		(void)snprintf(s->desk.contact_params, sizeof(params), "%s", params);
		ROW_ASSERT(uris[i], bytes_starts(log_in(&s->desk, SUPPORTED), "SIP/2.0 403"));
	}
}

static void one_phone_rings(void **state)
{
	struct scene *s = *state;

	for (unsigned i = 0; i < GRUUS; i++) {
		struct phone *one = i ? &s->mobile : &s->desk;
		struct phone *other = i ? &s->desk : &s->mobile;

		assert_rings_one(s, s->public[i], one, other);
		assert_rings_one(s, s->temporary[i], one, other);
	}
	assert_rings_one(s, "sip:1002@192.0.2.1;gr=URN:Desk", &s->desk, &s->mobile);
	call(s, "sip:1002@test.local");
	assert_true(phone_rings(&s->desk).n && phone_rings(&s->mobile).n);
}

static void what_is_no_phone(void **state)
{
	struct scene *s = *state;
	char forged[URI_MAX];

	(void)snprintf(forged, sizeof(forged), "%s", s->temporary[0]);
	forged[30] = forged[30] == 'A' ? 'B' : 'A';
	assert_refused(s, forged, "SIP/2.0 404");
	assert_refused(s, "sip:1002@test.local;gr", "SIP/2.0 404");
	assert_refused(s, "sip:1009@test.local;gr=urn:desk", "SIP/2.0 404");
	assert_refused(s, "sip:1002@foreign.example;gr=urn:desk", "SIP/2.0 404");
	/* the phone is not there, and its public one is good for ever */
	assert_refused(s, "sip:1002@test.local;gr=urn:nobody", "SIP/2.0 480");
	assert_refused(s, "sip:1003@test.local;gr=urn:desk", "SIP/2.0 480");
}

/* RFC 5627 5.1, 5.3 */
static void temporary_ones_end(void **state)
{
	struct scene *s = *state;
	char first[URI_MAX];

	(void)snprintf(first, sizeof(first), "%s", s->temporary[0]);
	come(s, 0); /* refreshed: another one, and the first one stays */
	assert_string_not_equal(first, s->temporary[0]);
	assert_rings_one(s, first, &s->desk, &s->mobile);
	assert_rings_one(s, s->temporary[0], &s->desk, &s->mobile);
	(void)snprintf(s->desk.registration, sizeof(s->desk.registration), "started-anew");
	come(s, 0);
	assert_refused(s, first, "SIP/2.0 404");
	assert_rings_one(s, s->temporary[0], &s->desk, &s->mobile);
	(void)snprintf(first, sizeof(first), "%s", s->temporary[0]);
	rig_wait_ms(s->r, 91000);
	assert_refused(s, first, "SIP/2.0 404");
	assert_refused(s, s->public[0], "SIP/2.0 480");
}

/* RFC 5627 6.1: forwarding is for users, not for phones. Who is not to be disturbed is not. */
static void is_sent_to_no_other(void **state)
{
	const struct shard_forward all = { .always = "1004" };
	const struct shard_forward others = {
		.busy = "1004", .unreachable = "1004", .no_answer = "1004", .rings = 1
	};
	struct scene *s = *state;

	assert_int_equal(shard_forward_set(s->r->shard, TENANT_DEFAULT, "1002", &all), 0);
	assert_rings_one(s, s->public[0], &s -> desk, &s -> mobile);
	assert_int_equal(shard_forward_set(s->r->shard, TENANT_DEFAULT, "1002", &others), 0);
	assert_rings_one(s, s->public[0], &s -> desk, &s -> mobile);
	assert_refused(s, "sip:1002@test.local;gr=urn:nobody", "SIP/2.0 480");
	call(s, s->temporary[1]);
	rig_wait_ms(s->r, 20000);
	assert_int_equal(rig_count(s->r, &s->c.addr, "INVITE "), 0);
	assert_int_equal(shard_forward_set(s->r->shard, TENANT_DEFAULT, "1002",
					   &(struct shard_forward){ .do_not_disturb = true }),
			 0);
	assert_refused(s, s->public[0], "SIP/2.0 486");
}

/* A process that has the same key: after a kill, or another node. */
static void start_anew(struct scene *s)
{
	struct text record = { 0 };
	const char *reason = "";

	assert_int_equal(
		aor_encode(locations_find(s->r->locations, TENANT_DEFAULT, BYTES_LIT("1002")), NULL,
			   &record),
		0);
	shard_close(s->r->shard);
	rig_start_shard(s->r);
	assert_int_equal(
		locations_restore(s->r->locations, text_bytes(&record), s->r->now, &reason), 0);
	phone_bind(&s->a);
	phone_bind(&s->c);
	text_clear(&record);
}

static void outlives_its_process(void **state)
{
	struct scene *s = *state;

	start_anew(s);
	assert_rings_one(s, s->temporary[0], &s->desk, &s->mobile);
	assert_rings_one(s, s->public[1], &s -> mobile, &s -> desk);
	s->r->settings.gruu_key.octets[0] = 1;
	start_anew(s);
	assert_refused(s, s->temporary[0], "SIP/2.0 404");
}

static void restore_call(struct scene *s, struct bytes record)
{
	struct text kept = { 0 };
	const char *reason = "";

	assert_int_equal(text_set(&kept, record), 0);
	start_anew(s);
	assert_int_equal(shard_restore_call(s->r->shard, text_bytes(&kept), s->r->now, &reason), 0);
	shard_resume(s->r->shard, s->r->now);
	rig_run(s->r);
	text_clear(&kept);
}

/* Killed while it rings: the successor knows that nobody else is meant. */
static void rings_on_after_a_kill(void **state)
{
	struct scene *s = *state;
	const struct shard_forward f = { .busy = "1004", .no_answer = "1004", .rings = 2 };

	call(s, s->temporary[0]);
	assert_true(phone_rings(&s->desk).n);
	phone_answer(&s->desk, s->desk.invite, "180 Ringing", "");
	restore_call(s, text_bytes(&rig_stored(s->r)->record));
	assert_int_equal(shard_forward_set(s->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	phone_answer(&s->desk, s->desk.invite, "486 Busy Here", "");
	rig_wait_ms(s->r, 20000);
	assert_int_equal(rig_count(s->r, &s->c.addr, "INVITE "), 0);
	assert_true(rig_take(s->r, &s->a.addr, "SIP/2.0 486").n);
}

/* C gives its party to one phone of 1002. */
static void is_referred_to(void **state)
{
	struct scene *s = *state;
	char lines[URI_MAX + 32];

	phones_talk(&s->a, &s->c);
	(void)snprintf(lines, sizeof(lines), "Refer-To: <%s>\r\n", "sip:tgruu.AAAA@test.local;gr");
	phone_request(&s->c, "REFER", lines, "");
	assert_true(rig_take(s->r, &s->c.addr, "SIP/2.0 404").n);
	(void)snprintf(lines, sizeof(lines), "Refer-To: <%s>\r\n", s->temporary[1]);
	phone_request(&s->c, "REFER", lines, "");
	assert_true(rig_take(s->r, &s->c.addr, "SIP/2.0 202").n);
	assert_true(phone_rings(&s->mobile).n);
	assert_int_equal(rig_count(s->r, &s->desk.addr, "INVITE "), 0);
}

/* 1004 sends its callers to one phone of 1002. */
static void is_redirected_to(void **state)
{
	struct scene *s = *state;
	char contact[URI_MAX + 32];

	phone_invite(&s->a, "1004", PHONE_SDP_A);
	assert_true(phone_rings(&s->c).n);
	(void)snprintf(contact, sizeof(contact), "Contact: <%s>\r\n", s->temporary[0]);
	phone_answer_as(&s->c, s->c.invite, "t4", "302 Moved", contact, "");
	assert_true(phone_rings(&s->desk).n);
	assert_int_equal(rig_count(s->r, &s->mobile.addr, "INVITE "), 0);
}

/* Killed while the REFER waits for an INVITE that is open. */
static void is_referred_to_after_a_kill(void **state)
{
	struct scene *s = *state;
	char lines[URI_MAX + 32];
	struct bytes open;

	phones_talk(&s->a, &s->c);
	phone_request(&s->a, "INVITE", "", PHONE_SDP_A);
	open = rig_take(s->r, &s->c.addr, "INVITE ");
	assert_true(open.n);
	(void)snprintf(lines, sizeof(lines), "Refer-To: <%s>\r\n", s->public[1]);
	phone_request(&s->c, "REFER", lines, "");
	assert_true(rig_take(s->r, &s->c.addr, "SIP/2.0 202").n);
	assert_int_equal(rig_count(s->r, &s->mobile.addr, "INVITE "), 0);
	restore_call(s, text_bytes(&rig_stored(s->r)->record));
	open = rig_take(s->r, &s->c.addr, "INVITE ");
	phone_answer(&s->c, open, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&s->a, "SIP/2.0 200").n);
	phone_ack(&s->a);
	assert_true(phone_rings(&s->mobile).n);
	assert_int_equal(rig_count(s->r, &s->desk.addr, "INVITE "), 0);
}

/* The remote target of a phone may be its own GRUU (RFC 5627 4.4): what it registered is in our requests, wherever it has moved. */
static void is_a_target(void **state)
{
	struct scene *s = *state;
	char ok[URI_MAX + 32];
	struct bytes ack, bye;

	call(s, s->public[0]);
	assert_true(phone_rings(&s->desk).n);
	(void)snprintf(ok, sizeof(ok), "Contact: <%s>\r\n", s->temporary[0]);
	phone_say(&s->desk,
		  "SIP/2.0 200 OK\r\nVia: " BYTES_FMT "\r\nFrom: " BYTES_FMT "\r\nTo: " BYTES_FMT
		  ";tag=d\r\nCall-ID: " BYTES_FMT "\r\nCSeq: " BYTES_FMT "\r\n%s"
		  "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		  BYTES_ARG(rig_header(s->desk.invite, "Via")),
		  BYTES_ARG(rig_header(s->desk.invite, "From")),
		  BYTES_ARG(rig_header(s->desk.invite, "To")),
		  BYTES_ARG(rig_header(s->desk.invite, "Call-ID")),
		  BYTES_ARG(rig_header(s->desk.invite, "CSeq")), ok, strlen(PHONE_SDP_B),
		  PHONE_SDP_B);
	ack = rig_take(s->r, &s->desk.addr, "ACK ");
	assert_true(bytes_starts(ack, "ACK sip:1002@192.0.2.12:5060 SIP/2.0\r\n"));
	(void)phone_hears(&s->a, "SIP/2.0 200");
	phone_ack(&s->a);
	/* it goes to another network */
	s->desk.addr = rig_addr("192.0.2.22:5060");
	(void)snprintf(s->desk.address, sizeof(s->desk.address), "192.0.2.22:5060");
	come(s, 0);
	phone_request(&s->a, "BYE", "", "");
	bye = rig_take(s->r, &s->desk.addr, "BYE ");
	assert_true(bytes_starts(bye, "BYE sip:1002@192.0.2.22:5060 SIP/2.0\r\n"));
}

/* The address in a GRUU is the node's: also for a phone on the same machine its requests go the way that they came. */
static void is_no_place(void **state)
{
	struct scene *s = *state;
	struct bytes asked;

	s->desk.addr = rig_addr("192.0.2.1:7000");
	(void)snprintf(s->desk.address, sizeof(s->desk.address), "192.0.2.1:7000");
	come(s, 0);
	call(s, s->public[0]);
	assert_true(phone_rings(&s->desk).n);
	asked = s->desk.invite;
	phone_say(&s->desk,
		  "SIP/2.0 200 OK\r\nVia: " BYTES_FMT "\r\nFrom: " BYTES_FMT "\r\nTo: " BYTES_FMT
		  ";tag=d\r\nCall-ID: " BYTES_FMT "\r\nCSeq: " BYTES_FMT "\r\n"
		  "Contact: <sip:1002@192.0.2.1:5999;gr=urn:desk>\r\n"
		  "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		  BYTES_ARG(rig_header(asked, "Via")), BYTES_ARG(rig_header(asked, "From")),
		  BYTES_ARG(rig_header(asked, "To")), BYTES_ARG(rig_header(asked, "Call-ID")),
		  BYTES_ARG(rig_header(asked, "CSeq")), strlen(PHONE_SDP_B), PHONE_SDP_B);
	assert_true(bytes_starts(rig_take(s->r, &s->desk.addr, "ACK "),
				 "ACK sip:1002@192.0.2.1:7000 SIP/2.0\r\n"));
}

/* Who names another's GRUU as his own does not hear where that one is. */
static void is_no_target_of_others(void **state)
{
	struct scene *s = *state;
	char contact[URI_MAX + 64];

	phone_begin(&s->a, "1004");
	phone_new_branch(&s->a);
	(void)snprintf(contact, sizeof(contact), "%s", s->public[0]);
	phone_say(&s->a,
		  "INVITE sip:1004@test.local SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		  "From: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n"
		  "Contact: <%s>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		  s->a.address, s->a.branch, s->a.local, s->a.tag, s->a.remote, s->a.call_id,
		  contact, strlen(PHONE_SDP_A), PHONE_SDP_A);
	(void)phone_rings(&s->c);
	phone_answer(&s->c, s->c.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&s->a, "SIP/2.0 200");
	s->a.cseq = 1;
	phone_ack(&s->a);
	phone_request(&s->c, "BYE", "", "");
	assert_true(rig_has(rig_take(s->r, &s->a.addr, "BYE "), contact));
}

/* The node answers for its phones, and says nothing of its users. */
static void asked_whether_it_is_there(void **state)
{
	static const struct {
		const char *uri, *status;
	} rows[] = {
		{ "sip:1002@test.local;gr=urn:desk", "SIP/2.0 200" },
		{ "sip:1002@test.local;gr=urn:nobody", "SIP/2.0 480" },
		{ "sip:1009@test.local;gr=urn:desk", "SIP/2.0 480" },
		{ "sip:tgruu.AAAA@test.local;gr", "SIP/2.0 404" },
		{ "sip:1002@foreign.example;gr=urn:desk", "SIP/2.0 404" },
		{ "sip:1009@test.local", "SIP/2.0 200" },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		phone_begin(&s->a, "1002");
		(void)snprintf(s->a.target, sizeof(s->a.target), "%s", rows[i].uri);
		phone_request(&s->a, "OPTIONS", "", "");
		ROW_ASSERT(rows[i].uri, rig_take(s->r, &s->a.addr, rows[i].status).n);
	}
}

/* TEN-01: equal numbers and phones with equal names, and each caller reaches his own. */
static void of_each_tenant(void **state)
{
	struct street *t = *state;
	char lines[1024], temporary[URI_MAX] = "";

	for (unsigned i = 0; i < HOUSES; i++) {
		struct phone *b = &t->houses[i].b;
		const char *domain = g_house_domains[i];
		char uri[64];

		(void)snprintf(b->contact_params, sizeof(b->contact_params),
			       ";+sip.instance=\"<urn:desk>\"");
		(void)snprintf(uri, sizeof(uri), "sip:%s", domain);
		phone_register_with(b, "", 90);
		(void)credentials_in(lines, rig_take(t->r, &b->addr, "SIP/2.0 401"),
				     "Authorization", domain, DIGEST_MD5, b->user, domain,
				     "REGISTER", uri, "00000001");
		(void)snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), SUPPORTED);
		phone_register_with(b, lines, 90);
		if (i == ACME)
			read_gruu(temporary, rig_take(t->r, &b->addr, "SIP/2.0 200"), "<urn:desk>",
				  "temp-gruu");
	}
	assert_non_null(strstr(temporary, "@acme.example;gr"));
	for (unsigned i = 0; i < HOUSES; i++) {
		struct phone *a = &t->houses[i].a;

		phone_begin(a, "1002");
		/* the same token at the caller's own domain */
		(void)snprintf(a->target, sizeof(a->target), "%.*s@%s;gr",
			       (int)(strchr(temporary, '@') - temporary), temporary,
			       g_house_domains[i]);
		phone_request(a, "INVITE", "", PHONE_SDP_A);
		assert_int_equal(phone_rings(&t->houses[ACME].b).n != 0, i == ACME);
		assert_int_equal(rig_take(t->r, &a->addr, "SIP/2.0 404").n != 0, i != ACME);
		phone_begin(a, "1002");
		(void)snprintf(a->target, sizeof(a->target), "%s", temporary);
		phone_request(a, "INVITE", "", PHONE_SDP_A);
		assert_int_equal(phone_rings(&t->houses[ACME].b).n != 0, i == ACME);
	}
}

static int houses_setup(void **state)
{
	struct shard_settings set = rig_settings();

	set.digest.offer = 1 << DIGEST_MD5;
	set.gruu_key = (struct seal_key){ .id = 1, .octets = { 9 } };
	*state = street_open(&set);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_told),
		TEST(writes_to_one),
		TEST(contact_is_none),
		TEST(one_phone_rings),
		TEST(what_is_no_phone),
		TEST(temporary_ones_end),
		TEST(is_sent_to_no_other),
		TEST(outlives_its_process),
		TEST(rings_on_after_a_kill),
		TEST(is_redirected_to),
		TEST(is_referred_to),
		TEST(is_referred_to_after_a_kill),
		TEST(is_a_target),
		TEST(is_no_place),
		TEST(is_no_target_of_others),
		TEST(asked_whether_it_is_there),
		cmocka_unit_test_setup_teardown(of_each_tenant, houses_setup, street_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
