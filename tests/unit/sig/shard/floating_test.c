/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that go with their shards (shard_network.shard): what a shard begins, it begins by its own. */
#include "sig/dialog/dialog.h"
#include "sig/leg/flow.h"
#include "sig/location/route.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/hop.h"
#include "tests/unit/sig/null_services.h"
#include "tests/unit/sig/watch.h"

enum { THEIRS, OWN, NONE }; /* addresses of shard 8, which phones register at, and of 7 */

static struct shard_settings settings(void)
{
	struct shard_settings s = rig_settings();

	s.networks[OWN] = s.networks[THEIRS];
	s.networks[OWN].media_bind = s.networks[OWN].media_advertise = rig_addr("192.0.2.7");
	s.networks[OWN].shard = 7;
	s.networks[THEIRS].shard = 8;
	memcpy(s.networks[OWN].name, "own", sizeof("own"));
	s.network_count = 2;
	s.locals[OWN] = s.locals[THEIRS];
	s.locals[OWN].bind = s.locals[OWN].advertise = rig_addr("192.0.2.7:5060");
	s.locals[OWN].network = OWN;
	s.local_count = 2;
	return s;
}

static bool has(struct bytes text, const char *part)
{
	return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* A phone that registered at an address of another shard is called by an own one, and so is its media. */
static void by_its_own(void **state)
{
	const struct shard_settings s = settings();
	struct rig *r = rig_open_with(&s);
	struct phone a, b;
	struct bytes invite;

	(void)state;
	phones_open(r, &a, &b);
	phone_invite(&a, "1002", PHONE_SDP_A);
	invite = phone_hears(&b, "INVITE");
	assert_true(has(invite, "Via: SIP/2.0/UDP 192.0.2.7:5060"));
	assert_true(has(invite, "@192.0.2.7:5060"));
	assert_true(has(invite, "c=IN IP4 192.0.2.7\r\n"));
	rig_close(r);
}

/* The caller came to the other one's address, and goes on by ours. */
static void media_of_who_comes_elsewhere(void **state)
{
	const struct shard_settings s = settings();
	struct rig *r = rig_open_with(&s);
	struct phone a, b;
	struct bytes answer;

	(void)state;
	phones_open(r, &a, &b);
	phone_invite(&a, "1002", PHONE_SDP_A);
	(void)phone_rings(&b);
	phone_answer(&b, b.invite, "200 OK", PHONE_SDP_B);
	answer = phone_hears(&a, "SIP/2.0 200");
	assert_true(has(answer, "c=IN IP4 192.0.2.7\r\n"));
	assert_true(has(answer, "Contact: <sip:"));
	assert_false(has(answer, "@192.0.2.1:5060"));
	rig_close(r);
}

/* A browser's leg stays at the address that it came to, and so does one behind a NAT. */
static void media_of_who_stays_there(void **state)
{
	struct shard_settings s = settings();
	const struct call_host h = { .settings = &s, .services = &null_services };
	struct leg *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	l->dialog.hop.local = THEIRS;
	assert_int_equal(flow_network(&h, l), OWN);
	l->dialog.hop.local = OWN;
	assert_int_equal(flow_network(&h, l), OWN);
	s.networks[OWN].shard = 9; /* none is its own */
	assert_int_equal(flow_network(&h, l), OWN);
	free(l);
}

/* ---- bindings ---- */

struct way {
	const char *name;
	bool inbound, nat;
	uint8_t bound;     /* of the binding */
	uint32_t networks; /* that are here */
	int want;          /* local; -1: not from here */
};

static void ways(void **state)
{
	static const struct way rows[] = {
		{ "own", false, false, OWN, 3, OWN },
		{ "registered elsewhere", false, false, THEIRS, 3, OWN },
		{ "... with another node", false, false, THEIRS, 2, OWN },
		{ "a connection", true, false, THEIRS, 3, THEIRS },
		{ "a connection that is not here", true, false, THEIRS, 2, -1 },
		{ "a NAT", false, true, THEIRS, 3, THEIRS },
		{ "a NAT, and the address is not here", false, true, THEIRS, 2, -1 },
		{ "a NAT, and the address is ours", false, true, OWN, 3, OWN },
		{ "not of ours", true, false, NONE, 3, -1 },
	}, *row;
	const struct shard_settings s = settings();

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct route_asker asker = { .settings = &s, .networks = row->networks };
		struct binding b = { .nat = row->nat,
				     .hop = { .local = row->bound, .inbound = row->inbound } };
		struct sip_hop hop;

		b.hop.remote = rig_addr("192.0.2.11:5060");
		ROW_ASSERT(row->name, route_hop(&b, &asker, &hop) == (row->want >= 0));
		ROW_ASSERT(row->name, row->want < 0 || hop.local == row->want);
	}
}

