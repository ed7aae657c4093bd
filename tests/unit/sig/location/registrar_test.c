/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTERs one after another onto one entry; after each, the answer and the whole entry as text. */
#include "tests/unit/test.h"

#include "sig/host/settings.h"
#include "sig/location/registrar.h"

enum { STEPS_MAX = 8, TEXT_MAX = 4096 };

static const uint64_t START = UINT64_C(1790000000000);

static const struct registrar_settings SETTINGS = {
	.expires_s = 90,
	.expires_min_s = 30,
	.expires_max_s = 3600,
	.contacts_max = 3,
};

struct step {
	uint32_t at_s;
	const char *call_id;
	unsigned cseq;
	const char *lines; /* Contact, Expires: whole lines */
	uint16_t status;
	bool changed;
	const char *reason; /* NULL: standard */
	const char *entry;  /* "uri=seconds left q call-id/cseq|..." */
};

static void request(struct sip_message *m, const char *call_id, unsigned cseq, const char *lines,
		    const char *to)
{
	struct message_error error;
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "REGISTER sip:example.org SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 192.0.2.9:5070;rport;branch=z9hG4bKx\r\n"
		       "From: <sip:1001@example.org>;tag=f\r\nTo: <%s>\r\n"
		       "Call-ID: %s\r\nCSeq: %u REGISTER\r\nUser-Agent: phone/1\r\n%s\r\n",
		       to, call_id, cseq, lines);
	if (message_parse(m, bytes_str(text), &error))
		fail_msg("%s", error.reason);
	m->hop = (struct sip_hop){
		.local = 1, .remote = { .ip = { 192, 0, 2, 9 }, .port = 5070, .family = ADDR_V4 }
	};
}

static void entry_text(const struct aor *a, uint64_t utc_ms, char *text, size_t cap)
{
	struct writer w = writer_over(text, cap - 1);

	for (uint32_t i = 0; i < a->count; i++) {
		const struct binding *b = &a->bindings[i];

		writer_fmt(&w, "%s%s=%lld q%u %s/%u", i ? "|" : "", text_str(&b->contact),
			   ((long long)b->expires_utc_ms - (long long)utc_ms) / 1000, b->q,
			   text_str(&b->call_id), b->cseq);
	}
	text[w.n] = '\0';
}

static void entry_open(struct aor *a)
{
	*a = (struct aor){ .version = 7 };
	assert_int_equal(text_set(&a->tenant, BYTES_LIT("default")), 0);
	assert_int_equal(text_set(&a->user, BYTES_LIT("1001")), 0);
}

static void check_step(const char *name, struct aor *entry, const struct step *step)
{
	struct instant now = { .utc_ms = START + step->at_s * UINT64_C(1000) };
	uint64_t version = entry->version;
	struct registrar_answer answer;
	struct sip_message m;
	char have[TEXT_MAX];

	request(&m, step->call_id, step->cseq, step->lines, "sip:1001@example.org");
	registrar_step(entry, &m, &SETTINGS, now, &answer);
	message_close(&m);
	entry_text(entry, now.utc_ms, have, sizeof(have));
	if (answer.status != step->status || answer.changed != step->changed ||
	    strcmp(have, step->entry) != 0) {
		fail_msg("%s, CSeq %u: %u %d %s: %s", name, step->cseq, answer.status,
			 answer.changed, answer.reason ? answer.reason : "-", have);
	}
	ROW_ASSERT(name, !step->reason == !answer.reason);
	ROW_ASSERT(name, !step->reason || strcmp(step->reason, answer.reason) == 0);
	ROW_ASSERT(name, entry->version == version + answer.changed);
	ROW_ASSERT(name, bytes_is(text_bytes(&entry->user), "1001"));
}

#define A "Contact: <sip:1001@192.0.2.9:5070>\r\n"

