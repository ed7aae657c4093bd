/* SPDX-License-Identifier: Apache-2.0 */
/* The shared entry as bytes, bent field by field. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>

#include "sig/location/registrar.h"
#include "sig/sip/hop.h"

static uint8_t g_room[4096];

/* From the end to the beginning, as schema_writer does it. */
static struct schema_writer room_open(void)
{
	return (struct schema_writer){ .start = g_room, .at = g_room + sizeof(g_room) };
}

static struct bytes room_done(const struct schema_writer *w)
{
	assert_false(w->overflow);
	return bytes_mem(w->at, (size_t)(g_room + sizeof(g_room) - w->at));
}

/* A field that does not belong there, or not so. */
struct bent {
	const char *reason; /* NULL: it is taken */
	enum { IN_AOR, IN_BINDING, IN_HOP, FOR_HOP } in;
	uint32_t tag;
	uint64_t number; /* 0: it is octets, */
	size_t length;   /* of which there are so many */
};

static void put_bent(struct schema_writer *w, const struct bent *b)
{
	static char octets[1024] = "sip:";

	memset(octets + 4, 'a', sizeof(octets) - 4);
	if (b->number)
		schema_put_number(w, b->tag, b->number);
	else
		schema_put_octets(w, b->tag, bytes_mem(octets, b->length));
}

/* The least that a binding has, and what is bent in it. */
static void put_binding(struct schema_writer *w, const char *contact, const struct bent *b)
{
	const uint8_t *end = w->at, *hop_end;

	if (b->in == IN_BINDING)
		put_bent(w, b);
	hop_end = w->at;
	if (b->in == IN_HOP)
		put_bent(w, b);
	if (b->in != FOR_HOP) {
		schema_put_octets(w, 3, bytes_mem("\xc0\0\2\x09", 4));
		schema_put_around(w, 5, hop_end);
	}
	schema_put_octets(w, 1, bytes_str(contact));
	schema_put_around(w, 4, end);
}

static void set(struct text *t, const char *s)
{
	assert_int_equal(text_set(t, bytes_str(s)), 0);
}

static void entry_open(struct aor *a)
{
	static const struct binding first = {
		.cseq = 2147483647,
		.expires_utc_ms = UINT64_C(1790000000123),
		.hop = { .local = 3,
			 .remote = { .ip = { 192, 0, 2, 9 }, .port = 5070, .family = ADDR_V4 } },
		.nat = true,
		.location = 2,
		.q = 500,
	};
	static const struct binding second = {
		.hop = { .remote = { .ip = { 0xfe, 0x80, [15] = 1 },
				     .port = 65535,
				     .family = ADDR_V6,
				     .scope = 2 } },
		.bound = { .ip = { 0xfe, 0x80, [15] = 2 }, .port = 5060, .family = ADDR_V6 },
		.q = 1000,
		.reg_id = 7,
	};

	*a = (struct aor){ .version = UINT64_MAX, .born = UINT64_MAX - 1 };
	assert_int_equal(aor_reserve(a, 2), 0);
	a->bindings[a->count++] = first;
	a->bindings[a->count++] = second;
	set(&a->tenant, "default");
	set(&a->user, "1001");
	set(&a->bindings[0].contact, "sip:1001@192.0.2.9:5070;ob");
	set(&a->bindings[0].call_id, "c1");
	set(&a->bindings[0].user_agent, "phone \xff/1");
	set(&a->bindings[1].contact, "sip:b@c");
	set(&a->bindings[1].instance, "<urn:uuid:1>");
	a->bindings[1].hop.transport = SIP_TLS;
	a->bindings[1].hop.inbound = true;
	a->bindings[1].hop.connection = 99; /* of this process: not kept */
	assert_int_equal(binding_was(&a->bindings[1], &a->bindings[0].hop), 0);
}

static void assert_same_text(const struct text *a, const struct text *b)
{
	assert_true(bytes_eq(text_bytes(a), text_bytes(b)));
}

