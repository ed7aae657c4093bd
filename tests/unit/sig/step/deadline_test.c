/* SPDX-License-Identifier: Apache-2.0 */
/* Every deadline of a call is in one table, the call's timer is aimed at it, and what is over is handled once, in the written order. */
#include "sig/call/module.h"
#include "sig/feature/features.h"
#include "sig/pbx/recording/siprec.h"
#include "sig/shard/shard_state.h"
#include "sig/step/step.h"
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/null_services.h"

enum { TABLES_MAX = 32, OWNER_SIZE = 16384 };

/* Where a field is that is a deadline, or is none: those count below. */
static const char *const HEADERS[] = {
	"../sig/model/call.h",    "../sig/model/leg.h",      "../sig/model/plan.h",
	"../sig/model/park.h",    "../sig/model/transfer.h", "../sig/model/recording.h",
	"../sig/call/prompts.h",  "../sig/call/resolve.h",   "../sig/leg/dtmf.h",
	"../sig/dialog/dialog.h", "../sig/model/flow_run.h",
};

enum {
	/* Moments that nobody waits for: tone_ns of a leg and of a recording, rings_until_ns of a parked call, until_ns of a leg's ACK,
	 * screen_ns of an INVITE, whose first of all legs is a row of the flow; due_ns of a step of the plan, whose first is a row of what is
	 * resolved; modules_ns; and announce_ns and confirm_ns of a caller in a queue, of
	 * which queue_ns is made. */
	FIELDS_NOT_WAITED_FOR = 9,
	/* struct session_timer is of a leg and of a recording */
	FIELDS_TWICE = 2,
};

/* "_ns" of each line that declares a uint64_t. */
static uint32_t fields_of(const char *header)
{
	FILE *f = fopen(header, "r");
	uint32_t n = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "uint64_t ");
		char *end = strchr(line, ';');

		if (end)
			*end = '\0';
		if (!at || !end || strchr(line, '('))
			continue;
		for (at = strstr(at, "_ns"); at; at = strstr(at + 1, "_ns"))
			n++;
	}
	fclose(f);
	return n;
}

/* All tables; the first of_call ones are of the call itself. */
static uint32_t tables(const struct deadline *out[TABLES_MAX], uint32_t *of_call)
{
	uint32_t n = 0;

	out[n++] = call_deadlines;
	out[n++] = call_late_deadlines;
	out[n++] = settle_deadlines;
	for (const struct feature *f = sig_features; f->name; f++) {
		if (f->call && f->call->deadlines)
			out[n++] = f->call->deadlines;
	}
	*of_call = n;
	out[n++] = leg_deadlines;
	out[n++] = siprec_deadlines;
	assert_true(n <= TABLES_MAX);
	return n;
}

static uint32_t rows_of(const struct deadline *table)
{
	uint32_t n = 0;

	while (table[n].at)
		n++;
	return n;
}

static uint32_t times_in(const struct deadline *table, const struct deadline *d)
{
	uint32_t n = 0;

	for (const struct deadline *t = table; t->at; t++)
		n += (t->owner == d->owner && t->at == d->at) || !strcmp(t->name, d->name);
	return n;
}

static void each_is_in_one_table(void **state)
{
	const struct deadline *all[TABLES_MAX];
	uint32_t of_call, n = tables(all, &of_call), rows = 0, fields = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(HEADERS); i++)
		fields += fields_of(HEADERS[i]);
	for (uint32_t i = 0; i < n; i++) {
		rows += rows_of(all[i]);
		for (const struct deadline *d = all[i]; d->at; d++) {
			uint32_t times = 0;

			for (uint32_t j = 0; j < of_call; j++)
				times += i < of_call ? times_in(all[j], d) : 0;
			assert_int_equal(i < of_call ? times : times_in(all[i], d), 1);
		}
	}
	assert_int_equal(rows, fields - FIELDS_NOT_WAITED_FOR + FIELDS_TWICE);
}

/* The field of a row. *made: an owner that was not there, to be given to owner_drop. */
static uint64_t *field_of(const struct deadline *d, void *object, void **made)
{
	uint8_t *owner = object;

	*made = NULL;
	if (d->owner) {
		memcpy(&owner, (uint8_t *)object + d->owner, sizeof(owner));
		if (!owner) {
			owner = *made = calloc(1, OWNER_SIZE);
			memcpy((uint8_t *)object + d->owner, &owner, sizeof(owner));
		}
	}
	assert_non_null(owner);
	return (uint64_t *)(void *)(owner + d->at);
}

static void owner_drop(const struct deadline *d, void *object, void *made)
{
	if (made)
		memset((uint8_t *)object + d->owner, 0, sizeof(made));
	free(made);
}

