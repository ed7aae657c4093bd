/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms for conferences as a whole node has them: by commands, in Redis, and when they are dialled. */
#include "tests/unit/app/node/node_rig.h"

/* CONF-01: no other meaning of its number, and PINs that nobody is shown, in an answer, in Redis or in the log. */
static void test_rooms(void **state)
{
	static const char put[] = "{\"number\":\"700\",\"pin\":\"515151\",\"host_pin\":\"626262\"}";

	(void)state;
	node_start_up();
	(void)ask("extension.put", "{\"number\":\"1\",\"password\":\"secret\"}");
	assert_non_null(strstr(ask("room.put", put), "\"has_pin\":true,\"has_host_pin\":true"));
	assert_non_null(strstr(ask("room.list", "{}"), "\"number\":\"700\""));
	assert_non_null(strstr(ask("room.put", "{\"number\":\"700\",\"pin\":\"off\"}"),
			       "\"has_pin\":false,\"has_host_pin\":true"));
	assert_non_null(strstr(ask("room.put", "{\"number\":\"700\",\"pin\":\"12\"}"),
			       "\"bad_argument\",\"argument\":\"pin\""));
	assert_non_null(strstr(ask("room.put", "{\"number\":\"700\",\"pin\":\"626262\"}"),
			       "\"bad_argument\",\"argument\":\"host_pin\""));
	assert_non_null(strstr(ask("room.put", "{\"number\":\"701\",\"wait_for_host\":true}"),
			       "\"argument\":\"wait_for_host\""));
	assert_non_null(
		strstr(ask("room.put", "{\"number\":\"1\"}"), "extension 1 has this number"));
	assert_non_null(
		strstr(ask("room.put", "{\"number\":\"**1\"}"), "begins with a feature code"));
	assert_non_null(strstr(ask("extension.put", "{\"number\":\"700\",\"password\":\"secret\"}"),
			       "room 700 has this number"));
	assert_non_null(strstr(ask("dialplan.check", "{\"from\":\"1\",\"number\":\"700\"}"),
			       "\"meaning\":\"room\""));
	assert_null(strstr(server_ask(&g_redis, "HGET td:{t:default}:doc:room 700"), "62626"));
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	assert_non_null(strstr(ask("room.show", "{\"number\":\"700\"}"), "\"has_host_pin\":true"));
	assert_non_null(strstr(ask("room.delete", "{\"number\":\"700\"}"), "\"ok\":true"));
	assert_non_null(strstr(ask("room.show", "{\"number\":\"700\"}"), "there is no such room"));
	assert_null(strstr(ask("dialplan.check", "{\"from\":\"1\",\"number\":\"700\"}"),
			   "\"meaning\":\"room\""));
	assert_false(log_has("515151") || log_has("626262"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* Who has lost the keys has lost the PINs: nobody comes in without one until they are set again. */
static void test_other_keys(void **state)
{
	static const char check[] = "{\"from\":\"1\",\"number\":\"700\"}";
	char keys[64];

	(void)state;
	node_start_up();
	(void)ask("room.put", "{\"number\":\"700\",\"pin\":\"515151\"}");
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
	(void)snprintf(keys, sizeof(keys), "%s/keys", g_dir);
	assert_int_equal(unlink(keys), 0);
	assert_int_equal(keys_create(keys), 0);
	node_start_up();
	assert_true(log_has("a room's PINs were sealed with other keys"));
	(void)ask("extension.put", "{\"number\":\"1\",\"password\":\"secret\"}");
	assert_null(strstr(ask("dialplan.check", check), "\"meaning\":\"room\""));
	assert_non_null(strstr(ask("room.show", "{\"number\":\"700\"}"), "\"pins_valid\":false"));
	assert_non_null(strstr(ask("room.put", "{\"number\":\"700\",\"name\":\"Board\"}"),
			       "\"missing_argument\",\"argument\":\"pin\""));
	assert_non_null(strstr(ask("room.put", "{\"number\":\"700\",\"pin\":\"1234\"}"),
			       "\"missing_argument\",\"argument\":\"host_pin\""));
	assert_non_null(strstr(ask("room.put",
				   "{\"number\":\"700\",\"pin\":\"1234\",\"host_pin\":\"off\"}"),
			       "\"has_pin\":true,\"has_host_pin\":false"));
	assert_non_null(strstr(ask("dialplan.check", check), "\"meaning\":\"room\""));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(test_rooms),
		NODE_TEST(test_other_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
