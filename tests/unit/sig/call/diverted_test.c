/* SPDX-License-Identifier: Apache-2.0 */
/* By whom a call came: what its caller's side said goes on, behind what happened here (RFC 5806, RFC 7044, RFC 7544). */
#include "tests/unit/sig/sides.h"

#define HOST "192.0.2.1:5060"

static void forward(struct sides *t, const char *from, const char *to)
{
	struct shard_forward f = { 0 };

	(void)bytes_cstr(bytes_str(to), f.always, sizeof(f.always));
	assert_int_equal(shard_forward_set(t->r->shard, TENANT_DEFAULT, from, &f), 0);
}

/* All header lines of that name, joined by a newline. */
static void assert_lines(struct bytes m, const char *name, const char *lines)
{
	static uint8_t space[8192];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes line;

	while (bytes_cut(&m, '\n', &line) && bytes_trim(line).n) {
		if (!bytes_starts(line, name) || line.p[strlen(name)] != ':')
			continue;
		if (w.n)
			writer_str(&w, "\n");
		writer_bytes(&w, bytes_trim(bytes_from(line, strlen(name) + 1)));
	}
	if (!bytes_is(writer_done(&w), lines))
		fail_msg("%s: " BYTES_FMT "\nis not "
			 "%s",
			 name, BYTES_ARG(writer_done(&w)), lines);
}

struct row {
	const char *name, *in;
	const char *diversion, *history;             /* to who is trusted, */
	const char *phone_diversion, *phone_history; /* and to a phone */
};

#define SAME(d, h) .diversion = (d), .history = (h), .phone_diversion = (d), .phone_history = (h)

static const struct row g_rows[] = {
	{ "nothing", "", SAME("", "") },
	{ "Diversion is told as both",
	  "Diversion: \"A\" <sip:4901@10.9.8.7>;reason=no-answer;counter=2\r\n"
	  "Diversion: <sip:4900@10.9.8.7>;reason=follow-me\r\n",
	  SAME("\"A\" <sip:4901@" HOST ">;reason=no-answer;counter=2\n<sip:4900@" HOST
	       ">;reason=follow-me",
	       "<sip:4900@" HOST ">;index=1, <sip:4901@" HOST ";cause=404>;index=1.1;mp=1, "
	       "<sip:CALLED@" HOST ";cause=408>;index=1.1.1;mp=1.1") },
	{ "History-Info is told as both, by its causes",
	  "History-Info: <sip:4900@10.9.8.7?Reason=SIP%3Bcause%3D486>;index=1, "
	  "<sip:4901@10.9.8.7>;index=1.1;mp=1, "
	  "<sip:CALLED@10.9.8.7;cause=302>;index=1.1.1;mp=1.1\r\n",
	  SAME("<sip:4901@" HOST ">;reason=unconditional;counter=1\n<sip:4900@" HOST
	       ">;reason=user-busy;counter=1",
	       "<sip:4900@" HOST "?Reason=SIP%3Bcause%3D486>;index=1, "
	       "<sip:4901@" HOST ">;index=1.1;mp=1, <sip:CALLED@" HOST
	       ";cause=302>;index=1.1.1;mp=1.1") },
	{ "who is called here is below the last",
	  "History-Info: <sip:4900@x>;index=1\r\nHistory-Info: <sip:4901@x>;index=1.2;rc=1\r\n",
	  SAME("", "<sip:4900@" HOST ">;index=1, <sip:4901@" HOST
		   ">;index=1.2;rc=1, <sip:CALLED@" HOST ">;index=1.2.1") },
	{ "both are told as they came",
	  "Diversion: <sip:1@x>;reason=away\r\nHistory-Info: <sip:2@x>;index=1\r\n",
	  SAME("<sip:1@" HOST ">;reason=away",
	       "<sip:2@" HOST ">;index=1, <sip:CALLED@" HOST ">;index=1.1") },
	{ "one that is private is told to who is trusted",
	  "Diversion: <sip:4900@x>;reason=away;privacy=full\r\n",
	  "<sip:4900@" HOST ">;reason=away;privacy=full",
	  "<sip:4900@" HOST ">;index=1, <sip:CALLED@" HOST ";cause=404>;index=1.1;mp=1", "",
	  "<sip:anonymous@anonymous.invalid>;index=1, <sip:CALLED@" HOST
	  ";cause=404>;index=1.1;mp=1" },
	{ "the same of an entry",
	  "History-Info: <sip:4900@x?Privacy=history&Reason=SIP%3Bcause%3D302>;index=1\r\n",
	  "<sip:4900@" HOST ">;reason=unconditional;counter=1",
	  "<sip:4900@" HOST "?Privacy=history&Reason=SIP%3Bcause%3D302>;index=1, <sip:CALLED@" HOST
	  ">;index=1.1",
	  "", "<sip:anonymous@anonymous.invalid>;index=1, <sip:CALLED@" HOST ">;index=1.1" },
	{ "all of it, where the caller wishes so",
	  "Privacy: history\r\nHistory-Info: <sip:4900@x>;index=1\r\n", "",
	  "<sip:4900@" HOST ">;index=1, <sip:CALLED@" HOST ">;index=1.1", "",
	  "<sip:anonymous@anonymous.invalid>;index=1, "
	  "<sip:anonymous@anonymous.invalid>;index=1.1" },
	{ "what a name hides are not those who sent the call on",
	  "Privacy: id\r\nDiversion: <sip:4900@x>;reason=away\r\n",
	  SAME("<sip:4900@" HOST ">;reason=away",
	       "<sip:4900@" HOST ">;index=1, <sip:CALLED@" HOST ";cause=404>;index=1.1;mp=1") },
};

