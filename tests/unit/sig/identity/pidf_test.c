/* SPDX-License-Identifier: Apache-2.0 */
/* A location that comes with an INVITE, and goes out with one (RFC 6442 4.1, RFC 4119). */
#include "sig/identity/pidf.h"

#include "sig/sip/body.h"
#include "tests/unit/test.h"

#define XML "<?xml version=\"1.0\"?>\r\n<presence/>"
#define ID  "Content-ID: <a@x>\r\n"
#define BODY(head, xml)                                                                  \
	"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\n" head "\r\n" xml \
	"\r\n--b--\r\n"
#define PIDF "Content-Type: application/pidf+xml;charset=utf-8\r\n"
#define CID  "Geolocation: <cid:a@x>\r\n"

static struct bytes of(const char *headers, const char *body, char kept[PIDF_MAX])
{
	static char text[65536];
	struct message_error error;
	struct sip_message m;
	struct bytes pidf;
	int n = snprintf(text, sizeof(text),
			 "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"
			 "From: <sip:1001@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: c\r\n"
			 "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
			 "Content-Type: multipart/mixed;boundary=b\r\n%s\r\n%s",
			 headers, body);

	assert_int_equal(message_parse(&m, bytes_mem(text, (size_t)n), &error), 0);
	pidf = pidf_of(&m);
	if (pidf.n)
		memcpy(kept, pidf.p, pidf.n);
	message_close(&m);
	return bytes_mem(kept, pidf.n);
}

static void taken(void **state)
{
	static const struct {
		const char *name, *headers, *body, *want;
	} rows[] = {
		{ "as RFC 6442 has it", CID, BODY(PIDF ID, XML), XML },
		{ "escaped, with parameters", "Geolocation: <cid:a%40x>;inserted-by=x\r\n",
		  BODY(PIDF ID, XML), XML },
		{ "behind one by reference", "Geolocation: <https://l.x/1>, <cid:a@x>\r\n",
		  BODY(PIDF ID, XML), XML },
		{ "in another line", "Geolocation: <cid:b@x>\r\n" CID, BODY(PIDF ID, XML), XML },
		{ "nobody names it", "", BODY(PIDF ID, XML), "" },
		{ "another part is named", "Geolocation: <cid:b@x>\r\n", BODY(PIDF ID, XML), "" },
		{ "the part has no name", CID, BODY(PIDF, XML), "" },
		{ "no location", CID, BODY("Content-Type: text/xml\r\n" ID, XML), "" },
		{ "coded", CID, BODY(PIDF ID "Content-Encoding: gzip\r\n", XML), "" },
		{ "the whole is coded", CID "Content-Encoding: gzip\r\n", BODY(PIDF ID, XML), "" },
		{ "no document", CID, BODY(PIDF ID, "presence"), "" },
		{ "not text", CID, BODY(PIDF ID, "<presence\x01/>"), "" },
		{ "our own boundary", CID, BODY(PIDF ID, "<p>" PIDF_BOUNDARY "</p>"), "" },
		{ "empty", CID, BODY(PIDF ID, ""), "" },
		{ "without an end", CID, "--b\r\n" PIDF ID "\r\n" XML, "" },
	};
	char kept[PIDF_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes got = of(rows[i].headers, rows[i].body, kept);

		if (!bytes_is(got, rows[i].want))
			fail_msg("%s: " BYTES_FMT, rows[i].name, BYTES_ARG(got));
	}
}

static void bounded(void **state)
{
	static char xml[PIDF_MAX + 2];

	(void)state;
	memset(xml, 'x', sizeof(xml) - 1);
	xml[0] = '<';
	xml[PIDF_MAX - 1] = '>';
	assert_true(pidf_is_valid(bytes_mem(xml, PIDF_MAX)));
	xml[PIDF_MAX - 1] = 'x';
	xml[PIDF_MAX] = '>';
	assert_false(pidf_is_valid(bytes_mem(xml, PIDF_MAX + 1)));
}