static void assert_same(const struct aor *a, const struct aor *b)
{
	assert_same_text(&a->tenant, &b->tenant);
	assert_same_text(&a->user, &b->user);
	assert_true(a->version == b->version && a->born == b->born);
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct binding *x = &a->bindings[i];
		const struct binding *y = &b->bindings[i];

		assert_same_text(&x->contact, &y->contact);
		assert_same_text(&x->call_id, &y->call_id);
		assert_same_text(&x->user_agent, &y->user_agent);
		assert_true(x->cseq == y->cseq && x->expires_utc_ms == y->expires_utc_ms);
		assert_true(x->nat == y->nat && x->q == y->q && x->reg_id == y->reg_id &&
			    x->location == y->location);
		assert_same_text(&x->instance, &y->instance);
		assert_int_equal(x->hop.transport, y->hop.transport);
		assert_int_equal(x->hop.inbound, y->hop.inbound);
		assert_true(y->hop.connection == 0);
		assert_int_equal(x->was != NULL, y->was != NULL);
		assert_true(!x->was || (addr_eq(&x->was->remote, &y->was->remote) &&
					x->was->inbound == y->was->inbound));
		assert_true(addr_eq(&x->bound, &y->bound));
		assert_int_equal(x->hop.local, y->hop.local);
		assert_true(addr_eq(&x->hop.remote, &y->hop.remote));
	}
}

static void test_round_trip(void **state)
{
	const char *reason = "";
	struct text record = { 0 };
	struct aor a;
	struct aor b;
	struct aor c;

	(void)state;
	entry_open(&a);
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	assert_int_equal(aor_decode(&b, text_bytes(&record), NULL, &reason), 0);
	assert_same(&a, &b);
	assert_int_equal(aor_copy(&c, &b), 0);
	aor_clear(&b);
	assert_same(&a, &c);
	aor_clear(&c);
	aor_clear(&a);
	assert_int_equal(a.count, 0);
	text_clear(&record);
}

/* A connection is known again by its own process, and has a name in others; who is in no cluster has none. */
static void test_connections(void **state)
{
	struct hop_edges own = { .self = 1 }, other = { .self = 2 },
			 *readers[] = { &own, &other, NULL };
	const uint64_t connection = UINT64_C(7) << 32 | 3;
	const char *reason = "";
	struct text record = { 0 };
	struct hop_edge edge;
	struct aor a, b;

	(void)state;
	entry_open(&a);
	for (uint32_t i = 0; i < 2; i++) {
		a.bindings[i].hop.transport = SIP_TCP;
		a.bindings[i].hop.connection = connection;
		a.bindings[i].hop.inbound = i == 0; /* the other one may listen as well */
	}
	assert_int_equal(aor_encode(&a, &own, &record), 0);
	for (size_t i = 0; i < COUNT_OF(readers); i++) {
		assert_int_equal(aor_decode(&b, text_bytes(&record), readers[i], &reason), 0);
		assert_true(b.bindings[1].hop.connection == b.bindings[0].hop.connection);
		assert_false(b.bindings[1].hop.inbound);
		assert_int_equal(hop_is_edge(b.bindings[0].hop.connection), i == 1);
		assert_int_equal(b.bindings[0].hop.connection != 0, i < 2);
		assert_int_equal(binding_is_lost(&b.bindings[0]), i == 2);
		if (i < 2) {
			assert_true(hop_edge_get(readers[i], b.bindings[0].hop.connection, &edge));
			assert_true(edge.process == 1 && edge.connection == connection);
		}
		aor_clear(&b);
	}
	aor_clear(&a);
	text_clear(&record);
}

