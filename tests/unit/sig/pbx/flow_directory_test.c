/* SPDX-License-Identifier: Apache-2.0 */
/* The verb directory: who is meant by keys, how they are named, and which one is chosen. */
#include "sig/host/name_index.h"
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"

/* Keys 2374: BERG. */
#define FINDS(more)                                                                           \
	"{\"name\":\"main\",\"start\":\"who\",\"steps\":{"                                    \
	"\"who\":{\"directory\":{\"keys\":\"2374\",\"first_s\":4" more "},\"none\":\"none\"," \
	"\"timeout\":\"late\",\"next\":\"ring\"},"                                            \
	"\"ring\":{\"dial\":\"{number}\",\"busy\":\"none\",\"no_answer\":\"none\"},"          \
	"\"none\":{\"play\":[\"none\"]},\"late\":{\"play\":[\"late\"]}}}"

static void put_name(struct line *l, const char *number, const char *name)
{
	assert_int_equal(name_index_put(l->r->shard->shared_tables->names, TENANT_DEFAULT,
					bytes_str(number), bytes_str(name)),
			 0);
}

static void finds(struct line *l, const char *flow)
{
	call_flow(l, flow);
	is_answered(l);
}

/* A prompt is over, as when it has been heard. */
static void heard(struct line *l, const char *prompt)
{
	if (!plays(l, prompt))
		fail_msg("%s is played", l->r->played);
	played(l, PROMPT_REPLY_OPEN);
	played(l, PROMPT_REPLY_ENDED);
}

static void lacks(struct line *l, const char *prompt)
{
	if (!plays(l, prompt))
		fail_msg("%s is played", l->r->played);
	played(l, PROMPT_REPLY_FAILED);
}

static void test_one(void **state)
{
	struct line *l = *state;

	put_name(l, "1002", "Anna Berg");
	finds(l, FINDS(""));
	assert_true(phone_rings(&l->b).n);
	assert_int_equal(l->r->play_count, 0);
}

static void test_confirmed(void **state)
{
	struct line *l = *state;

	put_name(l, "1002", "Anna Berg");
	finds(l, FINDS(",\"confirm\":true"));
	heard(l, "prompt:name-1002");
	heard(l, "prompt:name-press");
	assert_true(plays(l, "digits:1"));
	assert_false(phone_rings(&l->b).n);
	press(l, '1');
	assert_true(phone_rings(&l->b).n);
}

static void test_none(void **state)
{
	struct line *l = *state;

	finds(l, FINDS(""));
	assert_true(plays(l, "prompt:none"));
}

/* A name that nobody has recorded is spoken, or else its number is said. */
static void test_several(void **state)
{
	struct line *l = *state;

	put_name(l, "1002", "Otto Berg");
	put_name(l, "1003", "Anna Berg");
	finds(l, FINDS(""));
	lacks(l, "prompt:name-1003");
	assert_true(bytes_starts(bytes_str(l->r->played), "text:::"));
	played(l, PROMPT_REPLY_FAILED);
	heard(l, "digits:1003");
	heard(l, "prompt:name-press");
	heard(l, "digits:1");
	heard(l, "prompt:name-1002");
	heard(l, "prompt:name-press");
	heard(l, "digits:2");
	assert_false(phone_rings(&l->b).n);
	press(l, '2');
	assert_true(phone_rings(&l->b).n);
}

static void test_nobody_chosen(void **state)
{
	struct line *l = *state;

	put_name(l, "1002", "Otto Berg");
	put_name(l, "1003", "Anna Berg");
	finds(l, FINDS(""));
	press(l, '7'); /* on to the next one */
	heard(l, "prompt:name-1002");
	heard(l, "prompt:name-press");
	heard(l, "digits:2");
	rig_wait_ms(l->r, 4100);
	assert_true(plays(l, "prompt:late"));
}

/* The next process goes on with the same name of the same list, though it knows other names. */
static void test_restart(void **state)
{
	struct line *l = *state;

	put_name(l, "1002", "Otto Berg");
	put_name(l, "1003", "Anna Berg");
	finds(l, FINDS(""));
	heard(l, "prompt:name-1003");
	line_restart(l, line_stored(l));
	put_program(l->r, "", FINDS(""));
	put_name(l, "1001", "Adam Berg");
	rig_reply(l->r, (struct reply){ .ask = ASK_PROGRAM,
					.of = application_call(l->r),
					.program = { .serial = l->r->program, .found = true } });
	rig_run(l->r);
	heard(l, "prompt:name-press");
	heard(l, "digits:1");
	assert_true(plays(l, "prompt:name-1002"));
	press(l, '2');
	assert_true(phone_rings(&l->b).n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_one),     LINE_TEST(test_confirmed),     LINE_TEST(test_none),
		LINE_TEST(test_several), LINE_TEST(test_nobody_chosen), LINE_TEST(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
