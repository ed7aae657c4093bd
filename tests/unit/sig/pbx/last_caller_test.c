/* SPDX-License-Identifier: Apache-2.0 */
/* FEATURES REG-20: who called last is called back by a code, also by another process; who hid his number is not. */
#include "tests/unit/sig/line.h"

#define CODE "#69"

static void put_code(struct rig *r, const char *code)
{
	(void)snprintf(r->settings.codes.code[FEATURE_LAST_CALLER], FEATURE_CODE_LEN, "%s", code);
	shard_configure(r->shard, &r->settings);
}

static int code_setup(void **state)
{
	int err = line_setup(state);

	if (!err)
		put_code(((struct line *)*state)->r, CODE);
	return err;
}

#define CODE_TEST(fn) cmocka_unit_test_setup_teardown(fn, code_setup, line_teardown)

/* A calls B, who is busy. */
static void a_calls_b(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "486 Busy Here", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	phone_write(&l->a, "ACK", "", "");
	rig_run(l->r);
}

static void b_calls_back(struct line *l)
{
	phone_invite(&l->b, CODE, PHONE_SDP_B);
	rig_run(l->r);
}

static const struct rig_kept *last_kept(const struct rig *r)
{
	assert_true(r->kept_count);
	return &r->kept[(r->kept_count - 1) % RIG_LOOKUPS_MAX];
}

static void told(struct line *l, enum kv_result result, const char *value)
{
	const struct rig_kept *asked = last_kept(l->r);

	rig_reply(l->r, (struct reply){ .ask = ASK_KV,
					.of = asked->call,
					.kept = { .serial = asked->serial,
						  .result = result,
						  .value = bytes_str(value) } });
	rig_run(l->r);
}

/* Nobody waits for it: it costs no round trip. It is asked for before the call is saved: who rings is kept. */
static void is_kept(void **state)
{
	struct line *l = *state;
	const struct rig_kept *kept;

	l->r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	assert_int_equal(l->r->kept_count, 1);
	kept = last_kept(l->r);
	assert_int_equal(kept->what, KV_LAST_CALLER);
	assert_int_equal(kept->serial, 0);
	assert_true(kept->ttl_ms > 0);
	assert_string_equal(kept->tenant, "default");
	assert_string_equal(kept->user, "1002");
	assert_string_equal(kept->value, "1001");
}

/* Of calls that he has sent elsewhere, or did not want, nothing is. */
static void is_not_kept(void **state)
{
	struct shard_forward f = { .do_not_disturb = true };
	struct line *l = *state;

	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(l->r->kept_count, 0);
}

static void without_a_code(void **state)
{
	struct line *l = *state;

	put_code(l->r, "");
	a_calls_b(l);
	assert_int_equal(l->r->kept_count, 0);
}

/* RFC 3323. */
static void hidden(void **state)
{
	struct line *l = *state;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", "Privacy: id\r\n", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	assert_string_equal(last_kept(l->r)->value, "anonymous");
}

/* The INVITE to A is as if B had dialled A's number, and so is the CDR. */
static void is_called_back(void **state)
{
	struct line *l = *state;
	struct bytes m;

	a_calls_b(l);
	b_calls_back(l);
	assert_int_equal(l->r->kept_count, 2);
	assert_int_equal(last_kept(l->r)->ttl_ms, 0);
	assert_string_equal(last_kept(l->r)->user, "1002");
	told(l, KV_OK, "1001");
	m = phone_rings(&l->a);
	assert_true(rig_has(rig_header(m, "From"), "<sip:1002@"));
	assert_true(rig_has(rig_header(m, "To"), "<sip:1001@"));
	assert_false(rig_has(m, "Diversion:"));
	assert_string_equal(last_kept(l->r)->user, "1001"); /* he may call back in turn */
	assert_string_equal(last_kept(l->r)->value, "1002");
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	phone_ack(&l->b);
	rig_run(l->r);
	phone_request(&l->b, "BYE", "", "");
	rig_run(l->r);
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
	rig_wait_ms(l->r, 40000);
	assert_int_equal(l->r->cdr_count, 2);
	assert_string_equal(l->r->cdrs[1].from, "1002");
	assert_string_equal(l->r->cdrs[1].to, "1001");
	assert_int_equal(l->r->cdrs[1].sip_status, 200);
}

static void refused(void **state)
{
	static const struct {
		const char *name;
		enum kv_result result;
		const char *value, *status, *why;
	} rows[] = {
		{ "nobody", KV_NONE, "", "SIP/2.0 404", "nobody has called yet" },
		{ "hidden", KV_OK, "anonymous", "SIP/2.0 404", "did not show a number" },
		{ "without a number", KV_OK, "", "SIP/2.0 404", "did not show a number" },
		{ "not known", KV_UNKNOWN, "", "SIP/2.0 503", "last caller is not known" },
		{ "no number that he could dial", KV_OK, "4711", "SIP/2.0 403", "may not call" },
	}, *row;
	struct line *l = *state;

	EACH_ROW(row, rows)
	{
		struct bytes m;

		b_calls_back(l);
		told(l, row->result, row->value);
		m = phone_hears(&l->b, row->status);
		ROW_ASSERT(row->name, m.n && rig_has(rig_header(m, "Warning"), row->why));
		phone_write(&l->b, "ACK", "", "");
		rig_wait_ms(l->r, 40000);
	}
}

/* An answer of an earlier question says nothing; without one the caller is refused in time. */
static void late(void **state)
{
	struct line *l = *state;

	b_calls_back(l);
	l->r->kept[(l->r->kept_count - 1) % RIG_LOOKUPS_MAX].serial ^= 2;
	told(l, KV_OK, "1001");
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 0);
	rig_wait_ms(l->r, 5100);
	assert_true(phone_hears(&l->b, "SIP/2.0 503").n);
	phone_ack(&l->b);
	line_assert_idle(l->r);
}

/* kill -9 while it is asked for: the next process asks again. */
static void is_asked_again(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };
	uint64_t serial;

	b_calls_back(l);
	serial = last_kept(l->r)->serial;
	assert_int_equal(text_set(&record, line_stored(l)), 0);
	line_restart(l, text_bytes(&record));
	text_clear(&record);
	assert_int_equal(l->r->kept_count, 2);
	assert_true(last_kept(l->r)->serial != serial);
	told(l, KV_OK, "1001");
	assert_true(phone_rings(&l->a).n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CODE_TEST(is_kept), CODE_TEST(is_not_kept),    CODE_TEST(without_a_code),
		CODE_TEST(hidden),  CODE_TEST(is_called_back), CODE_TEST(refused),
		CODE_TEST(late),    CODE_TEST(is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
