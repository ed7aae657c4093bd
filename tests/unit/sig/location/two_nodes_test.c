/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes with one store: a phone is known to both, wherever it registered. */
#include <errno.h>

#include "base/rand.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/hop_edges.h"
#include "tests/unit/sig/wired.h"

enum { MOVES = 10000, PHONES = 4 };

struct stored {
	uint64_t version; /* 0: nothing */
	struct text record;
};

struct pair {
	struct rig *nodes[2];
	struct stored user; /* 1002 */
	uint32_t conflicts;
	bool silent;            /* to those who ask */
	const struct rig *away; /* that node has no store */
	struct hop_edges edges[2];
};

static void store_save(struct pair *p, struct rig *r, const struct rig_save *s)
{
	bool same =
		p->user.record.n && bytes_eq(text_bytes(&p->user.record), text_bytes(&s->record));
	enum location_result result = BINDING_SAVED;

	if (s->expected != p->user.version && !same) {
		result = BINDING_CONFLICT;
		p->conflicts++;
	} else if (s->ttl_ms == 0) {
		text_clear(&p->user.record);
		p->user.version = 0;
	} else {
		assert_int_equal(text_set(&p->user.record, text_bytes(&s->record)), 0);
		p->user.version = s->version;
	}
	locations_saved(r->locations, text_bytes(&s->tenant), text_bytes(&s->user), s->version,
			result, r->now);
}

static void store_answer(struct pair *p, struct rig *r, struct rig_save *s)
{
	s->answered = true;
	if (s->kind == EFFECT_BINDING_SAVE && r == p->away)
		locations_saved(r->locations, text_bytes(&s->tenant), text_bytes(&s->user),
				s->version, BINDING_FAILED, r->now);
	else if (s->kind == EFFECT_BINDING_SAVE && bytes_is(text_bytes(&s->user), "1002"))
		store_save(p, r, s);
	else if (s->kind == EFFECT_BINDING_GET && bytes_is(text_bytes(&s->user), "1002"))
		locations_got(r->locations, text_bytes(&s->tenant), text_bytes(&s->user),
			      p->silent ? BINDING_FAILED : BINDING_SAVED,
			      text_bytes(&p->user.record), r->now);
	else {
		s->answered = false;
		rig_answer(r, (uint32_t)(s - r->saves), true);
	}
	rig_drain(r);
}

/* All that a node asked of the store, and what follows. */
static void serve(struct pair *p, struct rig *r)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered) {
			store_answer(p, r, &r->saves[i]);
			i = UINT32_MAX; /* from the beginning: the list may have moved */
		}
	}
}

static void pair_wait(struct pair *p, uint64_t ms)
{
	for (unsigned i = 0; i < 2; i++) {
		rig_wait_ms(p->nodes[i], ms);
		serve(p, p->nodes[i]);
	}
}

static int pair_open(void **state, bool edges)
{
	static const char *const addresses[] = { "192.0.2.1:5060", "192.0.2.2:5060" };
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	for (unsigned i = 0; i < 2; i++) {
		struct shard_settings s = settings();

		for (unsigned k = 0; k < s.local_count; k++)
			s.locals[k].bind = s.locals[k].advertise = rig_addr(addresses[i]);
		p->edges[i].self = i + 1;
		s.edges = edges ? &p->edges[i] : NULL;
		p->nodes[i] = rig_open_with(&s);
		(void)snprintf(p->nodes[i]->node, sizeof(p->nodes[i]->node), "n%u", i);
		shard_close(p->nodes[i]->shard);
		rig_start_shard(p->nodes[i]);
		p->nodes[i]->hold_saves = p->nodes[i]->rolling = true;
	}
	*state = p;
	return 0;
}

static int pair_setup(void **state)
{
	return pair_open(state, false);
}

/* Each reaches the connections of the other. */
static int edges_setup(void **state)
{
	return pair_open(state, true);
}

static int pair_teardown(void **state)
{
	struct pair *p = *state;

	rig_close(p->nodes[0]);
	rig_close(p->nodes[1]);
	text_clear(&p->user.record);
	free(p);
	return 0;
}

static void phone_make(struct phone *p, struct rig *r, const char *address, const char *run)
{
	phone_open(p, r, "1002", address);
	(void)snprintf(p->registration, sizeof(p->registration), "%s", run);
}

/* Challenge, answer, the store, and the final response. */
static struct bytes come_to(struct pair *p, struct phone *phone, unsigned node, unsigned expires)
{
	char lines[1536];
	struct rig *r = phone->r = p->nodes[node];

