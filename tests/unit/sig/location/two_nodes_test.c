/* SPDX-License-Identifier: Apache-2.0 */
/* Where phones are is known to each of two nodes. */
#include "sig/host/devices.h"
#include "tests/unit/sig/location/pair.h"

/* Whatever the order, each REGISTER is answered 200, and no phone is lost. */
static void phones_that_move(void **state)
{
	struct pair *p = *state;
	struct phone phones[PHONES];
	unsigned where[PHONES] = { 0 };
	struct rand_source rand;
	struct aor entry;

	rand_open_seed(&rand, 7);
	for (unsigned i = 0; i < PHONES; i++) {
		char address[32], run[16];

		(void)snprintf(address, sizeof(address), "192.0.2.%u:5060", 20 + i);
		(void)snprintf(run, sizeof(run), "run-%u", i);
		phone_make(&phones[i], p->nodes[0], address, run);
		if (i % 2)
			(void)snprintf(phones[i].contact_params, sizeof(phones[i].contact_params),
				       ";+sip.instance=\"<urn:%u>\"", i);
	}
	for (unsigned move = 0; move < MOVES; move++) {
		unsigned i = rand_below(&rand, PHONES), node = rand_below(&rand, 2);
		struct bytes answer = come_to(p, &phones[i], node, 90);

		if (!bytes_starts(answer, "SIP/2.0 200"))
			fail_msg("move %u: " BYTES_FMT, move, BYTES_ARG(answer));
		where[i] = node;
		pair_wait(p, rand_below(&rand, 8) == 0 ? 1200 : 100);
	}
	assert_true(p->conflicts > MOVES / 8);
	for (unsigned i = 0; i < PHONES; i++) /* each has come at all */
		assert_true(bytes_starts(come_to(p, &phones[i], where[i], 90), "SIP/2.0 200"));
	read_stored(p, &entry);
	assert_int_equal(entry.count, PHONES);
	for (unsigned i = 0; i < entry.count; i++) {
		unsigned k = (unsigned)(text_str(&entry.bindings[i].call_id)[4] - '0');

		assert_true(bytes_is(text_bytes(&entry.bindings[i].node), where[k] ? "n1" : "n0"));
	}
	aor_clear(&entry);
}

/* It leaves where it did not come. */
static void leaves_elsewhere(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
	assert_true(p->user.version > 0);
	assert_true(bytes_starts(come_to(p, &phone, 1, 0), "SIP/2.0 200"));
	read_stored(p, &entry);
	assert_int_equal(entry.count, 0);
	aor_clear(&entry);
	pair_wait(p, 1100);
	call_from(p, 0, &caller);
	assert_true(rig_take(p->nodes[0], &caller.addr, "SIP/2.0 480").n);
}

/* His extension is deleted, which both nodes hear of: in either order, his phones are nowhere any more. */
static void is_no_more(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	for (unsigned first = 0; first < 2; first++) {
		assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
		pair_wait(p, 1100);
		call_from(p, 1, &caller);
		assert_true(rig_take(p->nodes[1], &phone.addr, "INVITE ").n);
		for (unsigned i = 0; i < 2; i++) {
			struct rig *r = p->nodes[first ^ i];

			locations_forget(r->locations, TENANT_DEFAULT, BYTES_LIT("1002"), r->now);
			rig_drain(r);
			pair_wait(p, first ? 1100 : 10);
		}
		pair_wait(p, 10);
		read_stored(p, &entry);
		assert_int_equal(entry.count, 0);
		aor_clear(&entry);
		for (unsigned i = 0; i < 2; i++) {
			pair_wait(p, 40000);
			call_from(p, i, &caller);
			assert_true(rig_take(p->nodes[i], &caller.addr, "SIP/2.0 480").n);
		}
	}
}

/* Over UDP and without NAT any node reaches it. A copy of the INVITE that waits is none. */
static void called_from_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct rig *other = p->nodes[1];

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	phone_open(&caller, other, "1001", "192.0.2.11:5060");
	phone_invite(&caller, "1002", PHONE_SDP_A);
	phone_write(&caller, "INVITE", "", PHONE_SDP_A);
	assert_int_equal(count(other, "INVITE "), 0);
	serve(p, other);
	assert_int_equal(rig_count(other, &phone.addr, "INVITE "), 1);
	assert_int_equal(rig_counts(other).calls, 1);
}

