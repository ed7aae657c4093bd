/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3327: what a Path is, who is believed, and that requests go by it. */
#include <errno.h>

#include "sig/location/route.h"
#include "tests/unit/sig/wired.h"

#define EDGE "<sip:edge.test;lr;ob>"

static void read_one(const char *lines, int want, const char *text, bool flow)
{
	uint8_t space[PATH_TEXT_MAX + 1];
	struct writer w = writer_over(space, sizeof(space));
	struct message_error error;
	struct sip_message m;
	char request[4096];
	bool have = false;

	(void)snprintf(request, sizeof(request),
		       "REGISTER sip:test.local SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom: <sip:1@x>;tag=f\r\n"
		       "To: <sip:1@x>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n%s\r\n",
		       lines);
	assert_int_equal(message_parse(&m, bytes_str(request), &error), 0);
	ROW_ASSERT(lines, path_read(&m, &w, &have) == want);
	ROW_ASSERT(lines, want || (bytes_is(writer_done(&w), text) && have == flow));
	ROW_ASSERT(lines, want || !w.n || path_is_route(writer_done(&w)));
	message_close(&m);
}

static void reads(void **state)
{
	char lines[2048] = "";

	(void)state;
	read_one("", 0, "", false);
	read_one("Path: <sip:p1;lr>\r\n", 0, "<sip:p1;lr>", false);
	read_one("Path: <sip:p2;lr>,<sips:p1:5061;lr;ob>;x=y\r\n", 0,
		 "<sip:p2;lr>, <sips:p1:5061;lr;ob>", true);
	read_one("Path: \"P\" <sip:t%2c@p2;ob;lr>\r\nPath: <sip:p1;lr>\r\n", 0,
		 "<sip:t%2c@p2;ob;lr>, <sip:p1;lr>", true);
	read_one("Path: <sip:p3;lr>, <sip:p2;lr;ob>, <sip:p1;lr>\r\n", 0,
		 "<sip:p3;lr>, <sip:p2;lr;ob>, <sip:p1;lr>", false);
	read_one("Path: nothing\r\n", -EBADMSG, "", false);
	read_one("Path: <tel:+49>\r\n", -EBADMSG, "", false);
	for (unsigned i = 0; i < PATH_HOPS_MAX; i++)
		(void)snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			       "Path: <sip:p;lr>\r\n");
	read_one(lines, 0,
		 "<sip:p;lr>, <sip:p;lr>, <sip:p;lr>, <sip:p;lr>, <sip:p;lr>, <sip:p;lr>, "
		 "<sip:p;lr>, <sip:p;lr>",
		 false);
	(void)snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
		       "Path: <sip:p;lr>\r\n");
	read_one(lines, -EMSGSIZE, "", false);
	(void)snprintf(lines, sizeof(lines), "Path: <sip:%01020d@p;lr>\r\n", 7);
	read_one(lines, -EMSGSIZE, "", false);
}

static void records(void **state)
{
	(void)state;
	assert_false(path_is_route(BYTES_LIT("")));
	assert_false(path_is_route(BYTES_LIT("sip")));
	assert_false(path_is_route(BYTES_LIT("<tel:1>")));
	assert_false(
		path_is_route(BYTES_LIT("<sip:a;lr>,<sip:a;lr>,<sip:a;lr>,<sip:a;lr>,<sip:a;lr>,"
					"<sip:a;lr>,<sip:a;lr>,<sip:a;lr>,<sip:a;lr>")));
	assert_true(path_is_route(BYTES_LIT("<sip:a;lr>, <sips:b;lr>")));
}

/* B is behind a proxy at 192.0.2.12. */
static struct bytes register_by_proxy(struct line *l, const char *lines)
{
	l->b.hop = (struct sip_hop){ 0 };
	l->b.addr = rig_addr("192.0.2.12:5060");
	return log_in(&l->b, lines);
}