static bool records_differ(const struct call_host *h, const struct call *c, uint64_t *field)
{
	struct text without = { 0 }, with = { 0 };
	bool differ;

	*field = 0;
	assert_int_equal(call_encode(h, c, &without), 0);
	*field = h->now.ns + 60 * NS_PER_S;
	assert_int_equal(call_encode(h, c, &with), 0);
	differ = !bytes_eq(text_bytes(&without), text_bytes(&with));
	text_clear(&without);
	text_clear(&with);
	return differ;
}

/* Of an object of a call that talks: each row alone. */
static void check_table(const struct deadline *table, void *object, struct shard *s, struct call *c)
{
	for (const struct deadline *d = table; d->at; d++) {
		void *made;
		uint64_t *field = field_of(d, object, &made), before = *field;
		bool on = !d->on || d->on(c);

		if (records_differ(&s->host, c, field) != d->saved)
			fail_msg("the record and the table differ: %s", d->name);
		*field = 1;
		if ((call_deadlines_next(&s->host, c) == 1) != on)
			fail_msg("the timer of the call does not know: %s", d->name);
		*field = 0;
		assert_true(call_deadlines_next(&s->host, c) > s->host.now.ns);
		*field = before;
		owner_drop(d, object, made);
	}
}

static void timer_and_record_know_each(void **state)
{
	const struct deadline *all[TABLES_MAX];
	struct line *l = *state;
	struct shard *s = l->r->shard;
	uint32_t of_call;
	struct call *c;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(l->r, 100);
	c = shard_call_find(s, l->r->saves[0].call);
	assert_non_null(c);
	(void)tables(all, &of_call);
	for (uint32_t i = 0; i < of_call; i++)
		check_table(all[i], c, s, c);
	c->legs[0]->timer.interval_s = 1800; /* else none of it is saved */
	check_table(leg_deadlines, c->legs[0], s, c);
	assert_null(c->recordings);
	c->recordings = calloc(1, sizeof(*c->recordings));
	c->recordings->count = 1;
	c->recordings->list[0] = (struct recording){ .number = 1, .siprec = siprec_make() };
	check_table(siprec_deadlines, c->recordings->list[0].siprec, s, c);
	siprec_free(c->recordings->list[0].siprec);
	free(c->recordings);
	c->recordings = NULL;
}

/* ---- what is over ---- */

static char g_ran[8];

static void ran(char what)
{
	g_ran[strlen(g_ran)] = what;
}

static void first_due(struct call_host *h, struct call *c)
{
	ran('1');
	assert_int_equal(c->ring_ns, 0);
	c->ring_ns = h->now.ns; /* it is due again, with the next round */
	free(c->park);
	c->park = NULL; /* and nobody parks any more */
}

static void second_due(struct call_host *h, struct call *c)
{
	(void)h;
	(void)c;
	ran('2');
}

static void index_due(struct call_host *h, struct call *c, uint8_t index)
{
	(void)h;
	(void)c;
	ran((char)('a' + index));
}

static bool is_video(const struct call *c)
{
	return c->video;
}

static void over_is_handled_in_order(void **state)
{
	static const struct deadline table[] = {
		{ .name = "first", .at = offsetof(struct call, ring_ns), .due = first_due },
		{ .name = "gone",
		  .owner = offsetof(struct call, park),
		  .at = offsetof(struct park, again_ns),
		  .due = second_due },
		{ .name = "nobody", .at = offsetof(struct call, flows_ns) },
		{ .name = "second", .at = offsetof(struct call, toll_ns), .due = second_due },
		{ .name = "off", .at = offsetof(struct call, save_ns), .due = second_due },
		{ .name = "not now",
		  .at = offsetof(struct call, meet_ns),
		  .on = is_video,
		  .due_of = index_due },
		{ 0 },
	};
	struct call_host h = { .now = { .ns = 5000 }, .services = &null_services };
	struct call c = { .ring_ns = 5000, .flows_ns = 1, .toll_ns = 4999, .meet_ns = 1 };

	(void)state;
	c.park = calloc(1, sizeof(*c.park));
	c.park->again_ns = 4000;
	deadlines_handle(table, &h, &c);
	assert_string_equal(g_ran, "12");
	assert_int_equal(c.flows_ns, 0);
	assert_int_equal(c.toll_ns, 0);
	assert_int_equal(c.meet_ns, 1);
	c.video = true;
	c.save_ns = 5001;
	deadline_handle(&table[5], &c, &h, &c, 2);
	assert_string_equal(g_ran, "12c");
	assert_int_equal(c.save_ns, 5001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_in_one_table),
		LINE_TEST(timer_and_record_know_each),
		cmocka_unit_test(over_is_handled_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
