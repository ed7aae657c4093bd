/* SPDX-License-Identifier: Apache-2.0 */
/* Includes the source, to bend a record in the shape it is packed from. */
#include "tests/unit/test.h"

#include "sig/location/registrar_record.c" /* NOLINT(bugprone-suspicious-include) */

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

/* What a later program wrote stays with its binding, wherever that stands meanwhile. */
static void test_unknown_stays(void **state)
{
	static uint8_t texts[2][2] = { { 1, 'a' }, { 1, 'b' } };
	ProtobufCMessageUnknownField later[2];
	const char *reason = "";
	struct text record = { 0 };
	uint8_t packed[1024];
	struct aor a, copy;
	pb_aor *p;
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		later[i] = (ProtobufCMessageUnknownField){ 900 + i,
							   PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
							   sizeof(texts[i]), texts[i] };
	entry_open(&a);
	assert_int_equal(aor_encode(&a, NULL, &record), 0);
	aor_clear(&a);
	p = tandem__sig__aor__unpack(NULL, record.n, (const uint8_t *)record.p);
	p->base.n_unknown_fields = p->bindings[1]->base.n_unknown_fields = 1;
	p->base.unknown_fields = &later[0];
	p->bindings[1]->base.unknown_fields = &later[1];
	n = tandem__sig__aor__pack(p, packed);
	p->base.n_unknown_fields = p->bindings[1]->base.n_unknown_fields = 0;
	p->base.unknown_fields = p->bindings[1]->base.unknown_fields = NULL;
	tandem__sig__aor__free_unpacked(p, NULL);
	assert_int_equal(aor_decode(&a, bytes_mem(packed, n), NULL, &reason), 0);
	assert_int_equal(aor_copy(&copy, &a), 0);
	aor_remove(&copy, 0);
	assert_int_equal(aor_encode(&copy, NULL, &record), 0);
	p = tandem__sig__aor__unpack(NULL, record.n, (const uint8_t *)record.p);
	assert_int_equal(p->format, 1);
	assert_int_equal(p->base.n_unknown_fields, 1);
	assert_int_equal(p->base.unknown_fields[0].tag, 900);
	assert_int_equal(p->bindings[0]->base.n_unknown_fields, 1);
	assert_int_equal(p->bindings[0]->base.unknown_fields[0].data[1], 'b');
	/* and one of a later format is not read at all */
	p->format = AOR_FORMAT + 1;
	n = tandem__sig__aor__pack(p, packed);
	tandem__sig__aor__free_unpacked(p, NULL);
	aor_clear(&a);
	assert_int_equal(aor_decode(&a, bytes_mem(packed, n), NULL, &reason), -EPROTONOSUPPORT);
	assert_string_equal(reason, "of a later program");
	aor_clear(&copy);
	text_clear(&record);
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

static void bend_tenant(struct borrowed *b)
{
	static char nothing[1];

	b->aor.tenant = nothing;
}

static void bend_user(struct borrowed *b)
{
	b->aor.user.len = 0;
}

static void bend_user_long(struct borrowed *b)
{
	static uint8_t name[AOR_NAME_MAX + 1];

	b->aor.user = (ProtobufCBinaryData){ .len = sizeof(name), .data = name };
}

static void bend_contact(struct borrowed *b)
{
	b->bindings[1].contact.len = 3;
}

static void bend_contact_long(struct borrowed *b)
{
	static uint8_t uri[BINDING_CONTACT_MAX + 1];

	memset(uri, 'a', sizeof(uri));
	memcpy(uri, "sip:", 4);
	b->bindings[0].contact = (ProtobufCBinaryData){ .len = sizeof(uri), .data = uri };
}

static void bend_call_id(struct borrowed *b)
{
	static uint8_t id[BINDING_CALL_ID_MAX + 1];

	b->bindings[0].call_id = (ProtobufCBinaryData){ .len = sizeof(id), .data = id };
}

static void bend_agent(struct borrowed *b)
{
	static uint8_t agent[BINDING_AGENT_MAX + 1];

	b->bindings[0].user_agent = (ProtobufCBinaryData){ .len = sizeof(agent), .data = agent };
}

static void bend_location(struct borrowed *b)
{
	b->bindings[0].location = 65536;
}

static void bend_q(struct borrowed *b)
{
	b->bindings[0].q = 1001;
}

static void bend_no_hop(struct borrowed *b)
{
	b->bindings[0].hop = NULL;
}

static void bend_transport(struct borrowed *b)
{
	b->hops[0].transport = SIP_TRANSPORTS;
}

static void bend_ip(struct borrowed *b)
{
	b->hops[0].ip.len = 5;
}

static void bend_port(struct borrowed *b)
{
	b->hops[0].port = 65536;
}

static void bend_local(struct borrowed *b)
{
	b->hops[0].local = 65536;
}

static void bend_bound(struct borrowed *b)
{
	static char name[] = "here";

	b->hops[0].bound = name;
}

static void bend_count(struct borrowed *b)
{
	static pb_binding *list[BINDINGS_MAX + 1];

	for (size_t i = 0; i < COUNT_OF(list); i++)
		list[i] = &b->bindings[0];
	b->aor.bindings = list;
	b->aor.n_bindings = COUNT_OF(list);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *reason;
		void (*bend)(struct borrowed *b);
	} rows[] = {
		{ "tenant", bend_tenant },	{ "user", bend_user },
		{ "user", bend_user_long },	{ "contact", bend_contact },
		{ "contact", bend_contact_long }, { "call_id", bend_call_id },
		{ "user_agent", bend_agent },	{ "q", bend_q },
		{ "location", bend_location },
		{ "hop_missing", bend_no_hop }, { "hop_transport", bend_transport },
		{ "hop_address", bend_ip },	{ "hop_address", bend_port },
		{ "hop_address", bend_local },	{ "hop_bound", bend_bound },
		{ "too_many_bindings", bend_count },
	}, *row;
	struct aor a;

	(void)state;
	entry_open(&a);
	EACH_ROW(row, rows)
	{
		static uint8_t packed[65536];
		const char *reason = NULL;
		struct aor out = { .version = 3 };
		struct borrowed b;
		size_t n;

		borrow_aor(&b, &a, NULL);
		row->bend(&b);
		n = tandem__sig__aor__pack(&b.aor, packed);
		ROW_ASSERT(row->reason, n < sizeof(packed));
		ROW_ASSERT(row->reason,
			   aor_decode(&out, bytes_mem(packed, n), NULL, &reason) == -EBADMSG);
		if (strcmp(reason, row->reason) != 0)
			fail_msg("%s: %s", row->reason, reason);
		ROW_ASSERT(row->reason, out.version == 3);
	}
	aor_clear(&a);
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
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_golden),
		cmocka_unit_test(test_refuses),       cmocka_unit_test(test_cut_records),
		cmocka_unit_test(test_unknown_field), cmocka_unit_test(test_unknown_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
