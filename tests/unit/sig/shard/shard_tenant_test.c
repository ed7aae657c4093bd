/* SPDX-License-Identifier: Apache-2.0 */
/* TEN-01: phones of tenants with equal numbers, and what each of them can reach. */

#include "sig/shard/shard_state.h"
#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/sig/tenants.h"

/* ---- whose request it is ---- */

static int strangers_setup(void **state)
{
	struct shard_settings settings = rig_settings();

	settings.trusted_count = 0;
	*state = street_open(&settings);
	return 0;
}

#define TEXT              "Content-Type: text/plain\r\n"
#define STRANGER_TEST(fn) cmocka_unit_test_setup_teardown(fn, strangers_setup, street_teardown)

/* The answer to a REGISTER with the password, hashed over the realm, and the nonce of the challenge. */
static struct bytes log_in(struct phone *p, struct bytes challenge, const char *realm,
			   const char *password, const char *nc)
{
	char line[1024], uri[64];

	(void)snprintf(uri, sizeof(uri), "sip:%s", phone_domain(p));
	phone_register_with(p,
			    credentials_in(line, challenge, "Authorization", realm, DIGEST_MD5,
					   p->user, password, "REGISTER", uri, nc),
			    90);
	return rig_take(p->r, &p->addr, "SIP/2.0");
}

static struct bytes challenge_of(struct phone *p)
{
	phone_register_with(p, "", 90);
	return rig_take(p->r, &p->addr, "SIP/2.0 401");
}

static void domain_says_whose_phone_it_is(void **state)
{
	struct street *s = *state;

	for (unsigned i = 0; i < HOUSES; i++) {
		struct house *h = &s->houses[i];
		const char *domain = g_house_domains[i];
		struct bytes m = challenge_of(&h->a);
		char realm[64];

		(void)snprintf(realm, sizeof(realm), "realm=\"%s\"", domain);
		assert_true(rig_has(m, realm));
		assert_true(
			bytes_starts(log_in(&h->a, m, domain, "wrong", "00000001"), "SIP/2.0 401"));
		assert_null(locations_find(s->r->locations, h->number, BYTES_LIT("1001")));
		assert_true(
			bytes_starts(log_in(&h->a, m, domain, domain, "00000002"), "SIP/2.0 200"));
		assert_non_null(locations_find(s->r->locations, h->number, BYTES_LIT("1001")));
		assert_true(bytes_is(text_bytes(&s->r->saves[i].tenant), g_houses[i]));
		assert_int_equal(rig_counts(s->r).aors, i + 1);
		assert_int_equal(tenants_held(s->tenants, h->number, TENANT_REGISTRATIONS), 1);
		assert_string_equal(s->r->events[s->r->event_count - 1].tenant, g_houses[i]);
	}
}

static void domain_is_read_in_any_case(void **state)
{
	struct street *s = *state;

	s->houses[ACME].a.domain = "ACME.Example";
	assert_true(rig_has(challenge_of(&s->houses[ACME].a), "realm=\"acme.example\""));
	s->houses[ACME].a.domain = "nobody.example";
	assert_true(rig_has(challenge_of(&s->houses[ACME].a), "realm=\"test.local\""));
}

/* What was got in one tenant proves nothing in another, also where the password is the same. */
static void nonce_is_of_its_realm(void **state)
{
	struct street *s = *state;
	struct phone *p = &s->houses[OTHER].a;
	struct bytes m;

	phone_open(p, s->r, "1001", s->houses[ACME].a.address);
	p->domain = "acme.example";
	m = challenge_of(p);
	p->domain = "other.example";
	m = log_in(p, m, "other.example", "other.example", "00000001");
	assert_true(bytes_starts(m, "SIP/2.0 401"));
	assert_true(rig_has(m, "stale=true"));
	assert_int_equal(s->r->security.kind, SECURITY_FOREIGN_NONCE);
	m = log_in(p, m, "other.example", "other.example", "00000001");
	assert_true(bytes_starts(m, "SIP/2.0 200"));
}