/* What we write has the session where others look for it, and the location. */
static void written(void **state)
{
	uint8_t head[256], space[1024];
	struct writer h = writer_over(head, sizeof(head)), w = writer_over(space, sizeof(space));
	struct body_part whole = { .type = BYTES_LIT(PIDF_MIXED) }, part;
	struct bytes sdp;

	(void)state;
	pidf_write_header(&h, BYTES_LIT("7"));
	assert_true(bytes_is(writer_done(&h), "Geolocation: <cid:7@tandem.invalid>\r\n"));
	pidf_write_body(&w, BYTES_LIT("7"), BYTES_LIT("v=0\r\n"), BYTES_LIT(XML));
	whole.octets = writer_done(&w);
	assert_int_equal(body_session(&whole, &sdp), 0);
	assert_true(bytes_is(sdp, "v=0\r\n"));
	assert_true(body_part_find(&whole, BYTES_LIT("7@tandem.invalid"), &part));
	assert_true(body_part_is(&part, PIDF_TYPE) && bytes_is(part.octets, XML));
	w.n = 0; /* an INVITE without an offer */
	pidf_write_body(&w, BYTES_LIT("7"), (struct bytes){ 0 }, BYTES_LIT(XML));
	whole.octets = writer_done(&w);
	assert_int_equal(body_session(&whole, &sdp), 0);
	assert_int_equal(sdp.n, 0);
	assert_true(body_part_find(&whole, BYTES_LIT("7@tandem.invalid"), &part));
}

/* In the order of the schema, and nothing in it ends an element. */
static void of_an_address(void **state)
{
	struct civic civic = { 0 };
	uint8_t space[PIDF_MAX];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	(void)snprintf(civic.field[CIVIC_COUNTRY], CIVIC_MAX, "DE");
	(void)snprintf(civic.field[CIVIC_RD], CIVIC_MAX, "A & B </ca:RD>");
	(void)snprintf(civic.field[CIVIC_HNO], CIVIC_MAX, "7");
	(void)snprintf(civic.field[CIVIC_A3], CIVIC_MAX, "M\xc3\xbcnchen");
	civic_write_pidf(&w, &civic, BYTES_LIT("*1\""), BYTES_LIT("192.0.2.1:5060"));
	assert_true(pidf_is_valid(writer_done(&w)));
	assert_non_null(memmem(space, w.n, "entity=\"pres:anonymous@192.0.2.1:5060\"", 38));
	writer_u8(&w, 0);
	assert_non_null(strstr((char *)space,
			       "<ca:civicAddress>\r\n<ca:country>DE</ca:country>\r\n"
			       "<ca:A3>M\xc3\xbcnchen</ca:A3>\r\n"
			       "<ca:RD>A &amp; B &lt;/ca:RD&gt;</ca:RD>\r\n<ca:HNO>7</ca:HNO>\r\n"
			       "</ca:civicAddress>"));
}

/* The sequence of RFC 5139 5: a receiver that checks the schema refuses any other order. */
static void in_the_order_of_the_schema(void **state)
{
	static const char *const sequence[] = {
		"country", "A1",   "A2",   "A3",  "A4",  "A5",    "A6",      "PRM",
		"PRD",     "RD",   "STS",  "POD", "POM", "RDSEC", "RDBR",    "RDSUBBR",
		"HNO",     "HNS",  "LMK",  "LOC", "FLR", "NAM",   "PC",      "BLD",
		"UNIT",    "ROOM", "SEAT", "PLC", "PCN", "POBOX", "ADDCODE",
	};
	struct civic civic = { 0 };
	char space[PIDF_MAX + 1], element[16];
	struct writer w = writer_over(space, PIDF_MAX);
	const char *last = space;
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < CIVIC_COUNT; i++)
		(void)snprintf(civic.field[i], CIVIC_MAX, "x");
	civic_write_pidf(&w, &civic, BYTES_LIT("1"), BYTES_LIT("x.test"));
	assert_false(w.overflow);
	space[w.n] = '\0';
	for (size_t i = 0; i < COUNT_OF(sequence); i++) {
		const char *at;

		(void)snprintf(element, sizeof(element), "<ca:%s>", sequence[i]);
		at = strstr(space, element);
		if (!at)
			continue;
		ROW_ASSERT(sequence[i], at > last);
		last = at;
		found++;
	}
	assert_int_equal(found, CIVIC_COUNT);
	/* RFC 4119 2.2.1: where it is, what may be done with it, how it was found */
	last = strstr(space, "<gp:location-info>");
	assert_true(last && strstr(last, "<gp:usage-rules>"));
	assert_non_null(strstr(strstr(last, "<gp:usage-rules>"), "<gp:method>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(bounded),
		cmocka_unit_test(written),
		cmocka_unit_test(of_an_address),
		cmocka_unit_test(in_the_order_of_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