/* CALLED stands for who is called. */
static const char *named(char *out, size_t cap, const char *text, const char *called)
{
	struct writer w = writer_over(out, cap - 1);
	const char *at;

	for (; (at = strstr(text, "CALLED")) != NULL; text = at + 6) {
		writer_mem(&w, text, (size_t)(at - text));
		writer_str(&w, called);
	}
	writer_str(&w, text);
	out[w.n] = '\0';
	return out;
}

static void assert_told(struct phone *p, const char *diversion, const char *history)
{
	char text[4096];
	struct bytes m = rung(p);

	assert_lines(m, "Diversion", diversion);
	assert_lines(m, "History-Info", named(text, sizeof(text), history, p->user));
}

static void of_the_time_before(void **state)
{
	struct sides *t = *state;
	const struct row *row;
	char text[4096];

	EACH_ROW(row, g_rows)
	{
		call_as(&t->peer, "1003", NULL, named(text, sizeof(text), row->in, "1003"));
		assert_told(&t->far, row->diversion, row->history);
		phone_cancel(&t->peer);
		call_as(&t->peer, "1002", NULL, named(text, sizeof(text), row->in, "1002"));
		assert_told(&t->b, row->phone_diversion, row->phone_history);
		phone_cancel(&t->peer);
	}
}

/* A phone is not believed. */
static void of_a_phone(void **state)
{
	struct sides *t = *state;

	call_as(&t->a, "1003", NULL, "Diversion: <sip:1@x>\r\nHistory-Info: <sip:2@x>;index=1\r\n");
	assert_told(&t->far, "", "");
}

static void behind_ours(void **state)
{
	struct sides *t = *state;

	forward(t, "1002", "1003");
	call_as(&t->peer, "1002", NULL, "Diversion: <sip:4900@x>;reason=user-busy\r\n");
	assert_told(&t->far,
		    "<sip:1002@" HOST ">;reason=unconditional;counter=1\n"
		    "<sip:4900@" HOST ">;reason=user-busy",
		    "<sip:4900@" HOST ">;index=1, <sip:1002@" HOST
		    ";cause=486?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1, "
		    "<sip:1003@" HOST ">;index=1.1.1;mp=1.1");
	phone_cancel(&t->peer);
	call_as(&t->peer, "1002", NULL,
		"History-Info: <sip:4900@x>;index=1, <sip:1002@x;cause=486>;index=1.1\r\n");
	assert_told(&t->far,
		    "<sip:1002@" HOST ">;reason=unconditional;counter=1\n"
		    "<sip:4900@" HOST ">;reason=user-busy;counter=1",
		    "<sip:4900@" HOST ">;index=1, <sip:1002@" HOST
		    ";cause=486>;index=1.1, <sip:1003@" HOST ">;index=1.1.1;mp=1.1");
}

/* A long way does not cut what else is said: lines are whole. */
static void bounds(void **state)
{
	static char headers[8000];
	struct sides *t = *state;
	size_t n = 0;
	struct bytes m;

	for (unsigned i = 0; i < 12; i++)
		n += (size_t)snprintf(headers + n, sizeof(headers) - n,
				      "Diversion: <sip:%0250u@x>;reason=away\r\n", i);
	call_as(&t->peer, "1003", NULL, headers);
	m = rung(&t->far);
	assert_true(rig_has(m, "\r\nDiversion: "));
	assert_true(rig_has(rig_header(m, "History-Info"), ">;index=1.1.1.1.1.1.1.1.1;mp="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIDES_TEST(of_the_time_before),
		SIDES_TEST(of_a_phone),
		SIDES_TEST(behind_ours),
		SIDES_TEST(bounds),
	};

	return cmocka_run_group_tests_name("diverted", tests, NULL, NULL);
}
