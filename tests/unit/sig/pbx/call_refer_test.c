/* SPDX-License-Identifier: Apache-2.0 */
/* REFER outside of a dialog: a phone gives away whom it speaks with in the dialog that it names (RFC 4538). */
#include "tests/unit/sig/trio.h"

#define RINGING "SIP/2.0 100 Trying\r\n"
#define OVER    "terminated;reason=noresource"

/* What the user of p sends beside its dialog, from the same phone. */
static struct phone beside(const struct phone *p)
{
	static uint32_t branches = 1000;
	struct phone o;

	phone_open(&o, p->r, p->user, p->address);
	(void)snprintf(o.tag, sizeof(o.tag), "beside");
	o.branches = branches += 100;
	phone_begin(&o, "node");
	return o;
}

/* The tags as the node sees them. */
static void name_dialog(char *out, size_t cap, const struct phone *p)
{
	(void)snprintf(out, cap, "Target-Dialog: %s;local-tag=%s;remote-tag=%s\r\n", p->call_id,
		       p->remote_tag, p->tag);
}

static void refer_outside(struct phone *o, const struct phone *about, const char *extra)
{
	char target[600], lines[1000];

	name_dialog(target, sizeof(target), about);
	(void)snprintf(lines, sizeof(lines),
		       "Refer-To: <sip:1004@test.local>\r\nRequire: tdialog\r\n%s%s", target,
		       extra);
	phone_request(o, "REFER", lines, "");
}

/* Its REFER is accepted, in a dialog of its own, and C rings. */
static void give_outside(struct trio *t, struct phone *o, const struct phone *about)
{
	struct bytes m;

	refer_outside(o, about, "");
	m = phone_hears(o, "SIP/2.0 202");
	assert_true(m.n);
	assert_true(rig_has(m, "\r\nContact: <sip:"));
	assert_string_not_equal(o->remote_tag, about->remote_tag);
	assert_notified(o, RINGING, "Subscription-State: active");
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
}

static void given_away(void **state)
{
	struct trio *t = *state;
	struct phone o;
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	give_outside(t, &o, &t->l.b);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	m = rig_take(t->l.r, &t->l.b.addr, "NOTIFY ");
	assert_true(rig_has(m, "SIP/2.0 200 OK\r\n") && rig_has(m, OVER));
	assert_true(bytes_is(rig_header(m, "Call-ID"), o.call_id));
	assert_true(rig_has(rig_header(m, "From"), o.remote_tag));
	assert_true(rig_has(rig_header(m, "To"), ";tag=beside"));
	phone_answer(&o, m, "200 OK", "");
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* The tags the other way round are meant the same. */
static void tags_swapped(void **state)
{
	struct trio *t = *state;
	struct phone o, about;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.a);
	about = t->l.a;
	memcpy(about.tag, t->l.a.remote_tag, sizeof(about.tag));
	memcpy(about.remote_tag, t->l.a.tag, sizeof(t->l.a.tag));
	refer_outside(&o, &about, "");
	assert_true(phone_hears(&o, "SIP/2.0 202").n);
	assert_true(phone_rings(&t->c).n);
}

static void nobody_takes_it(void **state)
{
	struct trio *t = *state;
	struct phone o;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	give_outside(t, &o, &t->l.b);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_notified(&o, "SIP/2.0 486 Busy Here\r\n", OVER);
	trio_assert_talks(t->l.r, 0, 1);
	o = beside(&t->l.b);
	give_outside(t, &o, &t->l.b); /* and once more */
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 491").n);
	o = beside(&t->l.b);
	refer_outside(&o, &t->l.b, "");
	assert_true(phone_hears(&o, "SIP/2.0 491").n);
}

/* RFC 4488: it makes no dialog. */
static void without_subscription(void **state)
{
	struct trio *t = *state;
	struct phone o;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	refer_outside(&o, &t->l.b, "Refer-Sub: false\r\nRequire: norefersub\r\n");
	assert_true(rig_has(phone_hears(&o, "SIP/2.0 202"), "\r\nRefer-Sub: false\r\n"));
	assert_true(phone_rings(&t->c).n);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	trio_assert_left(&t->l.b);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "NOTIFY "), 0);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Who gave it away hangs up, and still hears what becomes of it. */
