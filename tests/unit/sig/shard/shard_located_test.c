/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that say where they stand (REG-32): 1001xatgnemx2 is extension 1001 at location 2, and its emergency calls say so. */
#include "sig/host/devices.h"
#include "sig/host/tenant_tables.h"
#include "sig/identity/pidf.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/uri.h"
#include "tests/unit/sig/gate.h"
#include "tests/unit/sig/sip/credentials.h"

#define AT(location) "1001" LOCATED_MARK location

struct desk {
	struct gate g;     /* first: it is one */
	struct phone p, q; /* both of 1001, who are not trusted */
};

static void site_is(struct desk *d, uint16_t id, const char *room, const char *caller_id)
{
	struct site site = { .tenant = TENANT_DEFAULT, .id = id };

	(void)snprintf(site.civic.field[CIVIC_COUNTRY], CIVIC_MAX, "US");
	(void)snprintf(site.civic.field[CIVIC_ROOM], CIVIC_MAX, "%s", room);
	(void)snprintf(site.caller_id, sizeof(site.caller_id), "%s", caller_id);
	assert_int_equal(sites_put(d->g.sites, &site), 0);
}

static void may_stand_at(struct desk *d, uint16_t first, uint16_t second)
{
	struct shard_located located = { .count = 2,
					 .of = { { .location = first }, { .location = second } } };

	for (uint8_t i = 0; i < located.count; i++) {
		char name[32];
		struct writer w = writer_over(name, sizeof(name));

		located_user_write(&w, BYTES_LIT("1001"), located.of[i].location);
		digest_secret_make(&located.of[i].secret, writer_done(&w),
				   bytes_str(d->g.l.r->settings.digest.realm), BYTES_LIT("secret"));
	}
	assert_int_equal(shard_located_set(d->g.l.r->shard, TENANT_DEFAULT, "1001", &located), 0);
}

static int setup(void **state)
{
	struct shard_settings s = rig_settings();
	struct desk *d = calloc(1, sizeof(*d));
	struct trunk_settings carrier = gate_trunk("carrier", "198.51.100.1");

	s.emergency_count = 1;
	(void)snprintf(s.emergency[0], sizeof(s.emergency[0]), "112");
	gate_open(&d->g, &s);
	d->g.l.r->rolling = true;
	gate_put(&d->g, &carrier);
	gate_route(&d->g, "112|9x.", "carrier");
	gate_may_call(&d->g);
	phone_open(&d->p, d->g.l.r, "1001", "203.0.113.11:5060");
	phone_open(&d->q, d->g.l.r, "1001", "203.0.113.12:5060");
	(void)snprintf(d->q.registration, sizeof(d->q.registration), "other");
	site_is(d, 2, "Second", "");
	site_is(d, 5, "Fifth", "+14085550005");
	may_stand_at(d, 2, 5);
	*state = d;
	return 0;
}

/* Its final response. */
static struct bytes log_in(struct phone *p, const char *name, const char *password)
{
	char line[1024];
	struct bytes m;

	phone_register_with(p, "", 90);
	m = rig_take(p->r, &p->addr, "SIP/2.0 401");
	phone_register_with(p,
			    credentials_make(line, m, "Authorization", DIGEST_MD5, name, password,
					     "REGISTER", "sip:test.local"),
			    90);
	return rig_take(p->r, &p->addr, "SIP/2.0");
}

/* It calls with that password, and the line more. */
static void dials(struct phone *p, const char *name, const char *password, const char *to,
		  const char *extra)
{
	char line[1024], lines[1280], uri[64];
	struct bytes m;

	(void)snprintf(uri, sizeof(uri), "sip:%s@test.local", to);
	phone_begin(p, to);
	phone_request(p, "INVITE", "", PHONE_SDP_A);
	m = rig_take(p->r, &p->addr, "SIP/2.0 407");
	phone_write(p, "ACK", "", "");
	(void)credentials_make(line, m, "Proxy-Authorization", DIGEST_MD5, name, password, "INVITE",
			       uri);
	(void)snprintf(lines, sizeof(lines), "%s%s", line, extra);
	phone_request(p, "INVITE", lines, PHONE_SDP_A);
	rig_run(p->r);
}