/* Behind a NAT an address is as a connection to others, and what it was to its own process. */
static void test_flows(void **state)
{
	struct hop_edges own = { .self = 1 }, other = { .self = 2 },
			 *readers[] = { &own, &other, NULL };
	const char *reason = "";
	struct text record = { 0 };
	struct hop_edge edge;
	struct aor a, b;

	(void)state;
	entry_open(&a);
	for (uint32_t i = 0; i < 2; i++) {
		a.bindings[i].hop =
			(struct sip_hop){ .local = 3, .remote = a.bindings[i].hop.remote };
		a.bindings[i].nat = i == 0;
		text_clear(&a.bindings[i].path);
	}
	assert_int_equal(aor_encode(&a, &own, &record), 0);
	for (size_t i = 0; i < COUNT_OF(readers); i++) {
		assert_int_equal(aor_decode(&b, text_bytes(&record), readers[i], &reason), 0);
		assert_true(b.bindings[1].hop.connection == 0);
		assert_int_equal(hop_is_edge(b.bindings[0].hop.connection), i == 1);
		assert_int_equal(b.bindings[0].hop.connection != 0, i == 1);
		assert_false(b.bindings[0].hop.inbound);
		assert_false(binding_is_lost(&b.bindings[0]));
		aor_clear(&b);
	}
	/* whoever is told of it by another one tells it as it was */
	assert_int_equal(aor_decode(&b, text_bytes(&record), &other, &reason), 0);
	aor_clear(&a);
	text_clear(&record);
	assert_int_equal(aor_encode(&b, &other, &record), 0);
	assert_true(hop_edge_get(&other, b.bindings[0].hop.connection, &edge));
	assert_true(edge.process == 1 && edge.connection == hop_edge_flow(3));
	assert_int_equal(aor_decode(&a, text_bytes(&record), &own, &reason), 0);
	assert_true(a.bindings[0].hop.connection == 0);
	aor_clear(&a);
	aor_clear(&b);
	text_clear(&record);
}

static struct bytes record_later(bool both)
{
	const struct bent later = { .in = IN_BINDING, .tag = 901, .length = 2 };
	const struct bent other = { .in = IN_BINDING, .tag = 902, .length = 3 };
	struct schema_writer w = room_open();

	schema_put_number(&w, 900, 7);
	schema_put_number(&w, 8, AOR_FORMAT_DEFAULT);
	put_binding(&w, "sip:b@d", &later);
	if (both)
		put_binding(&w, "sip:a@d", &other);
	schema_put_octets(&w, 2, BYTES_LIT("1001"));
	schema_put_octets(&w, 1, BYTES_LIT("default"));
	return room_done(&w);
}

/* What a later program wrote stays with its binding, wherever that stands meanwhile. */
static void test_unknown_stays(void **state)
{
	const char *reason = "";
	struct text record = { 0 };
	struct aor a, copy;

	(void)state;
	assert_int_equal(aor_decode(&a, record_later(true), NULL, &reason), 0);
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	assert_true(bytes_eq(text_bytes(&record), record_later(true)));
	assert_int_equal(aor_copy(&copy, &a), 0);
	aor_remove(&copy, 0);
	assert_int_equal(aor_encode(&copy, NULL, &record), 0);
	assert_true(bytes_eq(text_bytes(&record), record_later(false)));
	aor_clear(&a);
	aor_clear(&copy);
	text_clear(&record);
}

/* One of a later format is not read at all. */
static void test_later_format(void **state)
{
	struct schema_writer w = room_open();
	const char *reason = "";
	struct aor a;

	(void)state;
	schema_put_number(&w, 8, AOR_FORMAT + 1);
	schema_put_octets(&w, 2, BYTES_LIT("1001"));
	schema_put_octets(&w, 1, BYTES_LIT("default"));
	assert_int_equal(aor_decode(&a, room_done(&w), NULL, &reason), -EPROTONOSUPPORT);
	assert_string_equal(reason, "of a later program");
}

