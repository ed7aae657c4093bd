/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of modules: who has a hook is in its list, once, and each order is one module's. */
#include <stddef.h>
#include <string.h>

#include "sig/call/module.h"
#include "tests/unit/test.h"

typedef void (*hook_fn)(void);

static const struct {
	const char *name;
	size_t list, hook;
} g_hooks[] = {
#define HOOK(x)                                                                  \
	{                                                                        \
#x, offsetof(struct module_lists, x), offsetof(struct module, x) \
	}
	HOOK(orders),    HOOK(events),        HOOK(codes),       HOOK(replied),    HOOK(begun),
	HOOK(request),   HOOK(repeated),      HOOK(response),    HOOK(saved),      HOOK(overdue),
	HOOK(settle),    HOOK(follow),        HOOK(tap),         HOOK(overlay),    HOOK(released),
	HOOK(deadlines), HOOK(resumed),       HOOK(established), HOOK(unanswered), HOOK(leg_left),
	HOOK(over),      HOOK(prompted),      HOOK(admit),       HOOK(dialled),    HOOK(headers),
	HOOK(answered),  HOOK(outside),       HOOK(ended),       HOOK(dialog),     HOOK(answering),
	HOOK(next),      HOOK(message_begin), HOOK(message_end), HOOK(parted),     HOOK(screened),
	HOOK(tagged),    HOOK(answers),
};

static const struct module *const *list_at(size_t offset)
{
	const struct module *const *list;

	memcpy(&list, (const char *)&modules + offset, sizeof(list));
	return list;
}

static bool module_has(const struct module *m, size_t offset)
{
	hook_fn fn;

	memcpy(&fn, (const char *)m + offset, sizeof(fn));
	return fn;
}

static unsigned times_in(const struct module *const *list, const struct module *m)
{
	unsigned n = 0;

	for (; *list; list++)
		n += *list == m;
	return n;
}

static void test_each_hook_has_its_modules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_hooks); i++) {
		const struct module *const *list = list_at(g_hooks[i].list);

		for (const struct module *const *m = modules.all; *m; m++) {
			if (times_in(list, *m) != module_has(*m, g_hooks[i].hook))
				fail_msg("%s of %s", g_hooks[i].name, (*m)->name);
		}
		for (; *list; list++)
			assert_int_equal(times_in(modules.all, *list), 1);
	}
}

/* All that a hook or a list could be is looked at; beside these are the name, and screen_ms, which goes with screened. */
static void test_none_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct module_lists) / sizeof(void *), COUNT_OF(g_hooks) + 1);
	assert_int_equal(sizeof(struct module) / sizeof(void *), COUNT_OF(g_hooks) + 2);
}

static unsigned carriers(enum call_order_kind kind)
{
	unsigned n = 0;

	for (const struct module *const *m = modules.orders; *m; m++) {
		for (const struct module_order *o = (*m)->orders; o->carry_out; o++)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_hook_has_its_modules),
		cmocka_unit_test(test_none_is_forgotten),
		cmocka_unit_test(test_each_order_is_of_one_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
