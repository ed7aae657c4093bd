/* SPDX-License-Identifier: Apache-2.0 */
/* The lists that follow from the list of features: who has a hook is asked, in which order, and each order and event is one module's. */
#include <string.h>

#include "sig/call/module.h"
#include "sig/call/number_claim.h"
#include "sig/feature/features.h"
#include "sig/host/host.h"
#include "sig/shard/hooks.h"
#include "sig/subscription/package.h"
#include "tests/unit/test.h"

extern const struct event_package messages_package;

/* Of hooks with rows by kind, which each are one module's or do not mind each other, the order says nothing. */
static const struct {
	enum module_hook hook;
	const char *names;
} g_orders[] = {
	{ HOOK_CODES, "park recording account" },
	{ HOOK_BEGUN, "account flow meetme last_caller set replace contact" },
	{ HOOK_REQUEST, "focus transfer park flow" },
	{ HOOK_REPEATED, "flow transfer focus" },
	{ HOOK_RESPONSE, "transfer hold flow" },
	{ HOOK_SAVED, "flow call_waiting retrieve set wake last_caller" },
	{ HOOK_OVERDUE, "flow park retrieve set wake last_caller contact" },
	{ HOOK_SETTLE,
	  "application transfer replace join park conference focus page call_waiting wake flow" },
	{ HOOK_FOLLOW, "recording media_stream charge" },
	{ HOOK_TAP, "recording media_stream" },
	{ HOOK_OVERLAY, "call_waiting recording" },
	{ HOOK_RELEASED, "flow recording media_stream" },
	{ HOOK_NEXT, "recording wake" },
	{ HOOK_RESUMED, "transfer park meetme focus recording media_stream contact" },
	{ HOOK_DIALOG, "recording" },
	{ HOOK_ANSWERING, "recording" },
	{ HOOK_SCREENED, "flow" },
	{ HOOK_ANSWERED, "flow announce" },
	{ HOOK_ESTABLISHED, "transfer set meetme" },
	{ HOOK_UNANSWERED, "flow transfer" },
	{ HOOK_LEG_LEFT, "transfer" },
	{ HOOK_PARTED, "flow" },
	{ HOOK_OVER, "flow transfer park conference" },
	{ HOOK_PROMPTED, "flow meetme" },
	{ HOOK_MESSAGE_START, "recording" },
	{ HOOK_MESSAGE_END, "recording" },
	{ HOOK_OUTSIDE, "flow charge" },
	{ HOOK_TAGGED, "account" },
	{ HOOK_ENDED, "charge" },
	{ HOOK_ADMIT, "forward last_caller call_waiting" },
	{ HOOK_DIALLED, "flow call_waiting park meetme wake" },
	{ HOOK_ANSWERS, "flow park meetme" },
	{ HOOK_HEADERS, "transfer retrieve remote_shard auto_answer" },
	{ HOOK_WITHHELD, "account" },
	{ HOOK_RECORD_TERMS, "queue" },
	{ HOOK_REACHED_AT, "queue" },
};

static const struct module *const *list_of(const struct module_lists *lists, enum module_hook hook)
{
	switch (hook) {
#define X(id, name)     \
	case HOOK_##id: \
		return lists->name;
		MODULE_HOOKS(X)
#undef X
	case MODULE_HOOK_COUNT:
		break;
	}
	return NULL;
}

static const char *name_of(const struct module *m)
{
	const struct feature *f = sig_features;

	while (f->name && f->call != m)
		f++;
	return f->name;
}

static void test_in_which_order(void **state)
{
	struct module_lists *lists = module_lists_create(sig_features);

	(void)state;
	assert_non_null(lists);
	for (size_t i = 0; i < COUNT_OF(g_orders); i++) {
		const struct module *const *m = list_of(lists, g_orders[i].hook);
		char names[512];
		struct writer w = writer_over((uint8_t *)names, sizeof(names) - 1);

		for (; *m; m++)
			WRITER_TEXTS(&w, w.n ? " " : "", name_of(*m));
		assert_true(w.n < sizeof(names));
		names[w.n] = '\0';
		assert_string_equal(names, g_orders[i].names);
	}
	module_lists_free(lists);
}

/* Beside the hooks are ranks, and screen_ms, which goes with screened. */
static void test_none_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct module) / sizeof(void *), MODULE_HOOK_COUNT + 2);
	assert_int_equal(COUNT_OF(g_orders), MODULE_HOOK_COUNT - 4);
}