static struct bytes calls(struct desk *d, struct phone *p, const char *name, const char *to)
{
	dials(p, name, "secret", to, "");
	return phone_rings(&d->g.carriers[0]);
}

static void over(struct desk *d, struct phone *p)
{
	phone_answer(&d->g.carriers[0], d->g.carriers[0].invite, "486 Busy Here", "");
	phone_write(p, "ACK", "", "");
	rig_run(p->r);
}

static uint16_t location_of(struct desk *d, uint32_t i)
{
	const struct aor *a =
		locations_find(d->g.l.r->locations, TENANT_DEFAULT, BYTES_LIT("1001"));

	assert_true(a && i < a->count);
	return a->bindings[i].location;
}

/* room: NULL: it is not said where that is. */
static void assert_told(struct bytes invite, const char *room)
{
	char want[64];

	assert_true(bytes_starts(invite, "INVITE sip:112@") ||
		    bytes_starts(invite, "INVITE sip:9"));
	(void)snprintf(want, sizeof(want), "<ca:ROOM>%s</ca:ROOM>", room ? room : "");
	if (rig_has(invite, room ? want : PIDF_TYPE) != (room != NULL) ||
	    rig_has(invite, "\r\nGeolocation-Routing: yes\r\n") != (room != NULL))
		fail_msg("not at %s: " BYTES_FMT, room ? room : "no place", BYTES_ARG(invite));
}

static void registers(void **state)
{
	struct desk *d = *state;

	assert_true(bytes_starts(log_in(&d->p, AT("2"), "secret"), "SIP/2.0 200"));
	assert_int_equal(location_of(d, 1), 2);
	assert_int_equal(rig_counts(d->g.l.r).aors, 2); /* 1001 and 1002: no other one */
	assert_true(bytes_starts(log_in(&d->p, AT("5"), "secret"), "SIP/2.0 200"));
	assert_int_equal(location_of(d, 1), 5);
	assert_true(bytes_starts(log_in(&d->p, "1001", "secret"), "SIP/2.0 200"));
	assert_int_equal(location_of(d, 1), 0);
	assert_int_equal(d->g.l.r->security_count, 0);
}

/* Neither with a wrong password nor as another; and who guesses is counted with its extension. */
static void refused(void **state)
{
	static const char *const names[] = { AT("7"), AT("02"), "1002" LOCATED_MARK "2",
					     "9999" LOCATED_MARK "2" };
	struct desk *d = *state;

	assert_true(bytes_starts(log_in(&d->p, AT("2"), "wrong"), "SIP/2.0 401"));
	assert_int_equal(d->g.l.r->security.kind, SECURITY_WRONG_PASSWORD);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		rig_wait_ms(d->g.l.r, 60000);
		assert_true(bytes_starts(log_in(&d->p, names[i], "secret"), "SIP/2.0 401"));
		if (i == 0)
			assert_int_equal(d->g.l.r->security.kind, SECURITY_LOCATION);
	}
	assert_int_equal(rig_counts(d->g.l.r).bindings, 2); /* those of the line */
}

/* A place that nobody has provisioned is no reason to leave a phone without service. */
static void unknown_place(void **state)
{
	struct desk *d = *state;

	sites_delete(d->g.sites, TENANT_DEFAULT, 2);
	assert_true(bytes_starts(log_in(&d->p, AT("2"), "secret"), "SIP/2.0 200"));
	assert_int_equal(d->g.l.r->security.kind, SECURITY_LOCATION);
	assert_string_equal(d->g.l.r->security.detail, "location 2");
	assert_told(calls(d, &d->p, AT("2"), "112"), NULL);
}

