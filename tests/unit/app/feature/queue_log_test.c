/* SPDX-License-Identifier: Apache-2.0 */
/* Events of queues and agents as lines of Asterisk's queue_log. */
#include <string.h>

#include "app/feature/queue/queue.h"
#include "tests/unit/test.h"

#define CALL "\"utc_ms\":1796077894195,\"call\":\"000ah2t5f3b80\",\"queue\":\"sales\","

static const struct {
	const char *name, *event, *before, *line; /* NULL: none */
} rows[] = {
	{ "joined", "{\"type\":\"queue.joined\"," CALL "\"from\":\"10|01\"}", "",
	  "1796077894|000ah2t5f3b80|sales|NONE|ENTERQUEUE||10 01|" },
	{ "answered",
	  "{\"type\":\"queue.left\"," CALL
	  "\"reason\":\"answered\",\"agent\":\"1011\",\"queue_wait_s\":\"12\"}",
	  "", "1796077894|000ah2t5f3b80|sales|Agent/1011|CONNECT|12|000ah2t5f3b80|" },
	{ "abandoned",
	  "{\"type\":\"queue.left\"," CALL "\"reason\":\"abandoned\",\"queue_wait_s\":\"3\"}", "",
	  "1796077894|000ah2t5f3b80|sales|NONE|ABANDON|||3" },
	{ "timeout",
	  "{\"type\":\"queue.left\"," CALL "\"reason\":\"timeout\",\"queue_wait_s\":\"60\"}", "",
	  "1796077894|000ah2t5f3b80|sales|NONE|EXITWITHTIMEOUT|||60" },
	{ "key", "{\"type\":\"queue.left\"," CALL "\"reason\":\"key\",\"queue_wait_s\":\"4\"}", "",
	  "1796077894|000ah2t5f3b80|sales|NONE|EXITWITHKEY||||4" },
	{ "nobody there",
	  "{\"type\":\"queue.left\"," CALL "\"reason\":\"no_agents\",\"queue_wait_s\":\"0\"}", "",
	  "1796077894|000ah2t5f3b80|sales|NONE|EXITEMPTY|||0" },
	{ "the agent ends",
	  "{\"type\":\"queue.ended\"," CALL
	  "\"reason\":\"agent\",\"agent\":\"1011\",\"queue_wait_s\":\"12\",\"ms\":31999}",
	  "", "1796077894|000ah2t5f3b80|sales|Agent/1011|COMPLETEAGENT|12|31|" },
	{ "the caller ends",
	  "{\"type\":\"queue.ended\"," CALL
	  "\"reason\":\"caller\",\"agent\":\"1011\",\"queue_wait_s\":\"12\",\"ms\":1000}",
	  "", "1796077894|000ah2t5f3b80|sales|Agent/1011|COMPLETECALLER|12|1|" },
	{ "logs in",
	  "{\"type\":\"agent.state\",\"utc_ms\":5999,\"to\":\"1011\",\"state\":\"ready\"}", "out",
	  "5|NONE|NONE|Agent/1011|AGENTLOGIN|" },
	{ "is ready again",
	  "{\"type\":\"agent.state\",\"utc_ms\":5000,\"to\":\"1011\",\"state\":\"ready\"}",
	  "not_ready", "5|NONE|NONE|Agent/1011|UNPAUSEALL|" },
	{ "is not ready",
	  "{\"type\":\"agent.state\",\"utc_ms\":5000,\"to\":\"1011\",\"state\":\"not_ready\","
	  "\"reason\":\"a|b\\n\"}",
	  "ready", "5|NONE|NONE|Agent/1011|PAUSEALL|a b " },
	{ "logs out",
	  "{\"type\":\"agent.state\",\"utc_ms\":5000,\"to\":\"1011\",\"state\":\"out\"}", "ready",
	  "5|NONE|NONE|Agent/1011|AGENTLOGOFF||" },
	{ "wraps up",
	  "{\"type\":\"agent.state\",\"utc_ms\":5000,\"to\":\"1011\",\"state\":\"wrapup\"}",
	  "ready", NULL },
	{ "is through with it",
	  "{\"type\":\"agent.state\",\"utc_ms\":5000,\"to\":\"1011\",\"state\":\"ready\"}",
	  "wrapup", NULL },
	{ "disposition",
	  "{\"type\":\"agent.disposition\"," CALL "\"agent\":\"1011\",\"reason\":\"no sale\"}", "",
	  "1796077894|000ah2t5f3b80|sales|Agent/1011|CALLSTATUS|no sale" },
	{ "callback", "{\"type\":\"queue.callback\"," CALL "\"reason\":\"created\"}", "", NULL },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		json_t *event = json_loads(rows[i].event, 0, NULL);
		char space[512];
		struct writer w = writer_over(space, sizeof(space));
		bool is = queue_log_line(&w, event, rows[i].before);

		ROW_ASSERT(rows[i].name, event != NULL);
		ROW_ASSERT(rows[i].name, is == (rows[i].line != NULL));
		ROW_ASSERT(rows[i].name, !is || bytes_is(writer_done(&w), rows[i].line));
		json_decref(event);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