static void test_steps(void **state)
{
	static const struct {
		const char *name;
		struct step steps[STEPS_MAX];
	} rows[] = {
		{ "the preset",
		  { { 0, "c", 1, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/1" } } },
		{ "Expires header",
		  { { 0, "c", 1, A "Expires: 60\r\n", 200, true, NULL,
		      "sip:1001@192.0.2.9:5070=60 q1000 c/1" } } },
		{ "expires parameter goes first",
		  { { 0, "c", 1, "Contact: <sip:a@b>;expires=45;q=0.5\r\nExpires: 60\r\n", 200,
		      true, NULL, "sip:a@b=45 q500 c/1" } } },
		{ "a malformed parameter counts as absent",
		  { { 0, "c", 1, "Contact: <sip:a@b>;expires=soon\r\nExpires: 60\r\n", 200, true,
		      NULL, "sip:a@b=60 q1000 c/1" } } },
		{ "cut to the most",
		  { { 0, "c", 1, "Contact: <sip:a@b>;expires=99999999999\r\n", 200, true, NULL,
		      "sip:a@b=3600 q1000 c/1" },
		    { 0, "c", 2, "Contact: <sip:a@b>;expires=3601\r\n", 200, true, NULL,
		      "sip:a@b=3600 q1000 c/2" } } },
		{ "too brief",
		  { { 0, "c", 1, A "Expires: 29\r\n", 423, false, NULL, "" },
		    { 0, "c", 2, A "Expires: 30\r\n", 200, true, NULL,
		      "sip:1001@192.0.2.9:5070=30 q1000 c/2" },
		    { 1, "c", 3, A "Expires: 1\r\n", 423, false, NULL,
		      "sip:1001@192.0.2.9:5070=29 q1000 c/2" } } },
		{ "refresh",
		  { { 0, "c", 1, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/1" },
		    { 60, "c", 2, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/2" } } },
		{ "an equal URI in other words",
		  { { 0, "c", 1, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/1" },
		    { 1, "c", 2, "m: sip:%31001@192.0.2.9:5070\r\n", 200, true, NULL,
		      "sip:%31001@192.0.2.9:5070=90 q1000 c/2" } } },
		{ "a query",
		  { { 0, "c", 1, "", 200, false, NULL, "" },
		    { 0, "c", 2, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/2" },
		    { 1, "c", 3, "", 200, false, NULL, "sip:1001@192.0.2.9:5070=89 q1000 c/2" } } },
		{ "older CSeq of the same Call-ID",
		  { { 0, "c", 5, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/5" },
		    { 1, "c", 4, A, 500, false, "cseq_old",
		      "sip:1001@192.0.2.9:5070=89 q1000 c/5" },
		    { 1, "c", 4, A "Expires: 0\r\n", 500, false, "cseq_old",
		      "sip:1001@192.0.2.9:5070=89 q1000 c/5" },
		    { 1, "c", 4, "Contact: *\r\nExpires: 0\r\n", 500, false, "cseq_old",
		      "sip:1001@192.0.2.9:5070=89 q1000 c/5" },
		    { 2, "d", 1, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 d/1" } } },
		{ "a repetition after a restart",
		  { { 0, "c", 5, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/5" },
		    { 1, "c", 5, A, 200, true, NULL, "sip:1001@192.0.2.9:5070=90 q1000 c/5" } } },
		{ "removal",
		  { { 0, "c", 1, A "Contact: <sip:b@c>\r\n", 200, true, NULL,
		      "sip:1001@192.0.2.9:5070=90 q1000 c/1|sip:b@c=90 q1000 c/1" },
		    { 1, "c", 2, A "Expires: 0\r\n", 200, true, NULL, "sip:b@c=89 q1000 c/1" },
		    { 2, "c", 3, A "Expires: 0\r\n", 200, false, NULL, "sip:b@c=88 q1000 c/1" } } },
		{ "star",
		  { { 0, "c", 1, A "Contact: <sip:b@c>\r\n", 200, true, NULL,
		      "sip:1001@192.0.2.9:5070=90 q1000 c/1|sip:b@c=90 q1000 c/1" },
		    { 1, "c", 2, "Contact: *\r\n", 400, false, "contact_star",
		      "sip:1001@192.0.2.9:5070=89 q1000 c/1|sip:b@c=89 q1000 c/1" },
		    { 1, "c", 2, "Contact: *\r\nExpires: 1\r\n", 400, false, "contact_star",
		      "sip:1001@192.0.2.9:5070=89 q1000 c/1|sip:b@c=89 q1000 c/1" },
		    { 1, "c", 2, "Contact: *\r\nContact: <sip:x@y>\r\nExpires: 0\r\n", 400, false,
		      "contact_star", "sip:1001@192.0.2.9:5070=89 q1000 c/1|sip:b@c=89 q1000 c/1" },
		    { 1, "c", 3, "Contact: *\r\nExpires: 0\r\n", 200, true, NULL, "" },
		    { 1, "c", 4, "Contact: *\r\nExpires: 0\r\n", 200, false, NULL, "" } } },
		{ "star in second place",
		  { { 0, "c", 1, A "Contact: *\r\nExpires: 0\r\n", 400, false, "contact_malformed",
		      "" } } },
		{ "too many",
		  { { 0, "c", 1, "Contact: <sip:a@x>, <sip:b@x>, <sip:c@x>\r\n", 200, true, NULL,
		      "sip:a@x=90 q1000 c/1|sip:b@x=90 q1000 c/1|sip:c@x=90 q1000 c/1" },
		    { 0, "d", 1, "Contact: <sip:d@x>\r\n", 403, false, "too_many_contacts",
		      "sip:a@x=90 q1000 c/1|sip:b@x=90 q1000 c/1|sip:c@x=90 q1000 c/1" },
		    { 0, "d", 2, "Contact: <sip:b@x>;expires=0, <sip:d@x>\r\n", 200, true, NULL,
		      "sip:a@x=90 q1000 c/1|sip:c@x=90 q1000 c/1|sip:d@x=90 q1000 d/2" },
		    { 100, "e", 1, "Contact: <sip:e@x>\r\n", 200, true, NULL,
		      "sip:e@x=90 q1000 e/1" } } },
		{ "all or nothing",
		  { { 0, "c", 1, "Contact: <sip:a@x>\r\nContact: bad\r\n", 400, false,
		      "contact_malformed", "" },
		    { 0, "c", 2, "Contact: <mailto:a@x>, <tel:+1>\r\n", 400, false,
		      "contact_scheme", "" },
		    { 0, "c", 3, "Contact: <sip:a@x>, <sip:b@x>;expires=5\r\n", 423, false, NULL,
		      "" } } },
		{ "a number beside an address",
		  { { 0, "c", 1, "Contact: <tel:+1>;q=0.5, <sip:a@x>\r\n", 200, true, NULL,
		      "sip:a@x=90 q1000 c/1" },
		    { 0, "c", 2, "Contact: <sip:a@x>;expires=0\r\nContact: <tel:+1>\r\n", 200, true,
		      NULL, "" } } },
		{ "the same phone started anew takes the place it had",
		  { { 0, "c", 1,
		      "Contact: <sip:a@x>;+sip.instance=\"<urn:1>\", <sip:b@x>, <sip:c@x>\r\n", 200,
		      true, NULL,
		      "sip:a@x=90 q1000 c/1|sip:b@x=90 q1000 c/1|sip:c@x=90 q1000 c/1" },
		    { 1, "d", 1, "Contact: <sip:d@x>;+sip.instance=\"<urn:2>\"\r\n", 403, false,
		      "too_many_contacts",
		      "sip:a@x=89 q1000 c/1|sip:b@x=89 q1000 c/1|sip:c@x=89 q1000 c/1" },
		    { 1, "d", 2, "Contact: <sip:d@x>;+sip.instance=\"<urn:1>\"\r\n", 200, true,
		      NULL, "sip:b@x=89 q1000 c/1|sip:c@x=89 q1000 c/1|sip:d@x=90 q1000 d/2" },
		    { 1, "e", 1,
		      "Contact: <sip:e@x>;+sip.instance=\"<urn:3>\";expires=0, "
		      "<sip:f@x>;+sip.instance=\"<urn:3>\"\r\n",
		      403, false, "too_many_contacts",
		      "sip:b@x=89 q1000 c/1|sip:c@x=89 q1000 c/1|sip:d@x=90 q1000 d/2" } } },
		{ "a phone that was started anew is the same by its instance",
		  { { 0, "c", 1, "Contact: <sip:a@x>;+sip.instance=\"<urn:1>\"\r\n", 200, true,
		      NULL, "sip:a@x=90 q1000 c/1" },
		    { 1, "d", 1, "Contact: <sip:b@x>;+sip.instance=\"<urn:2>\"\r\n", 200, true,
		      NULL, "sip:a@x=89 q1000 c/1|sip:b@x=90 q1000 d/1" },
		    { 2, "e", 1, "Contact: <sip:c@x>;+sip.instance=\"<urn:1>\"\r\n", 200, true,
		      NULL, "sip:b@x=89 q1000 d/1|sip:c@x=90 q1000 e/1" } } },
		{ "two Contacts of one phone stay apart",
		  { { 0, "c", 1,
		      "Contact: <sip:a@x>;+sip.instance=\"<urn:1>\", "
		      "<sip:b@x>;+sip.instance=\"<urn:1>\"\r\n",
		      200, true, NULL, "sip:a@x=90 q1000 c/1|sip:b@x=90 q1000 c/1" },
		    { 1, "c", 2, "Contact: <sip:a@x>;+sip.instance=\"<urn:1>\"\r\n", 200, true,
		      NULL, "sip:b@x=89 q1000 c/1|sip:a@x=90 q1000 c/2" } } },
		{ "flows of one instance",
		  { { 0, "c", 1, "Contact: <sip:a@x>;+sip.instance=\"<urn:1>\";reg-id=1\r\n", 200,
		      true, NULL, "sip:a@x=90 q1000 c/1" },
		    { 1, "d", 1, "Contact: <sip:b@x>;+sip.instance=\"<urn:1>\";reg-id=2\r\n", 200,
		      true, NULL, "sip:a@x=89 q1000 c/1|sip:b@x=90 q1000 d/1" },
		    { 2, "e", 1, "Contact: <sip:c@x>;+sip.instance=\"<urn:1>\";reg-id=1\r\n", 200,
		      true, NULL, "sip:b@x=89 q1000 d/1|sip:c@x=90 q1000 e/1" },
		    { 3, "e", 2,
		      "Contact: <sip:c@x>;+sip.instance=\"<urn:1>\";reg-id=1, <sip:d@x>\r\n", 400,
		      false, "flow_not_alone", "sip:b@x=88 q1000 d/1|sip:c@x=89 q1000 e/1" },
		    { 3, "e", 3,
		      "Contact: <sip:c@x>;+sip.instance=\"<urn:1>\";reg-id=1, "
		      "<sip:b@x>;expires=0\r\n",
		      200, true, NULL, "sip:c@x=90 q1000 e/3" } } },
		{ "a flow that nobody in between keeps",
		  { { 0, "c", 1,
		      "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKy\r\nSupported: outbound\r\n"
		      "Contact: <sip:a@x>;+sip.instance=\"<urn:1>\";reg-id=1\r\n",
		      439, false, "first_hop_lacks_outbound", "" },
		    { 0, "c", 2,
		      "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKy\r\n"
		      "Contact: <sip:a@x>;+sip.instance=\"<urn:1>\";reg-id=1\r\n",
		      200, true, NULL, "sip:a@x=90 q1000 c/2" } } },
		{ "the last refreshed is at the end",
		  { { 0, "c", 1, "Contact: <sip:a@x>, <sip:b@x>\r\n", 200, true, NULL,
		      "sip:a@x=90 q1000 c/1|sip:b@x=90 q1000 c/1" },
		    { 0, "c", 2, "Contact: <sip:a@x>\r\n", 200, true, NULL,
		      "sip:b@x=90 q1000 c/1|sip:a@x=90 q1000 c/2" } } },
		{ "expired ones go",
		  { { 0, "c", 1, "Contact: <sip:a@x>;expires=30, <sip:b@x>\r\n", 200, true, NULL,
		      "sip:a@x=30 q1000 c/1|sip:b@x=90 q1000 c/1" },
		    { 30, "c", 2, "", 200, true, NULL, "sip:b@x=60 q1000 c/1" },
		    { 90, "c", 1, "Contact: <sip:b@x>\r\n", 200, true, NULL,
		      "sip:b@x=90 q1000 c/1" } } },
		{ "sips",
		  { { 0, "c", 1, "Contact: <sips:a@x>\r\n", 200, true, NULL,
		      "sips:a@x=90 q1000 c/1" } } },
		{ "RFC 4475 3.1.1.4: two bindings",
		  { { 0, "c", 1, "Contact: <sip:%00@x>\r\nContact: <sip:%00%00@x>\r\n", 200, true,
		      NULL, "sip:%00@x=90 q1000 c/1|sip:%00%00@x=90 q1000 c/1" } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct aor entry;

		entry_open(&entry);
		for (size_t k = 0; k < STEPS_MAX && rows[i].steps[k].call_id; k++)
			check_step(rows[i].name, &entry, &rows[i].steps[k]);
		aor_clear(&entry);
	}
}

/* RFC 3261 10.2: one Call-ID, one phone; over a connection an earlier Contact of it is where it was before. Several Contacts of one
 * request, another phone and one that leaves stay apart. */
static void test_phone_is_back(void **state)
{
	static const struct {
		const char *call_id;
		unsigned cseq;
		uint64_t connection;
		const char *lines, *entry;
		uint32_t moved;
	} rows[] = {
		{ "c", 1, 5, "Contact: <sip:a@192.0.2.9:1;transport=tcp>, <sip:b@192.0.2.9:1>\r\n",
		  "sip:a@192.0.2.9:1;transport=tcp=90 q1000 c/1|sip:b@192.0.2.9:1=90 q1000 c/1",
		  0 },
		{ "d", 1, 6, "Contact: <sip:a@192.0.2.9:2>\r\n",
		  "sip:a@192.0.2.9:1;transport=tcp=90 q1000 c/1|sip:b@192.0.2.9:1=90 q1000 c/1|"
		  "sip:a@192.0.2.9:2=90 q1000 d/1",
		  0 },
		{ "c", 2, 7, "Contact: <sip:x@192.0.2.9:3>;expires=0\r\n",
		  "sip:a@192.0.2.9:1;transport=tcp=90 q1000 c/1|sip:b@192.0.2.9:1=90 q1000 c/1|"
		  "sip:a@192.0.2.9:2=90 q1000 d/1",
		  0 },
		{ "c", 3, 7, "Contact: <sip:a@192.0.2.9:3>, <sip:b@192.0.2.9:3>\r\n",
		  "sip:a@192.0.2.9:2=90 q1000 d/1|sip:a@192.0.2.9:3=90 q1000 c/3|"
		  "sip:b@192.0.2.9:3=90 q1000 c/3",
		  2 },
	};
	struct aor entry;

	(void)state;
	entry_open(&entry);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct registrar_answer answer;
		struct sip_message m;
		char have[TEXT_MAX];

		request(&m, rows[i].call_id, rows[i].cseq, rows[i].lines, "sip:1001@example.org");
		m.hop.transport = SIP_TCP;
		m.hop.inbound = true;
		m.hop.connection = rows[i].connection;
		m.hop.remote.port = (uint16_t)(1000 + rows[i].connection);
		registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
		message_close(&m);
		assert_int_equal(answer.status, 200);
		entry_text(&entry, START, have, sizeof(have));
		assert_string_equal(have, rows[i].entry);
		assert_int_equal(answer.moved_count, rows[i].moved);
	}
	aor_clear(&entry);
}

static void test_q(void **state)
{
	static const struct {
		const char *q;
		int want; /* -1: 400 */
	} rows[] = {
		{ "0", 0 },	{ "1", 1000 },	  { "0.5", 500 }, { "0.001", 1 }, { "1.000", 1000 },
		{ "0.", 0 },	{ "1.001", -1 },  { "2", -1 },	  { "0.1234", -1 }, 
		{ ".5", -1 },	{ "0.x", -1 },	  { "\"\"", -1 }, { "01", -1 },	    { "00.1", -1 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct registrar_answer answer;
		struct sip_message m;
		struct aor entry;
		char lines[64];

		entry_open(&entry);
		(void)snprintf(lines, sizeof(lines), "Contact: <sip:a@x>;q=%s\r\n", row->q);
		request(&m, "c", 1, lines, "sip:1001@x");
		registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
		if (row->want < 0) {
			ROW_ASSERT(row->q,
				   answer.status == 400 && strcmp(answer.reason, "contact_q") == 0);
		} else {
			ROW_ASSERT(row->q,
				   answer.status == 200 && entry.bindings[0].q == row->want);
		}
		message_close(&m);
		aor_clear(&entry);
	}
}

/* Where the phone believes to be against where its packets come from, which is 192.0.2.9:5070. */
static void test_nat(void **state)
{
	static const struct {
		const char *contact;
		bool nat;
	} rows[] = {
		{ "<sip:a@192.0.2.9:5070>", false }, { "<sip:a@192.0.2.9>", true },
		{ "<sip:a@192.0.2.9:5071>", true },  { "<sip:a@10.0.0.1:5070>", true },
		{ "<sip:a@[2001:db8::1]>", true },   { "<sip:a@phone.example.org>", false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct registrar_answer answer;
		struct sip_message m;
		struct aor entry;
		char lines[128];

		entry_open(&entry);
		(void)snprintf(lines, sizeof(lines), "Contact: %s\r\n", row->contact);
		request(&m, "c", 1, lines, "sip:1001@x");
		registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
		ROW_ASSERT(row->contact, entry.count == 1);
		ROW_ASSERT(row->contact, entry.bindings[0].nat == row->nat);
		ROW_ASSERT(row->contact, entry.bindings[0].hop.local == 1);
		ROW_ASSERT(row->contact, addr_eq(&entry.bindings[0].hop.remote, &m.hop.remote));
		ROW_ASSERT(row->contact,
			   bytes_is(text_bytes(&entry.bindings[0].user_agent), "phone/1"));
		message_close(&m);
		aor_clear(&entry);
	}
}

/* RFC 3581: without rport the port it sends from may be one that nobody listens at. Only a port, never another machine. */
static void test_sends_from_another_port(void **state)
{
	static const struct {
		const char *contact;
		uint16_t port;
		bool rport, nat;
	} rows[] = {
		{ "<sip:a@192.0.2.9:5060>", 5060, false, false },
		{ "<sip:a@192.0.2.9>", 5060, false, false },
		{ "<sip:a@192.0.2.9:5060>", 49152, true, true },
		{ "<sip:a@192.0.2.8:5060>", 49152, false, true },
		{ "<sip:a@10.0.0.1:5060>", 49152, false, true },
		{ "<sip:a@192.0.2.9:5060;transport=tcp>", 49152, false, true },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct registrar_answer answer;
		struct sip_message m;
		struct aor entry;
		char lines[128];

		entry_open(&entry);
		(void)snprintf(lines, sizeof(lines), "Contact: %s\r\n", row->contact);
		request(&m, "c", 1, lines, "sip:1001@x");
		m.via.rport = row->rport;
		m.via.port = 5060;
		m.hop.remote.port = 49152;
		registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
		ROW_ASSERT(row->contact, entry.count == 1);
		ROW_ASSERT(row->contact, entry.bindings[0].hop.remote.port == row->port);
		ROW_ASSERT(row->contact, addr_ip_eq(&entry.bindings[0].hop.remote, &m.hop.remote));
		ROW_ASSERT(row->contact, entry.bindings[0].nat == row->nat);
		message_close(&m);
		aor_clear(&entry);
	}
}

/* The Via tells too: behind NAT with a Contact that was mended by somebody else. */
static void test_nat_by_via(void **state)
{
	struct registrar_answer answer;
	struct sip_message m;
	struct aor entry;

	(void)state;
	entry_open(&entry);
	request(&m, "c", 1, "Contact: <sip:a@192.0.2.9:6000>\r\n", "sip:1001@x");
	m.hop.remote.port = 6000;
	registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
	assert_true(entry.bindings[0].nat);
	message_close(&m);
	aor_clear(&entry);
}

static void check_refused(const char *lines, const char *call_id, const char *to,
			  const char *reason)
{
	struct registrar_answer answer;
	struct sip_message m;
	struct aor entry;

	entry_open(&entry);
	request(&m, call_id, 1, lines, to);
	registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
	ROW_ASSERT(reason, answer.status == 400 && strcmp(answer.reason, reason) == 0);
	ROW_ASSERT(reason, entry.count == 0 && entry.version == 7 && !answer.changed);
	message_close(&m);
	aor_clear(&entry);
}

static void test_refused(void **state)
{
	char line[1024];
	char long_id[300];

	(void)state;
	check_refused(A, "c", "tel:1001", "to_scheme");
	check_refused("Contact: <http://x>\r\n", "c", "sip:1001@x", "contact_scheme");
	(void)snprintf(line, sizeof(line), "Contact: <sip:%0509d>\r\n", 0);
	check_refused(line, "c", "sip:1001@x", "contact_too_long");
	(void)snprintf(long_id, sizeof(long_id), "%0257d", 0);
	check_refused(A, long_id, "sip:1001@x", "call_id_too_long");
}

static void test_expire(void **state)
{
	struct registrar_answer answer;
	struct sip_message m;
	struct aor entry;

	(void)state;
	entry_open(&entry);
	request(&m, "c", 1, "Contact: <sip:a@x>;expires=60, <sip:b@x>;expires=30\r\n",
		"sip:1001@x");
	registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
	message_close(&m);
	assert_string_equal(text_str(&entry.bindings[1].contact),
			    "sip:b@x"); /* the newest at the end */
	assert_false(registrar_expire(&entry, START + 29999));
	assert_int_equal(entry.version, 8);
	assert_true(registrar_expire(&entry, START + 30000));
	assert_int_equal(entry.count, 1);
	assert_string_equal(text_str(&entry.bindings[0].contact), "sip:a@x");
	assert_int_equal(entry.version, 9);
	assert_true(registrar_expire(&entry, START + 60000));
	assert_int_equal(entry.count, 0);
	aor_clear(&entry);
}

static struct bytes headers(const struct aor *entry, const struct registrar_answer *answer,
			    uint64_t utc_ms, char *out, size_t cap)
{
	struct writer w = writer_over(out, cap);

	registrar_write_headers(&w, entry, answer, &SETTINGS, NULL,
				(struct instant){ .utc_ms = utc_ms }, 0);
	return writer_done(&w);
}

static void test_headers(void **state)
{
	struct registrar_answer answer;
	struct sip_message m;
	struct aor entry;
	char out[TEXT_MAX];

	(void)state;
	entry_open(&entry);
	request(&m, "c", 1, "Contact: <sip:a@x;ob>;q=0.05, <sip:b@x>;expires=30\r\n", "sip:1001@x");
	registrar_step(&entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
	message_close(&m);
	/* 3 ms later, when the save is done, the grant still reads as it was */
	assert_true(bytes_is(headers(&entry, &answer, START + 3, out, sizeof(out)),
			     "Contact: <sip:a@x;ob>;expires=90;q=0.050\r\n"
			     "Contact: <sip:b@x>;expires=30\r\n"
			     "Date: Mon, 21 Sep 2026 14:13:20 GMT\r\n"));
	assert_true(bytes_is(headers(&entry, &answer, START + 45001, out, sizeof(out)),
			     "Contact: <sip:a@x;ob>;expires=45;q=0.050\r\n"
			     "Date: Mon, 21 Sep 2026 14:14:05 GMT\r\n"));
	answer.status = 423;
	assert_true(bytes_is(headers(&entry, &answer, 951782399000, out, sizeof(out)),
			     "Min-Expires: 30\r\nDate: Mon, 28 Feb 2000 23:59:59 GMT\r\n"));
	aor_clear(&entry);
}

static void register_from(struct aor *entry, const char *call_id, unsigned cseq, const char *lines,
			  uint16_t port)
{
	struct registrar_answer answer;
	struct sip_message m;

	request(&m, call_id, cseq, lines, "sip:1001@example.org");
	m.hop.remote.port = port;
	registrar_step(entry, &m, &SETTINGS, (struct instant){ .utc_ms = START }, &answer);
	message_close(&m);
	assert_int_equal(answer.status, 200);
}

/* Where a phone was before is forgotten when it is refreshed where it is, and not when another phone is. */
static void test_was(void **state)
{
	struct aor entry;

	(void)state;
	entry_open(&entry);
	register_from(&entry, "c", 1, A, 5070);
	assert_null(entry.bindings[0].was);
	register_from(&entry, "c", 2, A, 5071);
	assert_non_null(entry.bindings[0].was);
	assert_int_equal(entry.bindings[0].was->remote.port, 5070);
	register_from(&entry, "d", 1, "Contact: <sip:1001@192.0.2.9:6070>\r\n", 6070);
	assert_int_equal(entry.count, 2);
	assert_string_equal(text_str(&entry.bindings[0].call_id), "c");
	assert_non_null(entry.bindings[0].was);
	assert_int_equal(entry.bindings[0].was->remote.port, 5070);
	assert_null(entry.bindings[1].was);
	register_from(&entry, "c", 3, A, 5071);
	assert_string_equal(text_str(&entry.bindings[1].call_id), "c");
	assert_null(entry.bindings[1].was);
	aor_clear(&entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_phone_is_back),
		cmocka_unit_test(test_q),
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_sends_from_another_port),
		cmocka_unit_test(test_nat_by_via),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