	phone_register_with(phone, "", expires);
	(void)credentials_make(lines, text_bytes(&last(r, "SIP/2.0 401")->data), "Authorization",
			       DIGEST_MD5, "1002", "secret", "REGISTER", "sip:test.local");
	phone_register_with(phone, lines, expires);
	serve(p, r);
	return text_bytes(&r->sent[r->sent_count - 1].data);
}

static void read_stored(const struct pair *p, struct aor *out)
{
	const char *reason = "";

	assert_int_equal(aor_decode(out, text_bytes(&p->user.record), NULL, &reason), 0);
}

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

static void call_from(struct pair *p, unsigned node, struct phone *caller)
{
	phone_open(caller, p->nodes[node], "1001", "192.0.2.11:5060");
	phone_invite(caller, "1002", PHONE_SDP_A);
	serve(p, p->nodes[node]);
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

/* The node that has his phone hears nothing of it: what the store has of him goes all the same, whether or not the other one knew. */
static void is_no_more_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	for (unsigned knows = 0; knows < 2; knows++) {
		struct rig *r = p->nodes[1];

		assert_true(bytes_starts(come_to(p, &phone, 0, 3600), "SIP/2.0 200"));
		pair_wait(p, 40000);
		if (knows) {
			call_from(p, 1, &caller);
			assert_true(rig_take(r, &phone.addr, "INVITE ").n);
		}
		locations_forget(r->locations, TENANT_DEFAULT, BYTES_LIT("1002"), r->now);
		rig_drain(r);
		pair_wait(p, 10);
		pair_wait(p, 10);
		read_stored(p, &entry);
		assert_int_equal(entry.count, 0);
		aor_clear(&entry);
		pair_wait(p, 1100);
		call_from(p, 1, &caller);
		assert_true(rig_take(r, &caller.addr, "SIP/2.0 480").n);
	}
}

/* Who has the number next registers while the store is asked of the one before: his phone stays. */
static void next_one_is_there(void **state)
{
	struct pair *p = *state;
	struct phone phone, next;
	struct aor entry;
	char lines[1536];

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	assert_true(bytes_starts(come_to(p, &phone, 0, 3600), "SIP/2.0 200"));
	phone_make(&next, p->nodes[1], "192.0.2.13:5060", "next");
	phone_register_with(&next, "", 90);
	(void)credentials_make(lines, text_bytes(&last(next.r, "SIP/2.0 401")->data),
			       "Authorization", DIGEST_MD5, "1002", "secret", "REGISTER",
			       "sip:test.local");
	locations_forget(next.r->locations, TENANT_DEFAULT, BYTES_LIT("1002"), next.r->now);
	rig_drain(next.r);
	phone_register_with(&next, lines, 90);
	for (unsigned i = 0; i < 3; i++)
		pair_wait(p, 10);
	assert_true(rig_take(next.r, &next.addr, "SIP/2.0 200").n);
	read_stored(p, &entry);
	assert_int_equal(entry.count, 1);
	assert_string_equal(text_str(&entry.bindings[0].call_id), "next");
	aor_clear(&entry);
}

/* What another node had, and the store has forgotten, does not come back by us. */
static void store_forgets(void **state)
{
	struct pair *p = *state;
	struct phone phone, other;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	phone_make(&other, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &other, 1, 90);
	text_clear(&p->user.record);
	p->user.version = 0;
	(void)come_to(p, &other, 1, 90);
	read_stored(p, &entry);
	assert_int_equal(entry.count, 1);
	aor_clear(&entry);
	(void)come_to(p, &phone, 0, 90);
	read_stored(p, &entry);
	assert_int_equal(entry.count, 2);
	aor_clear(&entry);
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

/* A NOTIFY, answered; empty: there is none. */
static struct bytes told(struct phone *watcher)
{
	struct bytes m;

	rig_wait_ms(watcher->r, 5);
	m = rig_take(watcher->r, &watcher->addr, "NOTIFY ");
	if (m.n)
		phone_answer(watcher, m, "200 OK", "");
	return m;
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

static void assert_held(struct pair *p, const struct phone *phone)
{
	struct rig *other = p->nodes[1];
	struct phone caller;
	struct bytes no;

	pair_wait(p, 1100);
	call_from(p, 1, &caller);
	no = rig_take(other, &caller.addr, "SIP/2.0 480");
	assert_true(bytes_is(rig_header(no, "Reason"),
			     "SIP;cause=480;text=\"the phone is connected to another node\""));
	assert_string_equal(other->cdrs[other->cdr_count - 1].reason,
			    "refused by the node: the phone is connected to another node");
	assert_int_equal(rig_count(other, &phone->addr, "INVITE "), 0);
	phone_begin(&caller, "1002");
	phone_request(&caller, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	assert_true(rig_has(rig_take(other, &caller.addr, "SIP/2.0 480"), " MESSAGE\r\n"));
	assert_int_equal(rig_count(other, &phone->addr, "MESSAGE "), 0);
}

/* A connection ends where it came to. */
static void held_by_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
	assert_held(p, &phone);
}

/* A NAT lets in who was spoken to, over UDP, too. */
static void behind_nat_of_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "10.0.0.5:5060", "run");
	phone.addr = rig_addr("192.0.2.12:5060");
	assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
	assert_held(p, &phone);
}