/* Its node sends there, whoever has the address. */
static void a_connection_of_another_node(void **state)
{
	const struct shard_settings s = settings();
	const struct route_asker asker = { .settings = &s, .networks = 1U << OWN };
	struct hop_edges edges = { .self = 1 };
	struct binding b = { .hop = { .local = THEIRS, .inbound = true } };
	struct sip_hop hop;

	(void)state;
	assert_false(route_hop(&b, &asker, &hop));
	b.hop.connection = hop_edge_put(&edges, &(struct hop_edge){ 2, 77 });
	assert_true(route_hop(&b, &asker, &hop));
	assert_true(sip_hop_equal(&hop, &b.hop));
	b.hop.local = NONE;
	assert_false(route_hop(&b, &asker, &hop));
}

/* What a node finds of the other one's phone, which came by a connection to the address of a shard. */
static uint16_t local_found(const struct shard_settings *s, const struct hop_edges *writer)
{
	struct binding b = { .expires_utc_ms = UINT64_C(1750000060000),
			     .bound = s->locals[OWN].bind,
			     .hop = { .transport = SIP_TCP, .inbound = true, .connection = 77 } };
	struct aor a = { .version = 1, .count = 1, .room = 1, .bindings = &b, .node = "n0" };
	struct rig *r = rig_open_with(s);
	struct text record = { 0 };
	const char *reason = "";
	uint16_t local;

	(void)snprintf(r->node, sizeof(r->node), "n1");
	shard_close(r->shard);
	rig_start_shard(r);
	b.hop.remote = rig_addr("192.0.2.12:40000");
	assert_int_equal(text_set(&a.tenant, bytes_str(TENANT_DEFAULT_NAME)), 0);
	assert_int_equal(text_set(&a.user, BYTES_LIT("1002")), 0);
	assert_int_equal(text_set(&b.contact, BYTES_LIT("sip:1002@192.0.2.12")), 0);
	assert_int_equal(text_set(&b.call_id, BYTES_LIT("x")), 0);
	assert_int_equal(aor_encode(&a, writer, &record), 0);
	assert_int_equal(locations_restore(r->locations, text_bytes(&record), r->now, &reason), 0);
	local = locations_find(r->locations, TENANT_DEFAULT, BYTES_LIT("1002"))
			->bindings[0]
			.hop.local;
	text_clear(&record);
	text_clear(&a.tenant);
	text_clear(&a.user);
	text_clear(&b.contact);
	text_clear(&b.call_id);
	rig_close(r);
	return local;
}

/* As saved calls know it, so that they are found when it registers again with who has the address now. */
static void a_phone_of_another_node(void **state)
{
	const struct hop_edges theirs = { .self = 2 };
	struct hop_edges ours = { .self = 1 };
	struct shard_settings s = settings();

	(void)state;
	s.locals[OWN].transport = SIP_TCP;
	assert_int_equal(local_found(&s, NULL), OWN);
	s.networks[OWN].shard = 0; /* an address that is the other node's for ever */
	assert_int_equal(local_found(&s, NULL), UINT16_MAX);
	assert_int_equal(local_found(&s, &theirs), UINT16_MAX); /* nobody asks for it here */
	s.edges = &ours;
	assert_int_equal(local_found(&s, &theirs), OWN);
}