static unsigned carriers(enum call_order_kind kind)
{
	unsigned n = 0;

	for (const struct feature *f = sig_features; f->name; f++) {
		const struct module_order *o = f->call ? f->call->orders : NULL;

		for (; o && o->carry_out; o++)
			n += o->kind == kind;
	}
	return n;
}

static void test_each_order_is_of_one_module(void **state)
{
	(void)state;
	for (int kind = ORDER_HOLD; kind <= ORDER_CANCEL; kind++)
		assert_int_equal(carriers((enum call_order_kind)kind), 1);
}

static const struct module *taker(enum call_event_kind kind)
{
	const struct module *m = NULL;

	for (const struct feature *f = sig_features; f->name; f++) {
		const struct module_event *e = f->call ? f->call->events : NULL;

		for (; e && e->on; e++) {
			assert_true(e->kind != kind || !m);
			m = e->kind == kind ? f->call : m;
		}
	}
	return m;
}

static void test_each_event_is_of_one_module(void **state)
{
	(void)state;
	for (int kind = 0; kind <= CALL_EV_MEET; kind++)
		(void)taker((enum call_event_kind)kind);
	assert_non_null(taker(CALL_EV_REFER));
}

/* As Allow-Events has them. */
static void test_packages(void **state)
{
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	package_write_allowed(&w, sig_features);
	assert_true(bytes_is(writer_done(&w), "Allow-Events: dialog, presence, reg, conference, "
					      "as-feature-event, message-summary\r\n"));
	assert_ptr_equal(package_find(sig_features, BYTES_LIT("Message-Summary")),
			 &messages_package);
	assert_null(package_find(sig_features, BYTES_LIT("user")));
}

/* Names between shards, conferences, other dialogs that are named, and any dialog. */
static void test_who_claims_a_number_first(void **state)
{
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	for (int rank = 0; rank <= 3; rank++) {
		for (const struct feature *f = sig_features; f->name; f++) {
			for (const struct number_claim *n = f->numbers; n && n->claim; n++) {
				if (n->rank == rank)
					WRITER_TEXTS(&w, f->name, " ");
			}
		}
	}
	assert_true(bytes_is(writer_done(&w),
			     "retrieve meetme conference replace focus transfer park replace "));
}

/* What calls may ask of features: each service is of one. */
static void test_services(void **state)
{
	unsigned rooms = 0, parking = 0, pickups = 0, queueing = 0;

	(void)state;
	for (const struct feature *f = sig_features; f->name; f++) {
		rooms += f->services && f->services->rooms;
		parking += f->services && f->services->parking;
		pickups += f->services && f->services->pickups;
		queueing += f->services && f->services->queueing;
	}
	assert_int_equal(rooms, 1);
	assert_int_equal(parking, 1);
	assert_int_equal(pickups, 1);
	assert_int_equal(queueing, 1);
}

/* What a shard hands on by kind is one feature's each. */
static void test_each_kind_is_of_one_feature(void **state)
{
	unsigned methods[SIP_UNKNOWN + 1] = { 0 }, remotes[REMOTE_KINDS] = { 0 }, timers = 0;

	(void)state;
	for (const struct feature *f = sig_features; f->name; f++) {
		const struct shard_method *m = f->shard ? f->shard->methods : NULL;
		const struct shard_remote_hook *r = f->shard ? f->shard->remotes : NULL;
		const struct shard_timer_hook *t = f->shard ? f->shard->timers : NULL;

		for (; m && m->receive; m++)
			methods[m->method]++;
		for (; r && r->heard; r++)
			remotes[r->kind] += !r->feature;
		for (; t && t->on; t++)
			timers++;
	}
	for (int method = 0; method <= SIP_UNKNOWN; method++)
		assert_int_equal(methods[method], method == SIP_SUBSCRIBE ||
							  method == SIP_MESSAGE ||
							  method == SIP_PUBLISH);
	for (int kind = 0; kind < REMOTE_KINDS; kind++)
		assert_int_equal(remotes[kind], kind == REMOTE_PICK || kind == REMOTE_PICKED ||
							kind == REMOTE_JOIN || kind == REMOTE_PAGE);
	assert_int_equal(timers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_which_order),
		cmocka_unit_test(test_none_is_forgotten),
		cmocka_unit_test(test_each_order_is_of_one_module),
		cmocka_unit_test(test_each_event_is_of_one_module),
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_who_claims_a_number_first),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_each_kind_is_of_one_feature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
