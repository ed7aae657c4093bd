/* SPDX-License-Identifier: Apache-2.0 */
/* A member brings a number outside (RFC 4579 5.5): as its extension may call it, and at its cost (FEATURES CONF-03, SEC-07). */
#include "sig/host/tenant_tables.h"
#include "sig/host/toll.h"
#include "tests/unit/sig/ways.h"

struct out {
	struct gate g;           /* first: it is one */
	struct tenants *tenants; /* of the rooms */
	struct rooms *rooms;
	struct toll *toll;
};

static int out_setup(void **state)
{
	static const struct hash_key key = { 3, 4 };
	struct room_terms board = {
		.number = "700", .max_members = 4, .talkers = 3, .rate = 16000
	};
	struct shard_settings settings = rig_settings();
	struct out *x = calloc(1, sizeof(*x));

	if (!x || tenants_open(&x->tenants, &key) || rooms_open(&x->rooms, x->tenants) ||
	    rooms_put(x->rooms, &board) || toll_open(&x->toll, 16, 1, &key))
		return -1;
	settings.rooms = x->rooms;
	settings.toll = x->toll;
	settings.emergency_count = 1;
	memcpy(settings.emergency[0], "112", sizeof("112"));
	gate_open(&x->g, &settings);
	leads_out(&x->g, 2);
	*state = x;
	return 0;
}

static int out_teardown(void **state)
{
	struct out *x = *state;
	struct tenants *tenants = x->tenants;
	struct rooms *rooms = x->rooms;
	struct toll *toll = x->toll;

	(void)gate_teardown(state);
	rooms_close(rooms);
	tenants_close(tenants);
	toll_close(toll);
	return 0;
}

static void comes(struct phone *p)
{
	phone_invite(p, "700", PHONE_SDP_A);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	rig_wait_ms(p->r, 50);
}

static struct bytes asks(struct phone *p, const char *to, const char *status)
{
	char lines[128];

	(void)snprintf(lines, sizeof(lines), "Refer-To: <%s>\r\n", to);
	phone_request(p, "REFER", lines, "");
	rig_wait_ms(p->r, 20);
	return rig_take(p->r, &p->addr, status);
}

static bool notified(struct phone *p, const char *fragment)
{
	struct bytes m = rig_take(p->r, &p->addr, "NOTIFY ");

	if (!m.n)
		return false;
	phone_answer(p, m, "200 OK", "");
	rig_wait_ms(p->r, 20);
	return rig_has(m, fragment);
}

static struct room_view room(struct out *x)
{
	struct room_view v = { 0 };
	uint32_t cursor = 0;

	assert_true(shard_conference_next(x->g.l.r->shard, &cursor, &v));
	return v;
}

static struct toll_usage used(const struct out *x)
{
	const struct toll_payer who = { .user = BYTES_LIT("1001") };
	const struct toll_now now = toll_now(x->g.l.r->now.utc_ms, 0);

	return toll_look(x->toll, &who, &now);
}

static void may_cost(struct out *x, uint8_t classes, uint16_t most)
{
	struct shard_extension e = rig_extension("1001", false);

	e.classes = classes;
	e.outside_calls = most;
	assert_int_equal(shard_extension_put(x->g.l.r->shard, &e), 0);
}

/* It is called by the first trunk that can be, as the extension that asked, and hangs up as any member. */
static void brought(void **state)
{
	struct out *x = *state;
	struct rig *r = x->g.l.r;
	struct phone *a = &x->g.l.a, *gw = &x->g.carriers[0];
	const struct cdr *cdr;

	comes(a);
	assert_true(asks(a, "sip:9123@test.local", "SIP/2.0 202").n);
	assert_true(notified(a, "SIP/2.0 100 Trying\r\n"));
	assert_true(rig_has(phone_rings(gw), "INVITE sip:123@198.51.100.1"));
	assert_true(rig_has(gw->invite, "From: <sip:1001@"));
	assert_int_equal(used(x).calls, 1);
	phone_answer(gw, gw->invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 100);
	assert_true(rig_take(r, &gw->addr, "ACK ").n);
	assert_true(notified(a, "SIP/2.0 200 OK\r\n"));
	assert_int_equal(room(x).members, 2);
	rig_wait_ms(r, 3000);
	phone_request(gw, "BYE", "", "");
	rig_wait_ms(r, 100);
	assert_int_equal(room(x).members, 1);
	assert_int_equal(used(x).calls, 0);
	assert_true(used(x).ms >= 3000);
	cdr = &r->cdrs[r->cdr_count - 1];
	assert_string_equal(cdr->from_trunk, "one");
	assert_string_equal(cdr->from, "9123");
	assert_string_equal(cdr->to, "1001");
}

/* What it may not call itself it brings nobody from, and neither beyond its limits. */
static void refused(void **state)
{
	struct out *x = *state;
	struct phone *a = &x->g.l.a;

	may_cost(x, 0, 0);
	comes(a);
	assert_true(asks(a, "sip:9123@test.local", "SIP/2.0 403").n);
	assert_int_equal(x->g.l.r->security.kind, SECURITY_BARRED);
	may_cost(x, 0xff, 1);
	assert_true(asks(a, "sip:112@test.local", "SIP/2.0 403").n);
	assert_true(asks(a, "sip:8123@test.local", "SIP/2.0 480").n);
	assert_true(asks(a, "sip:9123@test.local", "SIP/2.0 202").n);
	assert_true(notified(a, "SIP/2.0 100 Trying\r\n"));
	assert_true(rig_has(asks(a, "sip:9124@test.local", "SIP/2.0 403"), "limit"));
	assert_int_equal(used(x).calls, 1);
	phone_answer(&x->g.carriers[0], phone_rings(&x->g.carriers[0]), "486 Busy Here", "");
	rig_wait_ms(x->g.l.r, 100);
	assert_true(notified(a, "SIP/2.0 486 "));
	assert_int_equal(used(x).calls, 0);
	assert_int_equal(room(x).members, 1);
	assert_int_equal(room(x).asking, 0);
}

/* The second trunk, where the first one cannot be asked; none: 503. */
static void another_way(void **state)
{
	struct out *x = *state;
	struct phone *a = &x->g.l.a;
	struct trunk_settings set = gate_trunk("one", "198.51.100.1");

	set.enabled = false;
	(void)gate_put(&x->g, &set);
	comes(a);
	assert_true(asks(a, "sip:9123@test.local", "SIP/2.0 202").n);
	assert_true(phone_rings(&x->g.carriers[1]).n);
	set = gate_trunk("two", "198.51.100.2");
	set.enabled = false;
	(void)gate_put(&x->g, &set);
	assert_true(asks(a, "sip:9124@test.local", "SIP/2.0 503").n);
}

#define OUT_TEST(fn) cmocka_unit_test_setup_teardown(fn, out_setup, out_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUT_TEST(brought),
		OUT_TEST(refused),
		OUT_TEST(another_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