/* One of another shard is no choice, also where it would be the first. */
static void a_local_for_a_hop(void **state)
{
	struct shard_settings s = settings();
	struct sip_hop hop = { .local = UINT16_MAX, .remote = rig_addr("192.0.2.99:5060") };

	(void)state;
	assert_true(hop_local_for(&hop, &s));
	assert_int_equal(hop.local, OWN);
	s.local_count = 1;
	assert_false(hop_local_for(&hop, &s));
}

/* It registers from elsewhere, at the other shard's address: its call goes there by ours. */
static void a_phone_moves(void **state)
{
	const struct shard_settings s = settings();
	struct rig *r = rig_open_with(&s);
	struct phone a, b;
	struct sip_hop from, to;

	(void)state;
	phones_open(r, &a, &b);
	phones_talk(&a, &b);
	from = (struct sip_hop){ .local = THEIRS, .remote = b.addr };
	to = (struct sip_hop){ .local = THEIRS, .remote = rig_addr("192.0.2.55:5060") };
	shard_phone_moved(r->shard, TENANT_DEFAULT, BYTES_LIT("1002"), &from, &to, r->now);
	rig_run(r);
	phone_request(&a, "BYE", "", "");
	for (uint32_t i = 0; i < r->sent_count; i++) {
		if (bytes_starts(text_bytes(&r->sent[i].data), "BYE")) {
			assert_true(addr_eq(&r->sent[i].hop.remote, &to.remote));
			assert_int_equal(r->sent[i].hop.local, OWN);
		}
	}
	assert_int_equal(rig_count(r, &to.remote, "BYE"), 1);
	rig_close(r);
}

/* ---- a shard leaves ---- */

static struct shard *other_open(struct rig *r, const struct shard_settings *set)
{
	struct shard *s;

	assert_int_equal(shard_open(&s, set, r->locations, &r->rand, r->now), 0);
	for (int i = 1001; i <= 1002; i++) {
		char number[8];
		struct shard_extension e;

		(void)snprintf(number, sizeof(number), "%d", i);
		e = rig_extension(number, false);
		assert_int_equal(shard_extension_put(s, &e), 0);
	}
	return s;
}

/* What those of another shard of the node see of its calls goes dark: they are another node's now. */
static void lamps_of_who_stays(void **state)
{
	struct shard_settings s = rig_settings();
	struct shard *stays, *leaves;
	struct shard_shared_tables *shared_tables;
	struct rand_source rand;
	struct watch t = { 0 };
	struct rig *r;

	(void)state;
	rand_open_seed(&rand, 7);
	assert_int_equal(shard_shared_tables_open(&shared_tables, &s, &rand), 0);
	s.shared_tables = shared_tables;
	r = t.l.r = rig_open_with(&s);
	phones_open(r, &t.l.a, &t.l.b);
	phone_open(&t.w, r, "1004", "192.0.2.14:5060");
	phone_bind(&t.w);
	watch_begin(&t);
	s.number = 8;
	stays = r->shard;
	leaves = r->shard = other_open(r, &s);
	phones_talk(&t.l.a, &t.l.b);
	r->shard = stays;
	assert_true(rig_has(watch_told(&t.w), "confirmed"));
	shard_silence(leaves, r->now);
	shard_close(leaves);
	assert_true(rig_has(watch_told(&t.w), "terminated"));
	rig_close(r);
	shard_shared_tables_close(shared_tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_its_own),
		cmocka_unit_test(media_of_who_comes_elsewhere),
		cmocka_unit_test(media_of_who_stays_there),
		cmocka_unit_test(a_connection_of_another_node),
		cmocka_unit_test(ways),
		cmocka_unit_test(a_phone_of_another_node),
		cmocka_unit_test(a_local_for_a_hop),
		cmocka_unit_test(a_phone_moves),
		cmocka_unit_test(lamps_of_who_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