/* A GRUU (RFC 5627) of such a phone says so, and leads to no other, whatever its user has set. */
static void named_and_held_by_the_other(void **state)
{
	const struct shard_forward f = { .unreachable = "1003" };
	struct pair *p = *state;
	struct rig *other = p->nodes[1];
	struct phone phone, caller;
	struct bytes no;

	assert_int_equal(shard_forward_set(other->shard, TENANT_DEFAULT, "1002", &f), 0);
	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)snprintf(phone.contact_params, sizeof(phone.contact_params),
		       ";+sip.instance=\"<urn:1>\"");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
	phone_open(&caller, other, "1001", "192.0.2.11:5060");
	phone_begin(&caller, "1002");
	(void)snprintf(caller.target, sizeof(caller.target), "sip:1002@test.local;gr=urn:1");
	phone_request(&caller, "INVITE", "", PHONE_SDP_A);
	serve(p, other);
	no = rig_take(other, &caller.addr, "SIP/2.0 480");
	assert_true(bytes_starts(rig_header(no, "Reason"), "SIP;cause=480"));
}

/* Where node 0 sends for it now. */
static uint64_t edge_of(struct pair *p, uint64_t connection)
{
	return hop_edge_put(&p->edges[0], &(struct hop_edge){ 2, connection });
}

/* In a call at node 0, on its connection 5. */
static void talks_over_tcp(struct pair *p, struct phone *phone, struct phone *caller)
{
	phone_make(phone, p->nodes[0], "10.0.0.5:5060", "run");
	connect_phone(phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, phone, 0, 3600), "SIP/2.0 200"));
	phone_open(caller, p->nodes[0], "1001", "192.0.2.11:5060");
	phone_bind(caller);
	call_from(p, 0, caller);
	phone->addr = phone->hop.remote;
	serve(p, p->nodes[0]);
	assert_true(phone_rings(phone).n);
	phone_answer(phone, phone->invite, "200 OK", PHONE_SDP_B);
	serve(p, p->nodes[0]);
	assert_true(phone_hears(caller, "SIP/2.0 200").n);
	phone_ack(caller);
	serve(p, p->nodes[0]);
	assert_int_equal(rig_counts(p->nodes[0]).calls_established, 1);
}

/* No NAT stands between, and perhaps it listens: first by the connection that it has with the other node, and when that is gone we
 * connect to it ourselves. */
