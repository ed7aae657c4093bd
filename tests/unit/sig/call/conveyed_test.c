/* SPDX-License-Identifier: Apache-2.0 */
/* Where a caller is, as its INVITE says it in a part of its body (RFC 6442): to peers, not to phones, and over a kill. */
#include "sig/identity/pidf.h"
#include "sig/sip/body.h"
#include "tests/unit/sig/gate.h"
#include "tests/unit/sig/sides.h"

#define XML "<?xml version=\"1.0\"?>\r\n<presence/>"
#define LOCATED                                                                \
	"Geolocation: <cid:a@x>\r\nGeolocation-Routing: yes\r\nContent-Type: " \
	"multipart/mixed;boundary=b\r\n"
#define BODY                                                                     \
	"--b\r\nContent-Type: application/sdp\r\n\r\n" PHONE_SDP_A "\r\n--b\r\n" \
	"Content-ID: <a@x>\r\nContent-Type: application/pidf+xml\r\n\r\n" XML "\r\n--b--\r\n"

/* What the INVITE has of it, and its session. */
static void assert_located(struct bytes invite, bool has)
{
	struct message_error error;
	struct body_part whole;
	struct sip_message m;
	struct bytes sdp;

	assert_int_equal(message_parse(&m, invite, &error), 0);
	whole = (struct body_part){ .type = m.content_type, .octets = m.body };
	assert_int_equal(body_session(&whole, &sdp), 0);
	assert_true(bytes_starts(sdp, "v=0\r\n"));
	assert_true(bytes_is(pidf_of(&m), has ? XML : ""));
	if (!has)
		assert_true(bytes_is(m.content_type, "application/sdp"));
	message_close(&m);
}

static void to_a_peer(void **state)
{
	struct sides *t = *state;
	struct bytes m;

	call_with(&t->a, "1003", NULL, LOCATED, BODY);
	m = rung(&t->far);
	assert_located(m, true);
	assert_header(m, "Geolocation", "<cid:");
	assert_header(m, "Geolocation-Routing", "yes");
	assert_false(rig_has(m, "a@x")); /* no name of the inside */
	phone_answer(&t->far, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->a, "SIP/2.0 200").n);
	phone_ack(&t->a);
	phone_request(&t->a, "INVITE", "", PHONE_SDP_A); /* it is said once */
	assert_located(rig_take(t->r, &t->far.addr, "INVITE "), false);
}

static void not_to_a_phone(void **state)
{
	struct sides *t = *state;

	call_with(&t->a, "1002", NULL, LOCATED, BODY);
	assert_located(rung(&t->b), false);
}

/* What it does not name, or what is none, is no reason to refuse the call. */
static void without(void **state)
{
	struct sides *t = *state;

	call_with(&t->a, "1003", NULL, "Content-Type: multipart/mixed;boundary=b\r\n", BODY);
	assert_located(rung(&t->far), false);
}

/* A killed node does not forget where the caller is. */
static void after_a_kill(void **state)
{
	struct sides *t = *state;
	struct shard_forward f = { .busy = "1003" };
	const char *reason = "";
	struct bytes record;

	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	call_with(&t->a, "1002", NULL, LOCATED, BODY);
	phone_answer(&t->b, rung(&t->b), "180 Ringing", "");
	record = text_bytes(&rig_stored(t->r)->record);
	shard_close(t->r->shard);
	rig_start_shard(t->r);
	phone_bind(&t->b);
	phone_bind(&t->far);
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	if (shard_restore_call(t->r->shard, record, t->r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(t->r->shard, t->r->now);
	rig_run(t->r);
	phone_answer(&t->b, t->b.invite, "486 Busy Here", "");
	assert_located(rung(&t->far), true);
}

/* Of a trunk as its document says it; the phones of this line come by a trusted proxy. */
static void of_a_trunk(void **state)
{
	static const enum identity_way ways[] = { IDENTITY_BOTH, IDENTITY_IN, IDENTITY_OUT,
						  IDENTITY_OFF };
	struct gate *g = *state;

	gate_did(g, "+49301", "1002");
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct trunk_settings set = gate_trunk("carrier", "198.51.100.1");

		set.identity.ways[CARRIED_GEOLOCATION] = (uint8_t)ways[i];
		gate_put(g, &set);
		phone_begin(&g->carriers[0], "+49301");
		phone_request(&g->carriers[0], "INVITE", LOCATED, BODY);
		assert_located(rung(&g->l.b), i < 2);
		phone_answer(&g->l.b, g->l.b.invite, "486 Busy Here", "");
		phone_write(&g->carriers[0], "ACK", "", "");
	}
}

static void to_a_trunk(void **state)
{
	static const enum identity_way ways[] = { IDENTITY_BOTH, IDENTITY_OUT, IDENTITY_IN,
						  IDENTITY_OFF };
	struct gate *g = *state;

	gate_route(g, "0x.", "carrier");
	gate_may_call(g);
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct trunk_settings set = gate_trunk("carrier", "198.51.100.1");

		set.identity.ways[CARRIED_GEOLOCATION] = (uint8_t)ways[i];
		gate_put(g, &set);
		phone_begin(&g->l.a, "0301");
		phone_request(&g->l.a, "INVITE", LOCATED, BODY);
		assert_located(rung(&g->carriers[0]), i < 2);
		phone_answer(&g->carriers[0], g->carriers[0].invite, "486 Busy Here", "");
		phone_write(&g->l.a, "ACK", "", "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIDES_TEST(to_a_peer),    SIDES_TEST(not_to_a_phone), SIDES_TEST(without),
		SIDES_TEST(after_a_kill), GATE_TEST(of_a_trunk),      GATE_TEST(to_a_trunk),
	};

	return cmocka_run_group_tests_name("conveyed", tests, NULL, NULL);
}