/* Guesses at one tenant's extension make no phone of another one wait. */
static void guesses_count_for_their_tenant(void **state)
{
	struct street *s = *state;
	struct phone *p = &s->houses[OTHER].a;
	struct bytes m;

	phone_open(p, s->r, "1001", s->houses[ACME].a.address);
	p->domain = "acme.example";
	for (int i = 0; i < 10; i++)
		assert_true(bytes_starts(log_in(p, challenge_of(p), "acme.example", "guess",
						"00000001"),
					 "SIP/2.0 401"));
	assert_true(
		bytes_starts(log_in(p, challenge_of(p), "acme.example", "acme.example", "00000001"),
			     "SIP/2.0 403"));
	p->domain = "other.example";
	m = log_in(p, challenge_of(p), "other.example", "other.example", "00000001");
	assert_true(bytes_starts(m, "SIP/2.0 200"));
}

/* Each of its own, also at one address: what a neighbour's phone of the same number has spent is left to ours. */
static void quotas_are_of_their_tenant(void **state)
{
	struct street *s = *state;
	const struct quota_settings quotas = {
		.limits = { [QUOTA_EXTENSION] = { .of = { [QUOTA_REGISTER_RATE] = 1 } } },
		.capacity = { 100, 100, 100 },
	};
	struct rand_source rand;
	struct quota *q;

	rand_open_seed(&rand, 1);
	assert_int_equal(quota_open(&q, &quotas, &rand), 0);
	s->r->shard->settings.quota = quota_of(q);
	for (unsigned i = 0; i < HOUSES; i++) {
		struct phone *p = &s->houses[i].a;
		struct bytes m = challenge_of(p);
		char nc[9];

		for (int n = 1; n <= QUOTA_BURST_S + 1; n++) {
			(void)snprintf(nc, sizeof(nc), "%08x", (unsigned)n);
			assert_true(
				bytes_starts(log_in(p, m, p->domain, p->domain, nc),
					     n <= QUOTA_BURST_S ? "SIP/2.0 200" : "SIP/2.0 503"));
		}
	}
	s->r->shard->settings.quota = (struct quota_host){ 0 };
	quota_close(q);
}

static void tenant_limit(struct street *s, unsigned house, enum tenant_item item, uint32_t most)
{
	struct tenant_settings set = { .domain_count = 1 };

	set.most[item] = most;
	(void)bytes_cstr(bytes_str(g_houses[house]), set.name, sizeof(set.name));
	(void)bytes_cstr(bytes_str(g_house_domains[house]), set.domains[0], TENANT_DOMAIN_MAX);
	assert_int_equal(tenants_put(s->tenants, &set, &s->houses[house].number), 0);
}