static void listens_perhaps(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	phone_make(&phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	phone.hop.remote.port = 40000;
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
	assert_false(last(r, "INVITE ")->hop.inbound);
	assert_int_equal(last(r, "INVITE ")->hop.remote.port, 5060);
	shard_send_failed(r->shard, &last(r, "INVITE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(count(r, "INVITE "), 2);
	assert_int_equal(last(r, "INVITE ")->hop.connection, 0);
	assert_int_equal(last(r, "INVITE ")->hop.remote.port, 5060);
	assert_int_equal(rig_counts(r).calls, 1);
}

/* In a call at node 0, over UDP and behind a NAT. */
static void talks_behind_nat(struct pair *p, struct phone *phone, struct phone *caller)
{
	phone_make(phone, p->nodes[0], "10.0.0.5:5060", "run");
	phone->addr = rig_addr("192.0.2.12:40001");
	assert_true(bytes_starts(come_to(p, phone, 0, 3600), "SIP/2.0 200"));
	call_from(p, 0, caller);
	assert_true(phone_rings(phone).n);
	phone_answer(phone, phone->invite, "200 OK", PHONE_SDP_B);
	serve(p, p->nodes[0]);
	assert_true(phone_hears(caller, "SIP/2.0 200").n);
	phone_ack(caller);
	serve(p, p->nodes[0]);
	assert_int_equal(rig_counts(p->nodes[0]).calls_established, 1);
}

/* Node 1 has it, by its only address for UDP. */
static uint64_t flow_of(struct pair *p)
{
	return edge_of(p, hop_edge_flow(0));
}

/* The NAT has forgotten it, or lets node 0 in no more, and says nothing: what waits for it goes by way of the other node. */
static void moves_behind_nat(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_behind_nat(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	pair_wait(p, 10);
	assert_int_equal(last(r, "BYE ")->hop.connection, 0);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 100);
	assert_true(addr_eq(&last(r, "BYE ")->hop.remote, &phone.addr));
	assert_int_equal(last(r, "BYE ")->hop.connection, flow_of(p));
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* Nothing waits for it any more, but it does not know where it is heard: it is looked for until it comes. */
static void comes_late_behind_nat(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct call_view v;
	uint32_t cursor = 0, asked;
	struct call *c;

	talks_behind_nat(p, &phone, &caller);
	assert_true(shard_call_next(r->shard, &cursor, &v));
	c = shard_call_find(r->shard, v.call);
	phone_request(&caller, "INFO", "", "");
	pair_wait(p, 1000);
	c->away |= (uint16_t)BIT64(1);
	for (unsigned i = 0; i < 80; i++)
		pair_wait(p, 1000);
	asked = r->save_count;
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 1000);
	assert_in_range(r->save_count - asked, 4, 5);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	for (unsigned i = 0; i < 6; i++)
		pair_wait(p, 1000);
	assert_int_equal(c->away, 0);
	assert_int_equal(c->legs[1]->dialog.hop.connection, flow_of(p));
}

/* The machine with the NAT says that nobody is there. */
static void refused_behind_nat(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct call_view v;
	uint32_t cursor = 0;
	struct call *c;

	talks_behind_nat(p, &phone, &caller);
	assert_true(shard_call_next(r->shard, &cursor, &v));
	c = shard_call_find(r->shard, v.call);
	phone_request(&caller, "INFO", "", "");
	pair_wait(p, 10);
	c->away |= (uint16_t)BIT64(1);
	shard_send_failed(r->shard, &c->legs[1]->dialog.hop, ECONNREFUSED, r->now);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 100);
	assert_int_equal(c->away, 0);
	assert_int_equal(c->legs[1]->dialog.hop.connection, flow_of(p));
}

/* Nobody knows the process that it was reached by: it is looked for as one whose connection is gone. */
static void flow_is_gone(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	phone_make(&phone, p->nodes[1], "10.0.0.5:5060", "run");
	phone.addr = rig_addr("192.0.2.12:40001");
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	assert_int_equal(last(r, "INVITE ")->hop.connection, flow_of(p));
	/* ... however many are reached by it */
	shard_send_failed(r->shard,
			  &(struct sip_hop){ .connection = flow_of(p), .remote = caller.addr },
			  ENOTCONN, r->now);
	shard_send_failed(r->shard, &last(r, "INVITE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 1);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 100);
	assert_true(addr_eq(&last(r, "INVITE ")->hop.remote, &phone.addr));
	assert_int_equal(last(r, "INVITE ")->hop.connection, flow_of(p));
}

/* Its connection dies, and it has come to the other node: what waits for it goes there within a second, and nobody has told that. */
static void comes_back_at_the_other(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_over_tcp(p, &phone, &caller);
	shard_connection_closed(r->shard, &phone.hop, r->now);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	assert_int_equal(last(r, "BYE ")->hop.connection, 5);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(count(r, "BYE "), 1);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 2);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* In a call at node 0, on a connection of node 1; no NAT stands between. */
static void talks_by_the_other(struct pair *p, struct phone *phone, struct phone *caller)
{
	struct rig *r = p->nodes[0];

	phone_make(phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, phone, 1, 3600), "SIP/2.0 200"));
	phone_open(caller, r, "1001", "192.0.2.11:5060");
	phone_bind(caller);
	call_from(p, 0, caller);
	pair_wait(p, 10);
	phone->r = r;
	phone->addr = last(r, "INVITE ")->hop.remote;
	phone->hop.connection = edge_of(p, 5);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
	assert_true(phone_rings(phone).n);
	phone_answer(phone, phone->invite, "200 OK", PHONE_SDP_B);
	serve(p, r);
	assert_true(phone_hears(caller, "SIP/2.0 200").n);
	phone_ack(caller);
	serve(p, r);
	assert_int_equal(rig_counts(r).calls_established, 1);
}

/* A neighbour that cannot be reached is refused at once. A phone that was connected to the other node may have come there anew. */
static void neighbour_comes_back_at_the_other(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_by_the_other(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(last(r, "BYE ")->hop.connection, 0);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ECONNREFUSED, r->now);
	pair_wait(p, 10);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* Node 0 is to say BYE by the connection of node 1. */
static struct leg *hangs_up(struct pair *p, struct phone *phone, struct phone *caller)
{
	struct rig *r = p->nodes[0];
	struct call_view v;
	uint32_t cursor = 0;
	struct leg *l;

	talks_by_the_other(p, phone, caller);
	assert_true(shard_call_next(r->shard, &cursor, &v));
	l = shard_call_find(r->shard, v.call)->legs[1];
	phone_request(caller, "BYE", "", "");
	serve(p, r);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	return l;
}

static void bye_is_answered(struct pair *p, struct phone *phone)
{
	struct rig *r = p->nodes[0];

	phone->r = r;
	phone_answer(phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* It registered at an address of another shard, and its dialog goes by ours: that is the same way. */
static void registered_at_anothers_address(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct shard_settings *set = &r->shard->settings;
	struct phone phone, caller;
	struct sip_hop direct;
	struct leg *l = hangs_up(p, &phone, &caller);

	set->networks[1] = set->networks[0];
	set->networks[0].shard = set->number + 1;
	set->network_count = 2;
	set->locals[set->local_count] = set->locals[TCP_LOCAL];
	set->locals[set->local_count].network = 1;
	l->dialog.hop.local = (uint16_t)set->local_count++;
	direct = last(r, "BYE ")->hop;
	direct.connection = 0;
	shard_send_failed(r->shard, &direct, ECONNREFUSED, r->now);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 3); /* and by timer E */
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	bye_is_answered(p, &phone);
}

/* Its dialog goes by another address by now than what had left, and waits without a connection. */
static void left_from_another_address(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct leg *l = hangs_up(p, &phone, &caller);

	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	l->dialog.hop.local = TLS_LOCAL;
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ECONNREFUSED, r->now);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	pair_wait(p, 1000);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	bye_is_answered(p, &phone);
}

/* The store cannot be asked as its connection dies: it is as soon as it is back. */
static void comes_back_while_away(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	(void)hangs_up(p, &phone, &caller);
	rig_degraded(r, true);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	rig_wait_ms(r, 10);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ECONNREFUSED, r->now);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	rig_wait_ms(r, 1000);
	rig_degraded(r, false);
	pair_wait(p, 1000);
	pair_wait(p, 1000);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	bye_is_answered(p, &phone);
}

/* The other node was not heard for a while: what waits is said again by the same connection. */
static void other_is_heard_again(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct sip_hop direct;

	talks_by_the_other(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	/* its process is not heard: the transport has tried to connect to the phone (transport.c) */
	direct = last(r, "BYE ")->hop;
	direct.connection = 0;
	shard_send_failed(r->shard, &direct, ECONNREFUSED, r->now);
	assert_int_equal(count(r, "BYE "), 1);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 3); /* and by timer E */
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	/* nothing has failed since: by timer E alone */
	pair_wait(p, 1000);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 4);
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* The way there broke, and it was not sent: we connect to the phone, and say it once more by its connection. */
static void way_to_the_other_breaks(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_by_the_other(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, EHOSTUNREACH, r->now);
	assert_int_equal(count(r, "BYE "), 1);
	pair_wait(p, 10);
	assert_int_equal(count(r, "BYE "), 3);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	pair_wait(p, 2000);
	assert_int_equal(count(r, "BYE "), 5); /* by timer E */
}

/* ... or nobody knows that it did not arrive: a BYE is said until it is heard, and what follows something else shows that. */
static void bye_is_lost_on_the_way(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	(void)hangs_up(p, &phone, &caller);
	pair_wait(p, 600);
	assert_int_equal(count(r, "BYE "), 2);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	bye_is_answered(p, &phone);
	pair_wait(p, 2000);
	assert_int_equal(count(r, "BYE "), 2);
}

/* ... also who rings: a node that has just begun, and has taken the call, has heard nobody yet. */
static void rings_at_the_other(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct sip_hop direct;

	phone_make(&phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	direct = last(r, "INVITE ")->hop;
	assert_int_equal(direct.connection, edge_of(p, 5));
	direct.connection = 0;
	shard_send_failed(r->shard, &direct, ECONNREFUSED, r->now);
	pair_wait(p, 1000);
	assert_int_equal(rig_counts(r).calls, 1);
	assert_int_equal(count(r, "INVITE "), 2);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
}

/* It went there twice meanwhile: by what its dialog calls it. */
static void comes_back_twice(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_over_tcp(p, &phone, &caller);
	for (uint64_t connection = 7; connection < 9; connection++) {
		connect_phone(&phone, SIP_TCP, connection);
		assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	}
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 8));
}

/* Another phone of the same user, on the same machine, is not it. */
static void another_one_comes(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller, other;

	talks_over_tcp(p, &phone, &caller);
	phone_make(&other, p->nodes[1], "10.0.0.6:5070", "other");
	for (uint64_t connection = 7; connection < 9; connection++) {
		connect_phone(&other, SIP_TCP, connection);
		other.hop.inbound = false; /* no NAT stands between */
		assert_true(bytes_starts(come_to(p, &other, 1, 90), "SIP/2.0 200"));
	}
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 1);
}