/* By the name of the call, else by the registration of the phone that calls. */
static void help(void **state)
{
	struct desk *d = *state;
	struct bytes m;

	assert_told(calls(d, &d->p, "1001", "112"), NULL);
	over(d, &d->p);
	(void)log_in(&d->p, AT("2"), "secret");
	(void)log_in(&d->q, AT("5"), "secret");
	m = calls(d, &d->p, AT("5"), "112");
	assert_told(m, "Fifth");
	assert_true(rig_has(rig_header(m, "From"), "<sip:+14085550005@"));
	assert_true(rig_has(rig_header(m, "P-Asserted-Identity"), "<sip:+14085550005@"));
	over(d, &d->p);
	m = calls(d, &d->p, "1001", "112");
	assert_told(m, "Second");
	assert_true(rig_has(rig_header(m, "From"), "<sip:1001@"));
	over(d, &d->p);
	assert_told(calls(d, &d->q, "1001", "112"), "Fifth");
	over(d, &d->q);
	assert_told(calls(d, &d->p, AT("2"), "9123"), NULL); /* nobody else is told */
}

/* Where phones of one way stand at several places none of them is believed. */
static void behind_one_address(void **state)
{
	struct desk *d = *state;

	d->q.addr = d->p.addr;
	(void)log_in(&d->p, AT("2"), "secret");
	(void)log_in(&d->q, AT("5"), "secret");
	assert_told(calls(d, &d->q, "1001", "112"), "Fifth"); /* by its Contact */
	over(d, &d->q);
	(void)snprintf(d->q.address, sizeof(d->q.address), "203.0.113.13:5060");
	assert_told(calls(d, &d->q, "1001", "112"), NULL);
}