/* All its calls together, whoever of them asks; those of others go on. */
static void tenant_has_calls_enough(void **state)
{
	struct street *s = *state;
	struct house *acme = &s->houses[ACME], *other = &s->houses[OTHER];
	struct shard_originate o = { .tenant = acme->number,
				     .call = shard_call_new_id(s->r->shard),
				     .from = "1001",
				     .to = "1002" };
	struct bytes m;

	tenant_limit(s, ACME, TENANT_CALLS, 1);
	phones_talk(&acme->a, &acme->b);
	phone_begin(&acme->a, "1002");
	phone_request(&acme->a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(s->r, &acme->a.addr, "SIP/2.0 486");
	assert_true(rig_has(m, "too many calls at once of this tenant"));
	assert_true(rig_has(m, "\r\nRetry-After: 5\r\n"));
	phone_ack(&acme->a);
	assert_int_equal(shard_call_originate(s->r->shard, &o, s->r->now), REFUSED_TENANT_CALLS);
	phones_talk(&other->a, &other->b);
	tenant_limit(s, ACME, TENANT_CALLS, 2);
	o.call = shard_call_new_id(s->r->shard);
	assert_int_equal(shard_call_originate(s->r->shard, &o, s->r->now), 0);
	assert_int_equal(tenants_held(s->tenants, acme->number, TENANT_CALLS), 2);
}

/* Who is registered refreshes; nobody more registers. */
static void tenant_has_phones_enough(void **state)
{
	struct street *s = *state;

	tenant_limit(s, ACME, TENANT_REGISTRATIONS, 1);
	for (unsigned i = 0; i < HOUSES; i++) {
		struct phone *a = &s->houses[i].a, *b = &s->houses[i].b;
		const char *password = a->domain;
		struct bytes m;

		for (int n = 1; n <= 2; n++) {
			m = challenge_of(a);
			assert_true(bytes_starts(log_in(a, m, a->domain, password, "00000001"),
						 "SIP/2.0 200"));
		}
		m = log_in(b, challenge_of(b), b->domain, password, "00000001");
		assert_true(bytes_starts(m, i == ACME ? "SIP/2.0 403" : "SIP/2.0 200"));
		assert_int_equal(rig_has(m, "\r\nReason: SIP;cause=403;text=\"too many "
					    "registrations of this tenant\"\r\n"),
				 i == ACME);
	}
}

static void tenant_rate(struct street *s, unsigned house, enum tenant_rate rate, uint32_t per_s)
{
	struct tenant_settings set = { .domain_count = 1 };

	set.per_second[rate] = per_s;
	(void)bytes_cstr(bytes_str(g_houses[house]), set.name, sizeof(set.name));
	(void)bytes_cstr(bytes_str(g_house_domains[house]), set.domains[0], TENANT_DOMAIN_MAX);
	assert_int_equal(tenants_put(s->tenants, &set, &s->houses[house].number), 0);
}

/* False: refused. */
static bool calls(struct street *s, struct phone *p, const char *refusal)
{
	struct bytes m;

	phone_begin(p, "1002");
	phone_request(p, "INVITE", "", PHONE_SDP_A);
	rig_run(s->r);
	m = rig_take(s->r, &p->addr, "SIP/2.0 486");
	if (!m.n)
		return true;
	assert_true(rig_has(m, refusal));
	assert_true(rig_has(m, "\r\nRetry-After: 1\r\n"));
	phone_ack(p);
	return false;
}

/* All its phones together, also by command; a second later one more. */
static void tenant_calls_too_often(void **state)
{
	static const char refusal[] = "too many calls a second of this tenant";
	struct street *s = *state;
	struct house *acme = &s->houses[ACME];
	struct shard_originate o = { .tenant = acme->number, .from = "1001", .to = "1002" };

	tenant_rate(s, ACME, TENANT_CALL_RATE, 1);
	for (int i = 0; i < QUOTA_BURST_S; i++)
		assert_true(calls(s, i % 2 ? &acme->a : &acme->b, refusal));
	assert_false(calls(s, &acme->a, refusal));
	assert_false(calls(s, &acme->b, refusal));
	o.call = shard_call_new_id(s->r->shard);
	assert_int_equal(shard_call_originate(s->r->shard, &o, s->r->now),
			 REFUSED_TENANT_CALL_RATE);
	for (int i = 0; i < QUOTA_BURST_S + 1; i++)
		assert_true(calls(s, &s->houses[OTHER].a, ""));
	rig_wait_ms(s->r, 1000);
	assert_true(calls(s, &acme->a, refusal));
	assert_false(calls(s, &acme->a, refusal));
}

/* Messages are among what a tenant begins, and calls that go on are none of that. */
static void tenant_writes_too_often(void **state)
{
	struct street *s = *state;
	struct phone *a = &s->houses[ACME].a;
	struct bytes m;

	tenant_rate(s, ACME, TENANT_CALL_RATE, 1);
	for (int i = 0; i <= QUOTA_BURST_S; i++) {
		phone_begin(a, "1002");
		phone_request(a, "MESSAGE", TEXT, "hello");
	}
	assert_int_equal(rig_count(s->r, &s->houses[ACME].b.addr, "MESSAGE "), QUOTA_BURST_S);
	m = rig_take(s->r, &a->addr, "SIP/2.0 480");
	assert_true(rig_header(m, "Retry-After").n);
	assert_true(rig_has(rig_header(m, "Warning"), "too many calls a second of this tenant"));
	phone_begin(&s->houses[OTHER].a, "1002");
	phone_request(&s->houses[OTHER].a, "MESSAGE", TEXT, "hello");
	assert_int_equal(rig_count(s->r, &s->houses[OTHER].b.addr, "MESSAGE "), 1);
}

static void tenant_registers_too_often(void **state)
{
	struct street *s = *state;

	tenant_rate(s, ACME, TENANT_REGISTER_RATE, 1);
	for (unsigned i = 0; i < HOUSES; i++) {
		for (int n = 0; n <= QUOTA_BURST_S; n++) {
			struct phone *p = n % 2 ? &s->houses[i].a : &s->houses[i].b;
			struct bytes m =
				log_in(p, challenge_of(p), p->domain, p->domain, "00000001");
			bool refused = i == ACME && n == QUOTA_BURST_S;

			assert_true(bytes_starts(m, refused ? "SIP/2.0 480" : "SIP/2.0 200"));
			assert_int_equal(rig_has(m, "\r\nRetry-After: 1\r\n"), refused);
		}
	}
}

/* A listener may be one tenant's alone, whatever the phone says. */
static void listener_is_of_a_tenant(void **state)
{
	struct street *s = *state;
	struct house *h = &s->houses[ACME];
	struct shard_settings *set = &s->r->shard->settings;

	set->locals[0].tenant = h->number + 1;
	s->houses[0].a.domain = "192.0.2.1";
	assert_true(rig_has(challenge_of(&s->houses[0].a), "realm=\"acme.example\""));
	assert_true(bytes_starts(log_in(&s->houses[0].a, challenge_of(&s->houses[0].a),
					"acme.example", "acme.example", "00000001"),
				 "SIP/2.0 200"));
	assert_non_null(locations_find(s->r->locations, h->number, BYTES_LIT("1001")));
	assert_null(locations_find(s->r->locations, TENANT_DEFAULT, BYTES_LIT("1001")));
}

/* ---- calls ---- */

static void assert_nobody_else_heard(const struct street *s, unsigned house)
{
	for (unsigned i = 0; i < HOUSES; i++) {
		if (i == house)
			continue;
		assert_int_equal(rig_count(s->r, &s->houses[i].a.addr, ""), 0);
		assert_int_equal(rig_count(s->r, &s->houses[i].b.addr, ""), 0);
	}
}

static void equal_numbers_do_not_meet(void **state)
{
	struct street *s = *state;

	for (unsigned i = 0; i < HOUSES; i++) {
		struct house *h = &s->houses[i];
		uint32_t before[HOUSES];

		for (unsigned j = 0; j < HOUSES; j++)
			before[j] = rig_count(s->r, &s->houses[j].b.addr, "INVITE");
		phones_talk(&h->a, &h->b);
		assert_int_equal(tenants_held(s->tenants, h->number, TENANT_CALLS), 1);
		for (unsigned j = 0; j < HOUSES; j++)
			assert_int_equal(rig_count(s->r, &s->houses[j].b.addr, "INVITE"),
					 before[j] + (i == j));
		assert_string_equal(s->r->events[s->r->event_count - 1].tenant, g_houses[i]);
	}
	for (unsigned i = 0; i < HOUSES; i++) {
		phone_request(&s->houses[i].a, "BYE", "", "");
		phone_answer(&s->houses[i].b, rig_take(s->r, &s->houses[i].b.addr, "BYE"), "200 OK",
			     "");
		rig_wait_ms(s->r, 40000);
		assert_int_equal(s->r->cdr_count, i + 1);
		assert_string_equal(s->r->cdrs[i].tenant, g_houses[i]);
		assert_int_equal(tenants_held(s->tenants, s->houses[i].number, TENANT_CALLS), 0);
	}
}

static void messages_do_not_meet(void **state)
{
	struct street *s = *state;

	for (unsigned from = 0; from < HOUSES; from++) {
		for (unsigned to = 0; to < HOUSES; to++) {
			struct phone *a = &s->houses[from].a, *b = &s->houses[to].b;
			uint32_t before = rig_count(s->r, &b->addr, "MESSAGE ");

			phone_begin(a, "1002");
			(void)snprintf(a->target, sizeof(a->target), "sip:1002@%s",
				       g_house_domains[to]);
			phone_request(a, "MESSAGE", TEXT, "hello");
			assert_int_equal(rig_count(s->r, &b->addr, "MESSAGE "),
					 before + (from == to));
			assert_int_equal(rig_take(s->r, &a->addr, "SIP/2.0 404").n != 0,
					 from != to);
		}
	}
}

/* Of another tenant's domain, in any direction: elsewhere. */
static void other_domain_is_elsewhere(void **state)
{
	struct street *s = *state;

	for (unsigned from = 0; from < HOUSES; from++) {
		for (unsigned to = 0; to < HOUSES; to++) {
			struct phone *p = &s->houses[from].a;

			if (from == to)
				continue;
			phone_begin(p, "1002");
			(void)snprintf(p->target, sizeof(p->target), "sip:1002@%s",
				       g_house_domains[to]);
			phone_request(p, "INVITE", "", PHONE_SDP_A);
			assert_true(rig_take(s->r, &p->addr, "SIP/2.0 404").n);
			phone_ack(p);
			assert_int_equal(rig_count(s->r, &s->houses[from].b.addr, "INVITE"), 0);
			assert_int_equal(rig_count(s->r, &s->houses[to].b.addr, "INVITE"), 0);
		}
	}
}

/* A neighbour that is trusted speaks for phones of a tenant that is disabled: its domain is no other tenant's meanwhile. */
static void domain_of_a_disabled_one_is_nobodys(void **state)
{
	static const char *const methods[] = { "INVITE", "SUBSCRIBE" };
	struct street *s = *state;
	struct phone *p = &s->houses[ACME].a;

	street_disable(s, ACME);
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		phone_begin(p, "1002");
		phone_request(p, methods[i], i ? "Event: dialog\r\n" : "", i ? "" : PHONE_SDP_A);
		assert_true(rig_take(s->r, &p->addr, "SIP/2.0 404").n);
	}
	phone_register_with(p, "", 3600);
	assert_true(rig_has(rig_take(s->r, &p->addr, "SIP/2.0 401"), "realm=\"test.local\""));
	assert_nobody_else_heard(s, ACME);
	assert_int_equal(rig_count(s->r, &s->houses[ACME].b.addr, "INVITE"), 0);
}

