/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worst messages of 64 KB cost, counted in steps and not in time: comparisons of names
 * that are of one length, elements of lists, parameters. Linked
 * with --wrap, so that what is counted is what runs.
 */
#include "sig/sip/lex.h"
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/sip/credentials.h"

enum { TEXT_MAX = 65000, STEPS_MAX = 30000 };

static uint64_t g_steps;

#define COUNTED(result, name, params, args) \
	result __real_##name params;        \
	result __wrap_##name params;        \
	result __wrap_##name params         \
	{                                   \
		g_steps++;                  \
		return __real_##name args;  \
	}
COUNTED(int, lex_param, (struct bytes * rest, struct lex_param *out), (rest, out))
COUNTED(bool, lex_element, (struct bytes * rest, struct bytes *element), (rest, element))
COUNTED(bool, bytes_ieq_n, (const uint8_t *a, const uint8_t *b, size_t n), (a, b, n))

struct big {
	char text[TEXT_MAX + 1];
	size_t n;
};

/* As often as there is room for it and so many octets behind it, or so many times. */
static void repeat(struct big *b, const char *piece, uint32_t times, size_t room)
{
	size_t n = strlen(piece);

	while (times-- && b->n + n + room < TEXT_MAX) {
		memcpy(b->text + b->n, piece, n + 1);
		b->n += n;
	}
}

static void add(struct big *b, const char *piece)
{
	repeat(b, piece, 1, 0);
}

/* ---- the messages ---- */

#define VIA   "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKcost;rport\r\n"
#define FROM  "From: <sip:1001@test.local>;tag=f\r\n"
#define TO    "To: <sip:1002@test.local>\r\n"
#define REST  "Call-ID: cost\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\n"
#define START "INVITE sip:1002@test.local SIP/2.0\r\n"
#define PHONE "Contact: <sip:1001@192.0.2.11>\r\n"

static void end(struct big *b)
{
	add(b, "Content-Length: 0\r\n\r\n");
}

static void many_vias(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE "Via: SIP/2.0/UDP a");
	repeat(b, ",SIP/2.0/UDP a", UINT32_MAX, 200);
	add(b, "\r\n");
	end(b);
}

static void many_via_lines(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE);
	repeat(b, "v: SIP/2.0/UDP a\r\n", 110, 200);
	end(b);
}

static void many_routes(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE);
	repeat(b, "X: y\r\n", 100, 200);
	add(b, "Record-Route: <sip:a;lr>");
	repeat(b, ",<sip:a;lr>", UINT32_MAX, 200);
	add(b, "\r\n");
	end(b);
}

static void many_required(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE);
	repeat(b, "Require: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n", 110, 200);
	end(b);
}

static void many_supported(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE "Supported: a");
	repeat(b, ",b", UINT32_MAX, 200);
	add(b, "\r\n");
	end(b);
}

static void many_header_params(struct big *b)
{
	add(b, START VIA FROM REST PHONE "To: <sip:1002@test.local>");
	repeat(b, ";a", UINT32_MAX, 200);
	add(b, "\r\n");
	end(b);
}

static void many_uri_params(struct big *b)
{
	add(b, START VIA FROM TO REST "Contact: <sip:1001@192.0.2.11");
	repeat(b, ";a", UINT32_MAX, 200);
	add(b, ">\r\n");
	end(b);
}

static void many_credentials(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE "Proxy-Authorization: Digest a=b");
	repeat(b, ",a=b", UINT32_MAX, 200);
	add(b, "\r\n");
	end(b);
}

static void many_lines_of_credentials(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE);
	repeat(b,
	       "Proxy-Authorization: Digest "
	       "username=\"1001\",realm=\"x\",nonce=\"y\",uri=\"sip:a\","
	       "response=\"00000000000000000000000000000000\"\r\n",
	       110, 200);
	end(b);
}

static void many_unknown_lines(struct big *b)
{
	add(b, START VIA FROM TO REST PHONE);
	repeat(b, "Session-Require: a\r\n", 110, 200);
	end(b);
}

/* Each is a call of its own. */
static void name_it(struct big *b, char first, char second)
{
	for (char *p = b->text; (p = strstr(p, "cost")) != NULL; p += 4) {
		p[2] = first;
		p[3] = second;
	}
}

static uint64_t cost(struct rig *r, const struct addr *from, const char *text, size_t n)
{
	g_steps = 0;
	rig_send(r, from, bytes_mem(text, n));
	return g_steps;
}

static void one_message(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct big *b);
	} rows[] = {
		{ "Vias in one line", many_vias },
		{ "lines of Via", many_via_lines },
		{ "Record-Routes", many_routes },
		{ "Require", many_required },
		{ "Supported", many_supported },
		{ "header parameters", many_header_params },
		{ "URI parameters", many_uri_params },
		{ "parameters of credentials", many_credentials },
		{ "lines of credentials", many_lines_of_credentials },
		{ "lines of no header of ours", many_unknown_lines },
	};
	struct addr stranger = rig_addr("203.0.113.7:5060");
	struct line *l = *state;
	static struct big b;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (int known = 0; known < 2; known++) {
			uint64_t steps;

			b.n = 0;
			rows[i].make(&b);
			name_it(&b, (char)('a' + i), (char)('0' + known));
			steps = cost(l->r, known ? &l->a.addr : &stranger, b.text, b.n);
			if (steps > STEPS_MAX || getenv("TANDEM_STEPS"))
				print_message("%s: %llu steps for %zu octets\n", rows[i].name,
					      (unsigned long long)steps, b.n);
			assert_true(steps && steps <= STEPS_MAX);
		}
	}
}