/* A killed node makes the emergency call from the same place by the next way, whatever became of the document. */
static void after_a_kill(void **state)
{
	struct desk *d = *state;
	struct trunk_settings other = gate_trunk("other", "198.51.100.2");
	struct trunk_route r = { .enabled = true, .name = "out", .pattern = "112" };
	const char *reason = "";
	struct bytes record;

	r.choice_count = 2;
	(void)snprintf(r.choices[0].trunk, sizeof(r.choices[0].trunk), "carrier");
	(void)snprintf(r.choices[1].trunk, sizeof(r.choices[1].trunk), "other");
	r.choices[1].priority = 1;
	gate_put(&d->g, &other);
	assert_int_equal(trunk_route_put(d->g.numbers, &r), 0);
	assert_told(calls(d, &d->p, AT("5"), "112"), "Fifth");
	record = text_bytes(&rig_stored(d->g.l.r)->record);
	shard_close(d->g.l.r->shard);
	sites_delete(d->g.sites, TENANT_DEFAULT, 5);
	rig_start_shard(d->g.l.r);
	if (shard_restore_call(d->g.l.r->shard, record, d->g.l.r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(d->g.l.r->shard, d->g.l.r->now);
	rig_run(d->g.l.r);
	phone_answer(&d->g.carriers[0], d->g.carriers[0].invite, "503 Service Unavailable", "");
	assert_told(phone_rings(&d->g.carriers[1]), "Fifth");
	assert_true(rig_has(rig_header(d->g.carriers[1].invite, "From"), "<sip:+14085550005@"));
}

static uint32_t invites(const struct desk *d)
{
	return rig_count(d->g.l.r, &d->g.carriers[0].addr, "INVITE ");
}

/* What else it asks for. */
static void assert_no_more_than_help(struct desk *d)
{
	uint32_t before = invites(d);

	dials(&d->p, "1001", "secret", "9123", "");
	assert_true(phone_hears(&d->p, "SIP/2.0 403").n);
	dials(&d->p, "1001", "secret", "1002", "");
	assert_true(phone_hears(&d->p, "SIP/2.0 403").n);
	dials(&d->p, "1001", "secret", "112", "Replaces: other;to-tag=1;from-tag=2\r\n");
	assert_true(phone_hears(&d->p, "SIP/2.0 403").n);
	dials(&d->p, "1001", "wrong", "112", "");
	assert_true(rig_take(d->g.l.r, &d->p.addr, "SIP/2.0 407").n);
	assert_true(bytes_starts(log_in(&d->q, "1001", "secret"), "SIP/2.0 403"));
	assert_int_equal(invites(d), before);
}

/* Who is connected with help gives it to nobody. */
static void assert_keeps_help(struct desk *d)
{
	assert_told(calls(d, &d->p, AT("2"), "112"), "Second");
	phone_answer(&d->g.carriers[0], d->g.carriers[0].invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&d->p, "SIP/2.0 200").n);
	phone_ack(&d->p);
	phone_request(&d->p, "REFER", "Refer-To: <sip:1002@test.local>\r\n", "");
	assert_true(phone_hears(&d->p, "SIP/2.0 403").n);
	phone_request(&d->p, "BYE", "", "");
	assert_true(phone_hears(&d->p, "SIP/2.0 200").n);
	rig_run(d->g.l.r);
}

/* Whoever has the password makes emergency calls, and may do nothing else. */
static void not_enabled(void **state)
{
	struct shard_extension e = rig_extension("1001", false);
	struct desk *d = *state;

	e.classes = 0xff;
	e.enabled = false;
	assert_int_equal(shard_extension_put(d->g.l.r->shard, &e), 0);
	assert_keeps_help(d);
	assert_no_more_than_help(d);
}

/* The same over a way by which it may not come, without SRTP. */
static void for_tls_only(void **state)
{
	struct shard_extension e = rig_extension("1001", false);
	struct desk *d = *state;

	e.classes = 0xff;
	e.tls_srtp = true;
	assert_int_equal(shard_extension_put(d->g.l.r->shard, &e), 0);
	assert_keeps_help(d);
	assert_no_more_than_help(d);
}

#define MAC "0004f214ab37"

static void device_is(struct desk *d, const char *number)
{
	struct device_account a = { .tenant = TENANT_DEFAULT, .name = MAC, .location = 5 };

	(void)snprintf(a.number, sizeof(a.number), "%s", number);
	digest_secret_make(&a.secret, BYTES_LIT(MAC), bytes_str(d->g.l.r->settings.digest.realm),
			   BYTES_LIT("of the device"));
	assert_int_equal(device_accounts_put(&d->g.l.r->shard->shared_tables->devices, &a), 0);
}

/* A device is a phone of the extension that has it, by its own name and password, as long as that has it. */
static void of_a_device(void **state)
{
	struct desk *d = *state;
	struct rig *r = d->g.l.r;
	const struct addr from = d->p.addr;
	uint64_t wait_ns;

	device_is(d, "1001");
	assert_true(bytes_starts(log_in(&d->p, MAC, "wrong"), "SIP/2.0 401"));
	assert_true(bytes_starts(log_in(&d->p, MAC, "secret"), "SIP/2.0 401"));
	assert_true(bytes_starts(log_in(&d->p, MAC, "of the device"), "SIP/2.0 200"));
	assert_int_equal(location_of(d, 1), 5);
	assert_int_equal(
		locations_find(r->locations, TENANT_DEFAULT, BYTES_LIT("1001"))->bindings[1].device,
		0x0004f214ab37);
	assert_true(shard_device_proves(r->shard, TENANT_DEFAULT, BYTES_LIT(MAC),
					BYTES_LIT("of the device"), &from, r->now, &wait_ns));
	assert_false(shard_device_proves(r->shard, TENANT_DEFAULT, BYTES_LIT("1001"),
					 BYTES_LIT("secret"), &from, r->now, &wait_ns));
	assert_false(shard_password_proves(r->shard, TENANT_DEFAULT, BYTES_LIT(MAC),
					   BYTES_LIT("of the device"), &from, r->now, &wait_ns));
	device_is(d, "1002");
	assert_true(bytes_starts(log_in(&d->p, MAC, "of the device"), "SIP/2.0 403"));
	locations_device_left(r->locations, TENANT_DEFAULT, BYTES_LIT("1001"), 0x0004f214ab37,
			      r->now);
	rig_run(r);
	assert_int_equal(locations_find(r->locations, TENANT_DEFAULT, BYTES_LIT("1001"))->count, 1);
	device_is(d, "1999"); /* an extension that is gone */
	assert_true(bytes_starts(log_in(&d->p, MAC, "of the device"), "SIP/2.0 401"));
	assert_false(shard_device_proves(r->shard, TENANT_DEFAULT, BYTES_LIT(MAC),
					 BYTES_LIT("of the device"), &from, r->now, &wait_ns));
	device_is(d, "1001");
	dials(&d->p, MAC, "of the device", "112", "");
	assert_told(phone_rings(&d->g.carriers[0]), "Fifth");
}

/* REG-30: logged in at a device of another site, an extension has no other phone, but browsers. */
static void of_another_site(void **state)
{
	struct desk *d = *state;
	struct rig *r = d->g.l.r;
	struct table *t = &r->shard->shared_tables->relocated;
	const struct aor *entry;

	device_is(d, "1001");
	assert_true(bytes_starts(log_in(&d->p, "1001", "secret"), "SIP/2.0 200"));
	assert_int_equal(device_only_put(t, TENANT_DEFAULT, BYTES_LIT("1001"), 0x0004f214ab37), 0);
	locations_others_left(r->locations, TENANT_DEFAULT, BYTES_LIT("1001"), 0x0004f214ab37,
			      r->now);
	rig_run(r);
	assert_true(bytes_starts(log_in(&d->p, "1001", "secret"), "SIP/2.0 403"));
	assert_true(bytes_starts(log_in(&d->p, MAC, "of the device"), "SIP/2.0 200"));
	entry = locations_find(r->locations, TENANT_DEFAULT, BYTES_LIT("1001"));
	assert_int_equal(entry->count, 1);
	assert_int_equal(entry->bindings[0].device, 0x0004f214ab37);
	assert_int_equal(device_only_put(t, TENANT_DEFAULT, BYTES_LIT("1001"), 0), 0);
	assert_true(bytes_starts(log_in(&d->p, "1001", "secret"), "SIP/2.0 200"));
}

/* 1001 is the extension of phones that no document names: the password of such a one. */
static void bare_phones(struct desk *d, char name[BARE_NAME + 1], char password[BARE_PASSWORD + 1])
{
	struct tenant_settings set = { .name = "default" };
	const struct shard *s = d->g.l.r->shard;
	uint16_t tenant;

	(void)snprintf(set.terms.bare_phones, sizeof(set.terms.bare_phones), "1001");
	assert_int_equal(tenants_put(s->settings.tenants, &set, &tenant), 0);
	bare_name(BYTES_LIT(MAC), 1, name);
	bare_password(s->shared_tables->bare_key, "default", bytes_str(name), password);
}

/* Anybody may have such a phone: it calls for help, and takes no place of its extension's by that. */
static void of_nobody(void **state)
{
	struct desk *d = *state;
	char name[BARE_NAME + 1], password[BARE_PASSWORD + 1], lines[400];
	struct phone *a = &d->g.l.a;

	bare_phones(d, name, password);
	d->p.branches = 100; /* its calls are others than those of a */
	(void)snprintf(d->p.tag, sizeof(d->p.tag), "bare");
	phones_talk(a, &d->g.l.b);
	(void)snprintf(lines, sizeof(lines), "Replaces: %s;to-tag=%s;from-tag=%s\r\n", a->call_id,
		       a->remote_tag, a->tag);
	dials(&d->p, name, password, "112", lines);
	assert_true(phone_hears(&d->p, "SIP/2.0 403").n);
	phone_write(&d->p, "ACK", "", "");
	rig_wait_ms(d->g.l.r, 100);
	assert_int_equal(rig_count(d->g.l.r, &a->addr, "BYE "), 0);
	dials(&d->p, name, password, "112", "");
	assert_told(phone_rings(&d->g.carriers[0]), NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, gate_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers),          TEST(refused),
		TEST(unknown_place),      TEST(help),
		TEST(behind_one_address), TEST(after_a_kill),
		TEST(not_enabled),        TEST(for_tls_only),
		TEST(of_another_site),    TEST(of_a_device),
		TEST(of_nobody),
	};

	return cmocka_run_group_tests_name("located", tests, NULL, NULL);
}
