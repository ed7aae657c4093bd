/* SPDX-License-Identifier: Apache-2.0 */
/* What shards of a node have together, and what one of them leaves when another node has taken it. */
#include "sig/shard/shared_tables.h"

#include "sig/location/locations_state.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "tests/unit/sig/line.h"

enum { PAIRS = 100 };

struct two {
	struct line line; /* on the first shard */
	struct shard_shared_tables *shared_tables;
	struct shard *other;
	struct quota *quota;
};

static int two_setup(void **state)
{
	struct two *t = calloc(1, sizeof(*t));
	struct shard_settings s = rig_settings();
	struct quota_settings quotas = { .share = 100 };
	struct rand_source rand;
	struct rig *r;

	assert_non_null(t);
	rand_open_seed(&rand, 7);
	assert_int_equal(quota_open(&t->quota, &quotas, &rand), 0);
	assert_int_equal(shard_shared_tables_open(&t->shared_tables, &s, &rand), 0);
	s.shared_tables = t->shared_tables;
	s.quota = quota_of(t->quota);
	s.calls_max = 2;
	r = t->line.r = rig_open_with(&s);
	phones_open(r, &t->line.a, &t->line.b);
	s.number = 8;
	assert_int_equal(shard_open(&t->other, &s, r->locations, &r->rand, r->now), 0);
	*state = t;
	return 0;
}

static int two_teardown(void **state)
{
	struct two *t = *state;

	shard_close(t->other);
	rig_close(t->line.r);
	shard_shared_tables_close(t->shared_tables);
	quota_close(t->quota);
	free(t);
	return 0;
}
#define TWO_TEST(fn) cmocka_unit_test_setup_teardown(fn, two_setup, two_teardown)

static struct shard_counts counts(const struct shard *s)
{
	struct shard_counts c;

	shard_counts(s, &c);
	return c;
}

static uint64_t held(const struct two *t)
{
	uint64_t n = 0;

	for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++) {
		for (enum quota_item item = 0; item < QUOTA_HELD; item++)
			n += quota_held(t->quota, kind, item);
	}
	return n;
}

/* Ports that one has taken are nobody else's, and limits.calls is of all of them. */
static void ports_and_calls_are_of_all(void **state)
{
	struct two *t = *state;

	phones_talk(&t->line.a, &t->line.b);
	assert_int_equal(counts(t->line.r->shard).calls, 1);
	assert_int_equal(counts(t->other).calls, 0);
	assert_true(counts(t->other).ports_free < PAIRS);
	assert_int_equal(counts(t->other).ports_free, counts(t->line.r->shard).ports_free);
	assert_int_equal(t->shared_tables->calls, 1);
	t->shared_tables->calls++; /* as if the other one had it */
	phone_invite(&t->line.b, "1001", PHONE_SDP_B);
	assert_int_equal(rig_count(t->line.r, &t->line.b.addr, "SIP/2.0 503"), 1);
	t->shared_tables->calls--;
}

/* Flows are closed, nothing is sent, saved or told; ports and quotas are given back. */
static void silence(void **state)
{
	struct two *t = *state;
	struct rig *r = t->line.r;
	const struct effects *e;

	phones_talk(&t->line.a, &t->line.b);
	phone_request(&t->line.a, "BYE", "", ""); /* so a transaction waits */
	assert_true(held(t) > 0);
	shard_silence(r->shard, r->now);
	e = shard_effects(r->shard);
	for (uint32_t i = 0; i < e->count; i++)
		assert_int_equal(e->list[i].kind, EFFECT_MEDIA);
	assert_int_equal(counts(r->shard).calls, 0);
	assert_int_equal(counts(r->shard).txns, 0);
	assert_int_equal(counts(t->other).ports_free, PAIRS);
	assert_int_equal(t->shared_tables->calls, 0);
	assert_int_equal(held(t), 0);
	effects_clear(shard_effects(r->shard));
}

static void silence_of_a_call(void **state)
{
	struct two *t = *state;
	struct rig *r = t->line.r;
	const struct effects *e;
	uint32_t closes = 0;

	phones_talk(&t->line.a, &t->line.b);
	shard_silence(r->shard, r->now);
	e = shard_effects(r->shard);
	for (uint32_t i = 0; i < e->count; i++) {
		const struct request_media *media = e->list[i].request;

		closes += media->command->kind == MEDIA_FLOW_CLOSE;
	}
	assert_int_equal(e->count, 2);
	assert_int_equal(closes, 2);
	effects_clear(shard_effects(r->shard));
	rig_wait_ms(r, 70000);
	assert_int_equal(r->cdr_count, 0);
}