/* Nothing waits for ever, nor asks. */
static void does_not_come_back(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	uint32_t asked;

	talks_over_tcp(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	for (unsigned i = 0; i < 35; i++)
		pair_wait(p, 1000);
	assert_int_equal(rig_counts(r).calls, 0);
	asked = r->save_count;
	for (unsigned i = 0; i < 5; i++)
		pair_wait(p, 1000);
	assert_int_equal(r->save_count, asked);
}

/* Whoever knew it before hears of it within a second. */
static void called_where_it_was(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct addr before;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)snprintf(phone.contact_params, sizeof(phone.contact_params),
		       ";+sip.instance=\"<urn:1>\"");
	(void)come_to(p, &phone, 0, 90);
	before = phone.addr;
	phone.addr = rig_addr("192.0.2.13:5060");
	(void)snprintf(phone.address, sizeof(phone.address), "192.0.2.13:5060");
	(void)come_to(p, &phone, 1, 90);
	pair_wait(p, 1000);
	call_from(p, 0, &caller);
	assert_int_equal(rig_count(p->nodes[0], &before, "INVITE "), 0);
	assert_int_equal(rig_count(p->nodes[0], &phone.addr, "INVITE "), 1);
}

/* It goes on at the other node when its time here is over, and nobody says that it left. */
static void runs_out_here(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	rig_wait_ms(p->nodes[1], 60000);
	(void)come_to(p, &phone, 1, 90);
	for (unsigned i = 0; i < 12; i++) {
		rig_wait_ms(p->nodes[0], 10000);
		serve(p, p->nodes[0]);
	}
	for (uint32_t i = 0; i < p->nodes[0]->event_count; i++)
		assert_int_not_equal(p->nodes[0]->events[i].kind, SIG_UNREGISTERED);
	assert_true(p->user.version > 0);
}