static void is_the_route(void **state)
{
	struct line *l = *state;
	const char *lines = "Supported: path, outbound\r\nVia: SIP/2.0/UDP 10.0.0.5\r\n"
			    "Path: <sip:192.0.2.77:5070;lr>, " EDGE "\r\n";
	struct bytes ok, invite;

	(void)snprintf(l->b.contact_params, sizeof(l->b.contact_params),
		       ";reg-id=1;+sip.instance=\"<urn:1>\"");
	ok = register_by_proxy(l, lines);
	assert_true(bytes_is(rig_header(ok, "Path"), "<sip:192.0.2.77:5070;lr>, " EDGE));
	assert_true(bytes_is(rig_header(ok, "Require"), "outbound"));
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	invite = text_bytes(&last(l->r, "INVITE ")->data);
	assert_true(bytes_starts(invite, "INVITE sip:1002@10.0.0.5:5060 SIP/2.0\r\n"));
	assert_true(bytes_is(rig_header(invite, "Route"), "<sip:192.0.2.77:5070;lr>, " EDGE));
	assert_int_equal(last(l->r, "INVITE ")->hop.remote.port, 5070);
	assert_int_equal(last(l->r, "INVITE ")->hop.remote.ip[3], 77);
	/* the INVITE's own route ends with its dialog's */
	l->b.addr = last(l->r, "INVITE ")->hop.remote;
	l->b.invite = invite;
	phone_answer_as(&l->b, invite, "t2", "200 OK", "Record-Route: <sip:192.0.2.77:5070;lr>\r\n",
			PHONE_SDP_B);
	assert_true(bytes_is(rig_header(text_bytes(&last(l->r, "ACK ")->data), "Route"),
			     "<sip:192.0.2.77:5070;lr>"));
}

/* A successor has it from the record. */
static void is_in_the_record(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };
	const char *reason = "";

	(void)register_by_proxy(l, "Path: " EDGE "\r\n");
	assert_int_equal(
		aor_encode(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002")), NULL,
			   &record),
		0);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	assert_int_equal(
		locations_restore(l->r->locations, text_bytes(&record), l->r->now, &reason), 0);
	text_clear(&record);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(bytes_is(rig_header(text_bytes(&last(l->r, "INVITE ")->data), "Route"), EDGE));
	assert_int_equal(last(l->r, "INVITE ")->hop.remote.ip[3], 12);
}

/* Whoever is not trusted says nothing of where we send to. */
static void of_strangers(void **state)
{
	struct line *l = *state;
	struct bytes ok;

	l->r->settings.trusted_count = 0;
	shard_configure(l->r->shard, &l->r->settings);
	ok = register_by_proxy(l, "Supported: path\r\nPath: " EDGE "\r\n");
	assert_true(bytes_starts(ok, "SIP/2.0 200"));
	assert_int_equal(rig_header(ok, "Path").n, 0);
	assert_int_equal(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"))
				 ->bindings[0]
				 .path.n,
			 0);
	phone_register_with(&l->b, "Require: path\r\n", 90);
	assert_true(bytes_is(
		rig_header(text_bytes(&last(l->r, "SIP/2.0 420")->data), "Unsupported"), "path"));
}

/* RFC 3327 5.3: a phone that does not know of it is served, and not told. */
static void not_told(void **state)
{
	struct line *l = *state;
	struct bytes ok = register_by_proxy(l, "Require: path\r\nPath: " EDGE "\r\n");

	assert_true(bytes_starts(ok, "SIP/2.0 200"));
	assert_int_equal(rig_header(ok, "Path").n, 0);
	assert_true(bytes_is(
		text_bytes(&locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"))
				    ->bindings[0]
				    .path),
		EDGE));
	assert_true(bytes_starts(register_by_proxy(l, "Path: <tel:1>\r\n"), "SIP/2.0 400"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads), cmocka_unit_test(records), TEST(is_the_route),
		TEST(is_in_the_record),  TEST(of_strangers),        TEST(not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