/* 130 Contacts with 62 parameters each cost 50 ms: each was compared with each of those that were there, parameter by parameter. */
static void contacts_of_a_registration(void **state)
{
	struct line *l = *state;
	struct phone p;
	char line[1024], uri[512] = "", extra[RIG_TEXT_MAX], contact[640];
	static struct big b;

	phone_open(&p, l->r, "1003", "198.51.100.3:5060");
	for (int i = 0; i < 61; i++)
		(void)snprintf(uri + strlen(uri), sizeof(uri) - strlen(uri), ";p%d=%d", i, i);
	for (int round = 0; round < 2; round++) {
		l->r->now.ns += NS_PER_MS;
		l->r->now.utc_ms++;
		phone_register_with(&p, "", 90);
		credentials_make(line, rig_take(l->r, &p.addr, "SIP/2.0 401"), "Authorization",
				 DIGEST_MD5, "1003", "secret", "REGISTER", "sip:test.local");
		b.n = 0;
		(void)snprintf(
			extra, sizeof(extra),
			"REGISTER sip:test.local SIP/2.0\r\nVia: SIP/2.0/UDP "
			"198.51.100.3:5060;branch=z9hG4bKc%d\r\nFrom: "
			"<sip:1003@test.local>;tag=f\r\n"
			"To: <sip:1003@test.local>\r\nCall-ID: reg-1003\r\nCSeq: %d REGISTER\r\n%s",
			round, 100 + round, line);
		add(&b, extra);
		for (int i = 0; i < 130; i++) {
			(void)snprintf(contact, sizeof(contact),
				       "m: <sip:1003@198.51.100.3%s;z=%d>;expires=%d\r\n", uri, i,
				       round || i >= 4 ? 0 : 90);
			repeat(&b, contact, i < 110, 200);
		}
		end(&b);
		assert_true(cost(l->r, &p.addr, b.text, b.n) <= STEPS_MAX);
		assert_true(rig_take(l->r, &p.addr, "SIP/2.0 4").n);
	}
}

/* What is allowed, at its most, with all places taken. */
static void as_many_contacts_as_may_be(void **state)
{
	struct line *l = *state;
	struct phone p;
	char line[1024], uri[512] = "", contact[640], head[2048];
	static struct big b;

	phone_open(&p, l->r, "1003", "198.51.100.3:5060");
	for (int i = 0; i < 14; i++)
		(void)snprintf(uri + strlen(uri), sizeof(uri) - strlen(uri), ";p%d=%d", i, i);
	for (int round = 0; round < 4; round++) {
		l->r->now.ns += NS_PER_MS;
		l->r->now.utc_ms++;
		phone_register_with(&p, "", 90);
		credentials_make(line, rig_take(l->r, &p.addr, "SIP/2.0 401"), "Authorization",
				 DIGEST_MD5, "1003", "secret", "REGISTER", "sip:test.local");
		b.n = 0;
		(void)snprintf(
			head, sizeof(head),
			"REGISTER sip:test.local SIP/2.0\r\nVia: SIP/2.0/UDP "
			"198.51.100.3:5060;branch=z9hG4bKc%d\r\nFrom: "
			"<sip:1003@test.local>;tag=f\r\n"
			"To: <sip:1003@test.local>\r\nCall-ID: reg-1003\r\nCSeq: %d REGISTER\r\n%s",
			round, 100 + round, line);
		add(&b, head);
		for (int i = 0; i < 20; i++) {
			(void)snprintf(contact, sizeof(contact),
				       "m: <sip:1003@198.51.100.3%s;z=%d>;expires=%d\r\n", uri, i,
				       i < 5 ? 90 : 0);
			add(&b, contact);
		}
		end(&b);
		assert_true(cost(l->r, &p.addr, b.text, b.n) <= STEPS_MAX);
		assert_true(rig_take(l->r, &p.addr, "SIP/2.0 200").n);
	}
}

/* A phone sends a call on to thousands of places. */
static void places_of_a_redirection(void **state)
{
	struct line *l = *state;
	static struct big b;
	struct bytes m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	m = phone_rings(&l->b);
	assert_true(m.n);
	b.n = 0;
	add(&b, "SIP/2.0 302 Moved\r\n");
	for (size_t i = 0; i < 5; i++) {
		static const char *const names[] = { "Via", "From", "To", "Call-ID", "CSeq" };
		char line[512];

		(void)snprintf(line, sizeof(line), "%s: " BYTES_FMT "%s\r\n", names[i],
			       BYTES_ARG(rig_header(m, names[i])), i == 2 ? ";tag=x" : "");
		add(&b, line);
	}
	repeat(&b, "X: y\r\n", 100, 200);
	add(&b, "Contact: <sip:1003@test.local>");
	repeat(&b, ",<sip:1003@test.local>", UINT32_MAX, 200);
	add(&b, "\r\n");
	end(&b);
	assert_true(cost(l->r, &l->b.addr, b.text, b.n) <= STEPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(one_message),
		LINE_TEST(contacts_of_a_registration),
		LINE_TEST(as_many_contacts_as_may_be),
		LINE_TEST(places_of_a_redirection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