static void forwarded_at(struct pair *p, unsigned node, struct phone *caller)
{
	const struct shard_forward f = { .always = "1002" };

	assert_int_equal(shard_forward_set(p->nodes[node]->shard, TENANT_DEFAULT, "1003", &f), 0);
	phone_open(caller, p->nodes[node], "1001", "192.0.2.11:5060");
	phone_invite(caller, "1003", PHONE_SDP_A);
}

/* He is looked up when the call comes to him, and the caller hears nothing else meanwhile. */
static void sent_on_from_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct rig *other = p->nodes[1];

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	forwarded_at(p, 1, &caller);
	serve(p, other);
	assert_int_equal(rig_count(other, &phone.addr, "INVITE "), 1);
	assert_int_equal(rig_count(other, &caller.addr, "SIP/2.0 4"), 0);
	phone.r = other;
	assert_true(phone_rings(&phone).n);
}

/* Nor does the store say anything for as long as a call waits. */
static void sent_on_to_who_is_not_known(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	p->silent = true;
	forwarded_at(p, 1, &caller);
	serve(p, p->nodes[1]);
	pair_wait(p, 5100);
	assert_true(rig_take(p->nodes[1], &caller.addr, "SIP/2.0 480").n);
}

/* So is a MESSAGE outside of calls: it waits, and its copy is none. */
static void written_to_from_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone, writer;
	struct rig *other = p->nodes[1];

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	phone_open(&writer, other, "1001", "192.0.2.11:5060");
	phone_begin(&writer, "1002");
	phone_request(&writer, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	phone_write(&writer, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	assert_int_equal(count(other, "MESSAGE "), 0);
	serve(p, other);
	assert_int_equal(rig_count(other, &phone.addr, "MESSAGE "), 1);
}

/* Who watches hears of it when its node has read it. */
static void watched_from_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller, watcher;
	struct rig *other = p->nodes[1];

	phone_open(&watcher, other, "1002", "192.0.2.14:5060");
	phone_begin(&watcher, "1002");
	phone_request(&watcher, "SUBSCRIBE", "Event: reg\r\n", "");
	serve(p, other);
	assert_true(bytes_starts(phone_hears(&watcher, "SIP/2.0"), "SIP/2.0 200"));
	assert_true(rig_has(told(&watcher), "state=\"terminated\""));
	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	assert_int_equal(told(&watcher).n, 0);
	call_from(p, 1, &caller);
	assert_true(rig_has(told(&watcher), "<uri>sip:1002@192.0.2.12:5060</uri>"));
}

/* Credentials are good once, and those of a copy are those of the INVITE that waits. */
static void copy_of_who_has_proven(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct rig *other = p->nodes[1];
	char lines[1536];

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	phone_open(&caller, other, "1001", "198.51.100.7:5060");
	phone_invite(&caller, "1002", PHONE_SDP_A);
	(void)credentials_make(lines, text_bytes(&last(other, "SIP/2.0 407")->data),
			       "Proxy-Authorization", DIGEST_MD5, "1001", "secret", "INVITE",
			       caller.target);
	phone_request(&caller, "INVITE", lines, PHONE_SDP_A);
	phone_write(&caller, "INVITE", lines, PHONE_SDP_A);
	assert_int_equal(count(other, "SIP/2.0 407"), 1);
	serve(p, other);
	assert_int_equal(rig_count(other, &phone.addr, "INVITE "), 1);
	assert_int_equal(rig_counts(other).calls, 1);
}

/* ---- a tenant that is disabled while the store is asked ---- */

static void acme_put(struct rig *r, bool disabled)
{
	struct tenant_settings set = { .name = "acme",
				       .domain_count = 1,
				       .domains = { "acme.example" },
				       .disabled = disabled };
	struct shard_extension e = { .enabled = true };

	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &e.tenant), 0);
	for (int i = 1001; i <= 1002; i++) {
		(void)snprintf(e.number, sizeof(e.number), "%d", i);
		digest_secret_make(&e.secret, bytes_str(e.number), BYTES_LIT("acme.example"),
				   BYTES_LIT("secret"));
		assert_int_equal(shard_extension_put(r->shard, &e), 0);
	}
}