/* It was lost while the store was away and it was about to be given: that is over when it is this node's once more. */
static void silence_while_the_store_was_away(void **state)
{
	struct two *t = *state;
	struct rig *r = t->line.r;

	phones_talk(&t->line.a, &t->line.b);
	shard_hurry(r->shard, true, r->now);
	shard_degraded(r->shard, true, r->now);
	shard_degraded(r->shard, false, r->now);
	shard_degraded(r->shard, true, r->now);
	shard_silence(r->shard, r->now);
	effects_clear(shard_effects(r->shard));
	shard_join_again(r->shard);
	assert_false(counts(r->shard).degraded);
	assert_false(r->shard->host.hurries);
	assert_false(r->shard->assert_all);
	assert_false(wheel_is_running(&r->shard->assert_timer));
}

/* ---- whose a message is ---- */

static void names_of_shards(void **state)
{
	static const struct {
		const char *name, *text;
		bool response;
		uint16_t want;
	} rows[] = {
		{ "new", "To: <sip:1002@x>\r\n", false, 0 },
		{ "in a dialog of shard 7", "To: <sip:1002@x>;tag=003%s\r\n", false, 7 },
		{ "in a dialog of somebody", "To: <sip:1002@x>;tag=abc\r\n", false, 0 },
		{ "Replaces", "To: <sip:1@x>\r\nReplaces: c;to-tag=003%s;from-tag=y\r\n", false, 7 },
		{ "a tag wins",
		  "To: <sip:1@x>;tag=abc\r\nReplaces: c;to-tag=003%s;from-tag=y\r\n", false, 0 },
		{ "Target-Dialog",
		  "To: <sip:1@x>\r\nTarget-Dialog: c;local-tag=003%s;remote-tag=y\r\n", false, 7 },
		{ "an answer to us", "To: <sip:1002@x>;tag=abc\r\n", true, 7 },
	}, *row;
	const struct id_tag ours = { .call = UINT64_C(7) << 48, .leg = 1, .random = 99 };
	char tag[ID_TAG_LEN + 1] = "", branch[ID_BRANCH_LEN + 1] = "", text[1024], lines[512];
	struct message_error error;
	struct sip_message m;

	(void)state;
	id_tag_put(tag, &ours);
	id_branch_put(branch, &ours);
	EACH_ROW(row, rows)
	{
		const char *mark = strstr(row->text, "003%s");
		int n = mark ? (int)(mark - row->text) : (int)strlen(row->text);

		(void)snprintf(lines, sizeof(lines), "%.*s%s%s", n, row->text, mark ? tag : "",
			       mark ? mark + 5 : "");
		(void)snprintf(text, sizeof(text),
			       "%s\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=%s\r\n"
			       "From: <sip:1001@x>;tag=f\r\n%sCall-ID: c\r\nCSeq: 1 INVITE\r\n"
			       "Max-Forwards: 9\r\nContent-Length: 0\r\n\r\n",
			       row->response ? "SIP/2.0 200 OK" : "INVITE sip:1002@x SIP/2.0",
			       row->response ? branch : "z9hG4bKabc", lines);
		ROW_ASSERT(row->name, !message_parse(&m, bytes_str(text), &error));
		ROW_ASSERT(row->name, shard_name(&m) == row->want);
		message_close(&m);
	}
}

/* A shard that stops leaves what goes on without it: nobody calls it any more. */
static void a_shard_leaves(void **state)
{
	struct two *t = *state;
	const struct locations *l = t->line.r->locations;
	const struct shard *first = t->line.r->shard;

	assert_ptr_equal(l->users, &t->other->locations_user);
	assert_ptr_equal(l->users->next, &first->locations_user);
	assert_ptr_equal(t->shared_tables->shards, t->other);
	shard_close(t->other);
	t->other = NULL;
	assert_ptr_equal(l->users, &first->locations_user);
	assert_null(l->users->next);
	assert_ptr_equal(t->shared_tables->shards, first);
	phones_talk(&t->line.a, &t->line.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_TEST(ports_and_calls_are_of_all),
		TWO_TEST(a_shard_leaves),
		TWO_TEST(silence),
		TWO_TEST(silence_of_a_call),
		TWO_TEST(silence_while_the_store_was_away),
		cmocka_unit_test(names_of_shards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