/* Nobody is refused because it is not known what the other node has. */
static void store_does_not_say(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	p->silent = true;
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	p->silent = false;
	pair_wait(p, 2500);
	pair_wait(p, 2500);
	assert_int_equal(rig_counts(p->nodes[1]).saves_pending, 0);
}

/* An entry of others is not kept. */
static void forgets_others(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	call_from(p, 1, &caller);
	assert_non_null(locations_find(p->nodes[1]->locations, 0, BYTES_LIT("1002")));
	pair_wait(p, 10100);
	assert_null(locations_find(p->nodes[1]->locations, 0, BYTES_LIT("1002")));
	assert_non_null(locations_find(p->nodes[0]->locations, 0, BYTES_LIT("1002")));
}

/* Away from the store: what is said meanwhile is answered at once. */
static void cut_off(struct pair *p, unsigned node)
{
	p->away = p->nodes[node];
	rig_degraded(p->nodes[node], true);
}

static void comes_back(struct pair *p, unsigned node)
{
	p->away = NULL;
	rig_degraded(p->nodes[node], false);
	for (unsigned i = 0; i < 4; i++)
		pair_wait(p, 1000);
}

/* Whom it does not know may be at the other node: the caller is to try there, and hears no more of it that he is nowhere. */
static void nobody_knows_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;
	struct bytes no;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	assert_true(bytes_starts(come_to(p, &phone, 0, 3600), "SIP/2.0 200"));
	pair_wait(p, 40000);
	cut_off(p, 1);
	call_from(p, 1, &caller);
	no = rig_take(p->nodes[1], &caller.addr, "SIP/2.0 503");
	assert_true(no.n);
	assert_true(rig_has(no, "Retry-After: "));
	assert_true(
		bytes_starts(rig_header(no, "Reason"), "SIP;cause=503;text=\"Redis does not say"));
	comes_back(p, 1);
	pair_wait(p, 40000); /* the first INVITE is over */
	call_from(p, 1, &caller);
	assert_true(rig_take(p->nodes[1], &phone.addr, "INVITE ").n);
}