/* The bytes of this version, written down: later ones must read them. */
static void test_golden(void **state)
{
	static const char hex[] = "0a0764656661756c74"     /* tenant */
				  "120431303031"           /* user */
				  "1807"                   /* version */
				  "221e0a077369703a614062" /* contact */
				  "120163"                 /* Call-ID */
				  "1801"                   /* CSeq */
				  "2005"                   /* expires */
				  "2a091a04c000020928c627" /* hop */
				  "40e807";                /* q */
	uint8_t raw[sizeof(hex) / 2];
	const char *reason = NULL;
	struct aor a;
	size_t n;

	(void)state;
	assert_int_equal(hex_decode(bytes_str(hex), raw, sizeof(raw), &n), 0);
	if (aor_decode(&a, bytes_mem(raw, n), NULL, &reason))
		fail_msg("%s", reason);
	assert_string_equal(text_str(&a.user), "1001");
	assert_int_equal(a.version, 7);
	assert_string_equal(text_str(&a.bindings[0].contact), "sip:a@b");
	assert_string_equal(text_str(&a.bindings[0].call_id), "c");
	assert_int_equal(a.bindings[0].cseq, 1);
	assert_int_equal(a.bindings[0].expires_utc_ms, 5);
	assert_int_equal(a.bindings[0].hop.remote.port, 5062);
	assert_int_equal(a.bindings[0].q, 1000);
	aor_clear(&a);
}

static void assert_read(const struct text *record, struct schema_writer *w, const char *want)
{
	struct aor out = { .version = 3 };
	const char *reason = "";
	int err;

	schema_put_mem(w, record->p, record->n);
	err = aor_decode(&out, room_done(w), NULL, &reason);
	if (want ? !reason || strcmp(reason, want) != 0 : reason != NULL)
		fail_msg("%s: %s", want ? want : "taken", reason ? reason : "taken");
	assert_int_equal(err, want ? -EBADMSG : 0);
	if (want)
		assert_int_equal(out.version, 3);
	else
		aor_clear(&out);
}

/* One more binding, or a field once more, of which the last one counts. */
static void test_refuses(void **state)
{
	static const struct bent rows[] = {
		{ "tenant", IN_AOR, 1 },
		{ "user", IN_AOR, 2 },
		{ "user", IN_AOR, 2, .length = AOR_NAME_MAX + 1 },
		{ NULL, IN_AOR, 2, .length = AOR_NAME_MAX },
		{ "writer", IN_AOR, 9, .length = AOR_NODE_MAX + 1 },
		{ "contact", IN_BINDING, 1, .length = 3 },
		{ "contact", IN_BINDING, 1, .length = BINDING_CONTACT_MAX + 1 },
		{ NULL, IN_BINDING, 1, .length = BINDING_CONTACT_MAX },
		{ "call_id", IN_BINDING, 2, .length = BINDING_CALL_ID_MAX + 1 },
		{ NULL, IN_BINDING, 2, .length = BINDING_CALL_ID_MAX },
		{ "user_agent", IN_BINDING, 7, .length = BINDING_AGENT_MAX + 1 },
		{ NULL, IN_BINDING, 7, .length = BINDING_AGENT_MAX },
		{ "q", IN_BINDING, 8, 1001 },
		{ NULL, IN_BINDING, 8, 1000 },
		{ "instance", IN_BINDING, 9, .length = BINDING_INSTANCE_MAX + 1 },
		{ NULL, IN_BINDING, 9, .length = BINDING_INSTANCE_MAX },
		{ "instance", IN_BINDING, 10, 1 }, /* a flow of nobody */
		{ "hop", IN_BINDING, 11 },
		{ "path", IN_BINDING, 12, .length = 3 },
		{ "node", IN_BINDING, 13, .length = AOR_NODE_MAX + 1 },
		{ NULL, IN_BINDING, 13, .length = AOR_NODE_MAX },
		{ "location", IN_BINDING, 15, 65536 },
		{ NULL, IN_BINDING, 15, 65535 },
		{ "hop", FOR_HOP },
		{ "hop", IN_HOP, 1, SIP_TRANSPORTS },
		{ NULL, IN_HOP, 1, SIP_TRANSPORTS - 1 },
		{ "hop", IN_HOP, 2, 65536 },
		{ "hop", IN_HOP, 3, .length = 5 },
		{ NULL, IN_HOP, 3, .length = 16 },
		{ "hop", IN_HOP, 5, 65536 },
		{ "hop", IN_HOP, 7, .length = 4 },
	}, *row;
	struct text record = { 0 };
	struct aor a;

	(void)state;
	entry_open(&a);
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	EACH_ROW(row, rows)
	{
		struct schema_writer w = room_open();

		if (row->in == IN_AOR)
			put_bent(&w, row);
		else
			put_binding(&w, "sip:c@d", row);
		assert_read(&record, &w, row->reason);
	}
	aor_clear(&a);
	text_clear(&record);
}