/* Its calls go on, and one that is given away goes to its own. */
static void calls_of_a_disabled_one_go_on(void **state)
{
	struct street *s = *state;
	struct house *h = &s->houses[ACME];

	phones_talk(&h->a, &h->b);
	street_disable(s, ACME);
	phone_request(&h->b, "REFER", "Refer-To: <sip:1002@acme.example>\r\n", "");
	assert_true(phone_hears(&h->b, "SIP/2.0 202").n);
	assert_true(phone_rings(&h->b).n);
	assert_nobody_else_heard(s, ACME);
}

/* The node's address is everybody's, a number there is one of the caller's own tenant. */
static void address_is_of_each_tenant(void **state)
{
	struct street *s = *state;
	struct house *h = &s->houses[ACME];

	phone_begin(&h->a, "1002");
	(void)snprintf(h->a.target, sizeof(h->a.target), "sip:1002@192.0.2.1");
	phone_request(&h->a, "INVITE", "", PHONE_SDP_A);
	assert_true(phone_rings(&h->b).n);
	assert_nobody_else_heard(s, ACME);
}

/* A trunk is at no domain of ours: whom it calls says whose call it is. */
static void called_domain_counts_for_strangers(void **state)
{
	struct street *s = *state;
	struct phone trunk;

	phone_open(&trunk, s->r, "4930123", "192.0.2.99:5060");
	trunk.domain = "carrier.example";
	phone_begin(&trunk, "1002");
	(void)snprintf(trunk.target, sizeof(trunk.target), "sip:1002@other.example");
	phone_request(&trunk, "INVITE", "", PHONE_SDP_A);
	assert_true(phone_rings(&s->houses[OTHER].b).n);
	assert_nobody_else_heard(s, OTHER);
}