static uint32_t stored_count(const struct pair *p)
{
	struct aor entry;
	uint32_t n;

	read_stored(p, &entry);
	n = entry.count;
	aor_clear(&entry);
	return n;
}

/* Who came to a node that had no store is there with whom came to the other one meanwhile. */
static void came_while_away(void **state)
{
	struct pair *p = *state;
	struct phone first, second, caller;
	uint64_t version;

	phone_make(&first, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&second, p->nodes[0], "192.0.2.13:5060", "other");
	cut_off(p, 0);
	assert_true(bytes_starts(come_to(p, &first, 0, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_true(bytes_starts(come_to(p, &second, 1, 90), "SIP/2.0 200"));
	assert_int_equal(stored_count(p), 1);
	version = p->user.version;
	comes_back(p, 0);
	assert_true(p->conflicts > 0);
	assert_int_equal(stored_count(p), 2);
	assert_true(p->user.version > version);
	pair_wait(p, 1100);
	call_from(p, 1, &caller); /* the other one reads what is new to it */
	assert_int_equal(rig_count(p->nodes[1], &first.addr, "INVITE "), 1);
	assert_int_equal(rig_count(p->nodes[1], &second.addr, "INVITE "), 1);
}

/* The later REGISTER of a phone counts, wherever the store was. */
static void moved_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone;
	struct aor entry;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)come_to(p, &phone, 0, 90);
	for (unsigned last = 0; last < 2; last++) {
		cut_off(p, 0);
		(void)come_to(p, &phone, !last, 90);
		pair_wait(p, 1000);
		(void)come_to(p, &phone, last, 90);
		comes_back(p, 0);
		read_stored(p, &entry);
		assert_int_equal(entry.count, 1);
		assert_true(bytes_is(text_bytes(&entry.bindings[0].node), last ? "n1" : "n0"));
		assert_int_equal(entry.bindings[0].cseq, phone.cseq);
		aor_clear(&entry);
	}
}

/* It left a node that had no store. */
static void left_while_away(void **state)
{
	struct pair *p = *state;
	struct phone phone, other;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&other, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &phone, 0, 90);
	cut_off(p, 0);
	(void)come_to(p, &phone, 0, 0);
	(void)come_to(p, &other, 1, 90);
	assert_int_equal(stored_count(p), 2);
	comes_back(p, 0);
	assert_int_equal(stored_count(p), 1);
	/* and it may come back elsewhere before anybody knows that it left */
	(void)come_to(p, &phone, 0, 90);
	cut_off(p, 0);
	(void)come_to(p, &phone, 0, 0);
	(void)come_to(p, &phone, 1, 90);
	comes_back(p, 0);
	assert_int_equal(stored_count(p), 2);
}

/* It left the other node, and this one had heard of it before, without a store. */
static void left_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone, other;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&other, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &other, 1, 3600);
	(void)come_to(p, &phone, 0, 3600);
	cut_off(p, 0);
	(void)come_to(p, &phone, 0, 3600);
	pair_wait(p, 1000);
	(void)come_to(p, &phone, 1, 0);
	comes_back(p, 0);
	assert_int_equal(stored_count(p), 1);
	/* and it came to this one after that */
	cut_off(p, 0);
	(void)come_to(p, &phone, 1, 3600);
	pair_wait(p, 1000);
	(void)come_to(p, &phone, 1, 0);
	pair_wait(p, 1000);
	(void)come_to(p, &phone, 0, 3600);
	comes_back(p, 0);
	assert_int_equal(stored_count(p), 2);
}