static void test_bindings(void **state)
{
	const struct bent none = { 0 };
	struct text record = { 0 };
	struct schema_writer w;
	struct aor a;

	(void)state;
	entry_open(&a);
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	for (uint32_t n = BINDINGS_MAX - a.count; n <= BINDINGS_MAX - a.count + 1; n++) {
		w = room_open();
		for (uint32_t i = 0; i < n; i++)
			put_binding(&w, (char[]){ 's', 'i', 'p', ':', (char)('a' + i), '\0' },
				    &none);
		assert_read(&record, &w, n + a.count > BINDINGS_MAX ? "bindings" : NULL);
	}
	w = room_open();
	put_binding(&w, "sip:c@d", &none);
	put_binding(&w, "sip:c@d", &none);
	assert_read(&record, &w, "two of one name");
	aor_clear(&a);
	text_clear(&record);
}

/* Contact and Call-ID are what a phone says: two that have each other's are two all the same. */
static void test_crossed(void **state)
{
	struct text record = { 0 };
	const char *reason = "";
	struct aor a;
	struct aor b;

	(void)state;
	entry_open(&a);
	set(&a.bindings[1].contact, "sip:c@d");
	set(&a.bindings[0].call_id, "sip:c@d");
	set(&a.bindings[1].call_id, text_str(&a.bindings[0].contact));
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	assert_int_equal(aor_decode(&b, text_bytes(&record), NULL, &reason), 0);
	assert_same(&a, &b);
	aor_clear(&a);
	aor_clear(&b);
	text_clear(&record);
}

/* No cut record reads, unless the cut falls between two fields. */
static void test_cut_records(void **state)
{
	struct text record = { 0 };
	unsigned refused = 0;
	struct aor a;

	(void)state;
	entry_open(&a);
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	for (uint32_t n = 0; n < record.n; n++) {
		const char *reason;
		struct aor b;

		if (aor_decode(&b, bytes_sub(text_bytes(&record), 0, n), NULL, &reason)) {
			refused++;
		} else {
			aor_clear(&b);
		}
	}
	assert_true(refused >= record.n - 5);
	text_clear(&record);
	aor_clear(&a);
}

/* A later version's field is no reason to lose a phone. */
static void test_unknown_field(void **state)
{
	struct text record = { 0 };
	const char *reason = NULL;
	uint8_t longer[1024];
	struct aor a;
	struct aor b;

	(void)state;
	entry_open(&a);
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	memcpy(longer, record.p, record.n);
	memcpy(longer + record.n, "\xfa\x01\x02hi", 5); /* field 31 */
	assert_int_equal(aor_decode(&b, bytes_mem(longer, record.n + 5), NULL, &reason), 0);
	assert_same(&a, &b);
	aor_clear(&a);
	aor_clear(&b);
	text_clear(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),         cmocka_unit_test(test_connections),
		cmocka_unit_test(test_crossed),       cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_golden),        cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_bindings),      cmocka_unit_test(test_cut_records),
		cmocka_unit_test(test_unknown_field), cmocka_unit_test(test_unknown_stays),
		cmocka_unit_test(test_later_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