/* ---- dialogs of another tenant ---- */

static void dialog_line(char *out, size_t cap, const char *format, const struct phone *p)
{
	(void)snprintf(out, cap, "%s: %s;%s=%s;%s=%s\r\n", format, p->call_id,
		       format[0] == 'R' ? "to-tag" : "local-tag", p->remote_tag,
		       format[0] == 'R' ? "from-tag" : "remote-tag", p->tag);
}

/* The same user, number and address; but for the tenant it would be let in. */
static struct phone neighbour_of(struct street *s, unsigned house, struct phone *p)
{
	struct phone o;

	phone_open(&o, s->r, p->user, p->address);
	o.domain = g_house_domains[house];
	return o;
}

static void place_of_another_tenant_is_not_taken(void **state)
{
	static const char *const status[HOUSES] = { "SIP/2.0 481", "", "SIP/2.0 481" };
	struct street *s = *state;
	struct house *h = &s->houses[ACME];
	char line[700];

	phones_talk(&h->a, &h->b);
	dialog_line(line, sizeof(line), "Replaces", &h->b);
	for (unsigned i = 0; i < HOUSES; i++) {
		struct phone o = neighbour_of(s, i, &h->b);

		if (i == ACME)
			continue;
		phone_begin(&o, "1001");
		phone_request(&o, "INVITE", line, PHONE_SDP_A);
		assert_true(rig_take(s->r, &o.addr, status[i]).n);
		phone_ack(&o);
	}
	assert_int_equal(rig_counts(s->r).calls, 1);
}