static void transferor_has_left(void **state)
{
	struct trio *t = *state;
	struct phone o;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	give_outside(t, &o, &t->l.b);
	phone_request(&t->l.b, "BYE", "", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&o, "SIP/2.0 200 OK\r\n", OVER);
	rig_wait_ms(t->l.r, 1000);
	give_away(t, &t->l.a); /* that one is over */
}

static void refused(void **state)
{
	static const struct {
		const char *extra, *status;
	} rows[] = {
		{ "", "SIP/2.0 405" },
		{ "Target-Dialog: x\r\n", "SIP/2.0 400" },
		{ "Target-Dialog: x;local-tag=1;remote-tag=2\r\n"
		  "Target-Dialog: x;local-tag=1;remote-tag=2\r\n",
		  "SIP/2.0 400" },
		{ "Target-Dialog: x;local-tag=1;remote-tag=2\r\n", "SIP/2.0 481" },
	};
	struct trio *t = *state;
	struct phone o;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		phone_request(&o, "REFER", rows[i].extra, "");
		assert_true(rig_take(t->l.r, &o.addr, rows[i].status).n);
	}
	o = beside(&t->c); /* a stranger's */
	refer_outside(&o, &t->l.b, "");
	assert_true(rig_take(t->l.r, &o.addr, "SIP/2.0 403").n);
	o = beside(&t->l.a); /* the other party's */
	refer_outside(&o, &t->l.b, "");
	assert_true(rig_take(t->l.r, &o.addr, "SIP/2.0 403").n);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	phone_request(&t->l.b, "BYE", "", "");
	o = beside(&t->l.b);
	refer_outside(&o, &t->l.b, "");
	assert_true(rig_take(t->l.r, &o.addr, "SIP/2.0 481").n);
}

/* Before somebody has answered there is nobody to be given away. */
static void too_early(void **state)
{
	struct trio *t = *state;
	struct phone o;

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "180 Ringing", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 180").n);
	o = beside(&t->l.a);
	refer_outside(&o, &t->l.a, "");
	assert_true(rig_take(t->l.r, &o.addr, "SIP/2.0 403").n);
}

/* Whom it trusts for nothing it asks for credentials. */
static void is_asked_who_it_is(void **state)
{
	struct trio *t = *state;
	struct phone o;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	o.addr = rig_addr("203.0.113.5:5060");
	refer_outside(&o, &t->l.b, "");
	assert_true(rig_take(t->l.r, &o.addr, "SIP/2.0 407").n);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
}

/* The dialog is in the record: the next process says there what became of it. */
static void after_a_restart(void **state)
{
	struct trio *t = *state;
	struct phone o;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	give_outside(t, &o, &t->l.b);
	trio_restart_last(t);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&o, "SIP/2.0 200 OK\r\n", OVER);
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Its 202 was lost with the process that said it: the same one comes again, with the same tag. */
static void refer_comes_again(void **state)
{
	struct trio *t = *state;
	char tag[256];
	struct phone o;

	phones_talk(&t->l.a, &t->l.b);
	o = beside(&t->l.b);
	give_outside(t, &o, &t->l.b);
	memcpy(tag, o.remote_tag, sizeof(tag));
	trio_restart_last(t);
	o.remote_tag[0] = '\0';
	o.cseq--;
	refer_outside(&o, &t->l.b, "");
	assert_true(phone_hears(&o, "SIP/2.0 202").n);
	assert_string_equal(o.remote_tag, tag);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_notified(&o, "SIP/2.0 486 Busy Here\r\n", OVER);
}

/* RFC 4538 5, RFC 4488 4 */
static void is_announced(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	phone_begin(&t->l.a, "1002");
	phone_request(&t->l.a, "OPTIONS", "", "");
	m = rig_header(phone_hears(&t->l.a, "SIP/2.0 200"), "Supported");
	assert_true(rig_has(m, "tdialog") && rig_has(m, "norefersub"));
	phones_talk(&t->l.a, &t->l.b);
	m = rig_header(t->l.b.invite, "Supported");
	assert_true(rig_has(m, "tdialog") && rig_has(m, "norefersub"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TRIO_TEST(given_away),          TRIO_TEST(tags_swapped),
		TRIO_TEST(nobody_takes_it),     TRIO_TEST(without_subscription),
		TRIO_TEST(transferor_has_left), TRIO_TEST(refused),
		TRIO_TEST(too_early),           TRIO_TEST(is_asked_who_it_is),
		TRIO_TEST(after_a_restart),     TRIO_TEST(refer_comes_again),
		TRIO_TEST(is_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