static void acme_registers(struct phone *phone, struct pair *p, unsigned node)
{
	char lines[1536];
	struct rig *r = phone->r = p->nodes[node];

	phone_register_with(phone, "", 90);
	(void)credentials_in(lines, text_bytes(&last(r, "SIP/2.0 401")->data), "Authorization",
			     "acme.example", DIGEST_MD5, "1002", "secret", "REGISTER",
			     "sip:acme.example", "00000001");
	phone_register_with(phone, lines, 90);
}

/* Its REGISTER met what another node had written, and is looked at once more: it is none of the extension with that number elsewhere. */
static void registers_as_its_tenant_goes(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[1];
	struct phone first, second;

	for (unsigned i = 0; i < 2; i++)
		acme_put(p->nodes[i], false);
	phone_make(&first, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&second, p->nodes[1], "192.0.2.13:5060", "other");
	first.domain = second.domain = "acme.example";
	acme_registers(&second, p, 1);
	acme_registers(&first, p, 0);
	serve(p, p->nodes[0]);
	acme_put(r, true);
	serve(p, r);
	pair_wait(p, 10);
	assert_int_equal(p->conflicts, 1);
	assert_true(rig_take(r, &second.addr, "SIP/2.0 403").n);
	assert_null(locations_find(r->locations, TENANT_DEFAULT, BYTES_LIT("1002")));
}

static void asks_as_its_tenant_goes(struct pair *p, const char *method, const char *lines,
				    const char *body)
{
	struct rig *r = p->nodes[1];
	struct phone phone, caller;

	acme_put(r, false);
	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	phone_open(&caller, r, "1001", "192.0.2.11:5060");
	caller.domain = "acme.example";
	phone_begin(&caller, "1002");
	phone_request(&caller, method, lines, body);
	acme_put(r, true);
	serve(p, r);
	assert_true(rig_take(r, &caller.addr, "SIP/2.0 403").n);
	assert_int_equal(rig_count(r, &phone.addr, method), 0);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* What its credentials say of a phone is not lost where the other node has registered another phone
 * of the user meanwhile: the device that it is, and where it stands. */
static void device_of_whom_another_has(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[1];
	struct device_account a = {
		.tenant = TENANT_DEFAULT, .name = "0004f214ab37", .number = "1002", .location = 5
	};
	struct phone first, second;
	char lines[1536];
	struct aor entry;

	digest_secret_make(&a.secret, bytes_str(a.name), bytes_str(r->settings.digest.realm),
			   BYTES_LIT("of the device"));
	assert_int_equal(device_accounts_put(&r->shard->shared_tables->devices, &a), 0);
	phone_make(&first, p->nodes[0], "192.0.2.12:5060", "first");
	assert_true(bytes_starts(come_to(p, &first, 0, 90), "SIP/2.0 200"));
	phone_make(&second, r, "192.0.2.13:5060", "second");
	phone_register_with(&second, "", 90);
	(void)credentials_make(lines, text_bytes(&last(r, "SIP/2.0 401")->data), "Authorization",
			       DIGEST_MD5, a.name, "of the device", "REGISTER", "sip:test.local");
	phone_register_with(&second, lines, 90);
	serve(p, r);
	assert_int_equal(p->conflicts, 1);
	read_stored(p, &entry);
	assert_int_equal(entry.count, 2);
	for (uint32_t i = 0; i < entry.count; i++) {
		bool is = bytes_is(text_bytes(&entry.bindings[i].node), "n1");

		assert_int_equal(entry.bindings[i].device, is ? 0x0004f214ab37 : 0);
		assert_int_equal(entry.bindings[i].location, is ? 5 : 0);
	}
	aor_clear(&entry);
}

/* Nor is a call that waited, or a message. */
static void calls_as_its_tenant_goes(void **state)
{
	asks_as_its_tenant_goes(*state, "INVITE", "", PHONE_SDP_A);
}

static void writes_as_its_tenant_goes(void **state)
{
	asks_as_its_tenant_goes(*state, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(phones_that_move),
		TEST(leaves_elsewhere),
		TEST(is_no_more),
		TEST(called_from_the_other),
		TEST(written_to_from_the_other),
		TEST(sent_on_from_the_other),
		TEST(sent_on_to_who_is_not_known),
		TEST(watched_from_the_other),
		TEST(copy_of_who_has_proven),
		TEST(registers_as_its_tenant_goes),
		TEST(device_of_whom_another_has),
		TEST(calls_as_its_tenant_goes),
		TEST(writes_as_its_tenant_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