static void party_of_another_tenant_is_not_given_away(void **state)
{
	struct street *s = *state;
	struct house *h = &s->houses[ACME];
	struct phone o = neighbour_of(s, OTHER, &h->b);
	char target[600], lines[800];

	phones_talk(&h->a, &h->b);
	dialog_line(target, sizeof(target), "Target-Dialog", &h->b);
	(void)snprintf(lines, sizeof(lines), "Refer-To: <sip:1003@other.example>\r\n%s", target);
	phone_begin(&o, "1001");
	phone_request(&o, "REFER", lines, "");
	assert_true(rig_take(s->r, &o.addr, "SIP/2.0 481").n);
}

static void refer_to_another_tenant_is_refused(void **state)
{
	struct street *s = *state;
	struct house *h = &s->houses[ACME], *other = &s->houses[OTHER];
	char lines[900];

	phones_talk(&h->a, &h->b);
	phones_talk(&other->a, &other->b);
	phone_request(&h->b, "REFER", "Refer-To: <sip:1003@other.example>\r\n", "");
	assert_true(rig_take(s->r, &h->b.addr, "SIP/2.0 404").n);
	(void)snprintf(
		lines, sizeof(lines),
		"Refer-To: <sip:1001@acme.example?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D"
		"%s>\r\n",
		other->b.call_id, other->b.remote_tag, other->b.tag);
	phone_request(&h->b, "REFER", lines, "");
	assert_true(rig_take(s->r, &h->b.addr, "SIP/2.0 403").n);
	phone_request(&h->b, "REFER", "Refer-To: <sip:1003@acme.example>\r\n", "");
	assert_true(rig_take(s->r, &h->b.addr, "SIP/2.0 202").n);
}