/* Where the phone is, by what the store has. */
static void assert_stored_at(const struct pair *p, const char *node, const struct phone *phone)
{
	struct aor entry;

	read_stored(p, &entry);
	assert_int_equal(entry.count, 1);
	assert_true(bytes_is(text_bytes(&entry.bindings[0].node), node));
	assert_int_equal(entry.bindings[0].cseq, phone->cseq);
	aor_clear(&entry);
}

/* The store has again what it had before the last REGISTER, which came to another node than the one before it. */
static void goes_back_behind_a_move(struct pair *p, struct phone *phone)
{
	struct stored before = { 0 };

	phone_make(phone, p->nodes[1], "192.0.2.12:5060", "run");
	(void)come_to(p, phone, 1, 3600);
	before.version = p->user.version;
	assert_int_equal(text_set(&before.record, text_bytes(&p->user.record)), 0);
	(void)come_to(p, phone, 0, 3600);
	assert_stored_at(p, "n0", phone);
	text_clear(&p->user.record);
	p->user = before;
}

static void store_goes_back(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	goes_back_behind_a_move(p, &phone);
	cut_off(p, 0);
	comes_back(p, 0);
	assert_stored_at(p, "n0", &phone);
}

/* Nobody has noticed that it was away, and somebody asks where the phone is. */
static void store_went_back(void **state)
{
	struct pair *p = *state;
	struct phone phone, caller;

	goes_back_behind_a_move(p, &phone);
	pair_wait(p, 1100);
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	assert_stored_at(p, "n0", &phone);
	assert_int_equal(
		locations_find(p->nodes[0]->locations, 0, BYTES_LIT("1002"))->bindings[0].cseq,
		phone.cseq);
}

/* Two phones of one user at two nodes, and each node tells a store that has lost all what it had. */
static void loses_all(struct pair *p, unsigned first_back)
{
	struct phone first, second;

	phone_make(&first, p->nodes[0], "192.0.2.12:5060", "run");
	phone_make(&second, p->nodes[0], "192.0.2.13:5060", "other");
	(void)come_to(p, &first, 0, 3600);
	pair_wait(p, 1000);
	(void)come_to(p, &second, 1, 3600);
	assert_int_equal(stored_count(p), 2);
	pair_wait(p, 1000);
	text_clear(&p->user.record);
	p->user.version = 0;
	for (unsigned i = 0; i < 2; i++)
		rig_degraded(p->nodes[i], true);
	comes_back(p, first_back);
	comes_back(p, !first_back);
	assert_int_equal(stored_count(p), 2);
}

static void store_loses_all(void **state)
{
	loses_all(*state, 0);
}

static void store_loses_all_of_two(void **state)
{
	loses_all(*state, 1);
}

#define TEST(f)       cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
#define EDGES_TEST(f) cmocka_unit_test_setup_teardown(f, edges_setup, pair_teardown)

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
		TEST(held_by_the_other),
		TEST(behind_nat_of_the_other),
		TEST(copy_of_who_has_proven),
		EDGES_TEST(neighbour_comes_back_at_the_other),
		EDGES_TEST(other_is_heard_again),
		EDGES_TEST(registered_at_anothers_address),
		EDGES_TEST(left_from_another_address),
		EDGES_TEST(comes_back_while_away),
		EDGES_TEST(way_to_the_other_breaks),
		EDGES_TEST(bye_is_lost_on_the_way),
		EDGES_TEST(rings_at_the_other),
		EDGES_TEST(comes_back_at_the_other),
		EDGES_TEST(comes_back_twice),
		EDGES_TEST(another_one_comes),
		EDGES_TEST(does_not_come_back),
		EDGES_TEST(listens_perhaps),
		EDGES_TEST(moves_behind_nat),
		EDGES_TEST(flow_is_gone),
		EDGES_TEST(refused_behind_nat),
		EDGES_TEST(comes_late_behind_nat),
		TEST(called_where_it_was),
		TEST(runs_out_here),
		TEST(is_no_more_while_away),
		TEST(nobody_knows_while_away),
		TEST(next_one_is_there),
		TEST(store_forgets),
		TEST(store_does_not_say),
		TEST(forgets_others),
		TEST(came_while_away),
		TEST(moved_while_away),
		TEST(left_while_away),
		TEST(left_the_other),
		TEST(store_goes_back),
		TEST(store_went_back),
		TEST(store_loses_all),
		TEST(store_loses_all_of_two),
		TEST(named_and_held_by_the_other),
		TEST(registers_as_its_tenant_goes),
		TEST(calls_as_its_tenant_goes),
		TEST(writes_as_its_tenant_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