/* ---- what is set for a number ---- */

static void settings_are_of_their_tenant(void **state)
{
	const struct shard_forward quiet = { .smart_do_not_disturb = true };
	const struct shard_forward away = { .always = "1003" };
	const struct shard_extension refused = { .tenant = 0, .number = "1002" };
	struct street *s = *state;
	struct house *h = &s->houses[ACME];

	phones_talk(&s->houses[OTHER].b, &s->houses[OTHER].a); /* its 1002 has a call */
	assert_int_equal(shard_forward_set(s->r->shard, h->number, "1002", &quiet), 0);
	assert_int_equal(shard_forward_set(s->r->shard, s->houses[OTHER].number, "1002", &away), 0);
	assert_int_equal(shard_extension_put(s->r->shard, &refused), 0);
	phone_invite(&h->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&h->b).n);
	assert_true(shard_extension_delete(s->r->shard, TENANT_DEFAULT, "1002"));
	assert_false(shard_extension_delete(s->r->shard, TENANT_DEFAULT, "1002"));
	assert_non_null(shard_extension_find(s->r->shard, h->number, BYTES_LIT("1002")));
}

static void profiles_are_of_their_tenant(void **state)
{
	const struct shard_profile p = { .name = "default", .transports = 1 << SIP_TLS };
	struct street *s = *state;
	const struct addr source = s->houses[ACME].a.addr;
	uint16_t acme = s->houses[ACME].number;

	assert_int_equal(shard_profile_put(s->r->shard, acme, &p), 0);
	assert_int_equal(tenants_held(s->tenants, acme, TENANT_PROFILES), 1);
	assert_int_equal(shard_profile_of(s->r->shard, acme, &source)->transports, 1 << SIP_TLS);
	assert_int_equal(shard_profile_of(s->r->shard, TENANT_DEFAULT, &source)->transports, 0);
	assert_false(shard_profile_delete(s->r->shard, TENANT_DEFAULT, "default"));
	assert_true(shard_profile_delete(s->r->shard, acme, "default"));
	assert_int_equal(tenants_held(s->tenants, acme, TENANT_PROFILES), 0);
	assert_int_equal(shard_profile_put(s->r->shard, acme, &p), 0);
	shard_profiles_delete(s->r->shard, acme);
	shard_profiles_delete(s->r->shard, acme);
	assert_int_equal(tenants_held(s->tenants, acme, TENANT_PROFILES), 0);
	assert_int_equal(shard_profile_of(s->r->shard, acme, &source)->transports, 0);
}

/* Where a phone comes back from is where the calls of its own tenant go. */
static void phone_that_moves_takes_no_strangers_calls(void **state)
{
	const struct sip_hop from = { .remote = rig_addr("192.0.2.22:5060") };
	const struct sip_hop to = { .remote = rig_addr("192.0.2.77:5060") };
	struct street *s = *state;

	phones_talk(&s->houses[ACME].a, &s->houses[ACME].b);
	shard_hop_moved(s->r->shard, s->houses[OTHER].number, BYTES_LIT("1002"), &from, &to);
	phone_request(&s->houses[ACME].a, "BYE", "", "");
	assert_true(rig_take(s->r, &s->houses[ACME].b.addr, "BYE").n);
}

/* ---- commands ---- */

static void commands_are_of_a_tenant(void **state)
{
	struct street *s = *state;
	struct house *h = &s->houses[ACME];
	struct shard_originate o = {
		.tenant = h->number, .call = UINT64_C(7) << 50, .from = "1001", .to = "1002"
	};
	struct shard_join join = { .leg = SHARD_LEG_CALLER, .with_leg = SHARD_LEG_CALLER };
	uint64_t ours, theirs;

	assert_int_equal(shard_call_originate(s->r->shard, &o, s->r->now), 0);
	rig_run(s->r);
	assert_true(phone_rings(&h->a).n);
	assert_nobody_else_heard(s, ACME);
	phone_answer(&h->a, h->a.invite, "486 Busy Here", "");
	rig_wait_ms(s->r, 70000);
	phones_talk(&h->a, &h->b);
	ours = s->r->events[s->r->event_count - 1].call;
	phones_talk(&s->houses[OTHER].a, &s->houses[OTHER].b);
	theirs = s->r->events[s->r->event_count - 1].call;
	join.call = ours;
	join.with = theirs;
	assert_int_equal(shard_call_join(s->r->shard, &join, s->r->now), REFUSED_NO_CALL);
	assert_true(join.of_with);
}

/* ---- records ---- */

static struct text record_copy(const struct rig *r)
{
	struct text copy = { 0 };

	for (uint32_t i = r->save_count; i-- > 0 && !copy.n;) {
		if (r->saves[i].kind == EFFECT_CALL_SAVE)
			assert_int_equal(text_set(&copy, text_bytes(&r->saves[i].record)), 0);
	}
	return copy;
}

/* Its document was deleted while the node was away. */
static void call_of_a_lost_tenant_goes_on(void **state)
{
	struct street *s = *state;
	struct house *h = &s->houses[ACME];
	const char *reason = "";
	struct call_view view;
	uint32_t cursor = 0;
	struct text record;

	phones_talk(&h->a, &h->b);
	record = record_copy(s->r);
	shard_close(s->r->shard);
	assert_true(tenants_delete(s->tenants, BYTES_LIT("acme")));
	street_put(s, OTHER);
	rig_start_shard(s->r);
	assert_int_equal(shard_restore_call(s->r->shard, text_bytes(&record), s->r->now, &reason),
			 0);
	shard_resume(s->r->shard, s->r->now);
	rig_run(s->r);
	assert_true(shard_call_next(s->r->shard, &cursor, &view));
	assert_string_equal(view.tenant, "acme");
	phone_request(&h->a, "BYE", "", "");
	phone_answer(&h->b, rig_take(s->r, &h->b.addr, "BYE"), "200 OK", "");
	rig_wait_ms(s->r, 40000);
	assert_string_equal(s->r->cdrs[s->r->cdr_count - 1].tenant, "acme");
	assert_int_equal(tenants_held(s->tenants, h->number, TENANT_CALLS), 0);
	text_clear(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STRANGER_TEST(domain_says_whose_phone_it_is),
		STRANGER_TEST(domain_is_read_in_any_case),
		STRANGER_TEST(nonce_is_of_its_realm),
		STRANGER_TEST(guesses_count_for_their_tenant),
		STRANGER_TEST(quotas_are_of_their_tenant),
		STREET_TEST(tenant_has_calls_enough),
		STRANGER_TEST(tenant_has_phones_enough),
		STREET_TEST(tenant_calls_too_often),
		STREET_TEST(tenant_writes_too_often),
		STRANGER_TEST(tenant_registers_too_often),
		STRANGER_TEST(listener_is_of_a_tenant),
		STREET_TEST(equal_numbers_do_not_meet),
		STREET_TEST(messages_do_not_meet),
		STREET_TEST(other_domain_is_elsewhere),
		STREET_TEST(domain_of_a_disabled_one_is_nobodys),
		STREET_TEST(calls_of_a_disabled_one_go_on),
		STREET_TEST(address_is_of_each_tenant),
		STREET_TEST(called_domain_counts_for_strangers),
		STREET_TEST(place_of_another_tenant_is_not_taken),
		STREET_TEST(party_of_another_tenant_is_not_given_away),
		STREET_TEST(refer_to_another_tenant_is_refused),
		STREET_TEST(settings_are_of_their_tenant),
		STREET_TEST(profiles_are_of_their_tenant),
		STREET_TEST(phone_that_moves_takes_no_strangers_calls),
		STREET_TEST(commands_are_of_a_tenant),
		STREET_TEST(call_of_a_lost_tenant_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
