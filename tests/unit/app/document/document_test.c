/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions, codec profiles and ranges through a whole node: rules, order, restart. */
#include "tests/unit/app/node/node_rig.h"

struct step {
	const char *command, *args, *want;
};

static void take(const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *text = ask(steps[i].command, steps[i].args);

		if (!strstr(text, steps[i].want))
			fail_msg("%s %s: %s", steps[i].command, steps[i].args, text);
	}
}

#define EXTENSION_FLAGS(tls, insecure, phones, video)                                          \
	"\"tls\":" tls ",\"srtp\":" tls ",\"sdes_insecure\":" insecure ",\"phones\":\"" phones \
	"\",\"video\":" video

static void test_extension_flags(void **state)
{
	static const struct step steps[] = {
		{ "extension.put", "{\"number\":\"1\",\"password\":\"secret\"}",
		  EXTENSION_FLAGS("false", "false", "multi", "true") },
		{ "extension.put", "{\"number\":\"1\",\"tls\":true}", "\"argument\":\"tls\"" },
		{ "extension.put", "{\"number\":\"1\",\"tls\":true}", "give srtp=true as well" },
		{ "extension.put", "{\"number\":\"1\",\"srtp\":true}", "give tls=true as well" },
		{ "extension.put", "{\"number\":\"1\",\"tls\":true,\"srtp\":false}",
		  "\"bad_argument\"" },
		{ "extension.get", "{\"number\":\"1\"}", "\"tls\":false" },
		{ "extension.put", "{\"number\":\"1\",\"tls\":true,\"srtp\":true}",
		  EXTENSION_FLAGS("true", "false", "multi", "true") },
		{ "extension.put", "{\"number\":\"1\",\"tls\":true}", "\"ok\":true" },
		{ "extension.put", "{\"number\":\"1\",\"srtp\":false}", "give tls=false as well" },
		{ "extension.put",
		  "{\"number\":\"1\",\"phones\":\"single\",\"video\":false,\"sdes_insecure\":true}",
		  EXTENSION_FLAGS("true", "true", "single", "false") },
		{ "extension.put", "{\"number\":\"1\",\"display_name\":\"One\"}",
		  EXTENSION_FLAGS("true", "true", "single", "false") },
		{ "extension.page", "{\"number\":\"2\"}", "\"not_found\"" },
		{ "extension.page", "{\"number\":\"1\"}", "with record_page=true makes one" },
		{ "extension.put", "{\"number\":\"1\",\"record_page_renew\":true}",
		  "it has no page: give record_page=true" },
		{ "extension.put",
		  "{\"number\":\"1\",\"record_page_renew\":true,\"record_page\":true}",
		  "\"record_page\":true" },
		{ "extension.page", "{\"number\":\"1\"}", "recordings.port is 0" },
	};
	static const struct step later[] = {
		{ "extension.page", "{\"number\":\"1\"}", "recordings.port is 0" },
		{ "extension.list", "{}", EXTENSION_FLAGS("true", "true", "single", "false") },
	};

	(void)state;
	node_start_up();
	take(steps, COUNT_OF(steps));
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	take(later, COUNT_OF(later));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

#define FORWARDS(always, busy, no_answer, unreachable, rings, dnd)                          \
	"\"forward_always\":\"" always "\",\"forward_busy\":\"" busy                        \
	"\",\"forward_no_answer\":\"" no_answer "\",\"forward_unreachable\":\"" unreachable \
	"\",\"forward_rings\":" rings ",\"do_not_disturb\":" dnd                            \
	",\"smart_do_not_disturb\":false,\"call_waiting\":\"phone\",\"live_call\":false,"   \
	"\"auto_answer\":\"off\",\"auto_answer_s\":0,\"application\":\"\","                 \
	"\"application_wait_s\":0"

/* MGT-09: outside is off at first where the tenant says so, and nobody who is there loses it. */
static void test_extension_classes(void **state)
{
	static const struct step steps[] = {
		{ "extension.put", "{\"number\":\"1\",\"password\":\"secret\"}",
		  "\"classes\":[\"toll_free\",\"local\",\"national\",\"mobile\"]" },
		{ "tenant.put", "{\"name\":\"default\",\"extension_classes\":[]}",
		  "\"extension_classes\":[]" },
		{ "extension.put", "{\"number\":\"2\",\"password\":\"secret\"}", "\"classes\":[]" },
		/* ADM-23: all else is off at first, too */
		{ "extension.get", "{\"number\":\"2\"}", "\"record\":\"off\"" },
		{ "extension.get", "{\"number\":\"2\"}", "\"announce_inside\":\"\"" },
		{ "extension.get", "{\"number\":\"2\"}", "\"announce_outside\":\"\"" },
		{ "extension.put",
		  "{\"number\":\"3\",\"password\":\"secret\",\"classes\":[\"mobile\"]}",
		  "\"classes\":[\"mobile\"]" },
		{ "extension.put", "{\"number\":\"1\",\"display_name\":\"One\"}",
		  "\"classes\":[\"toll_free\",\"local\",\"national\",\"mobile\"]" },
		{ "tenant.put", "{\"name\":\"default\",\"extension_classes\":[\"local\"]}",
		  "\"classes\":[\"toll_free\"" },
		{ "extension.delete", "{\"number\":\"3\"}", "\"ok\":true" },
		{ "extension.put", "{\"number\":\"4\",\"password\":\"secret\"}",
		  "\"classes\":[\"local\"]" },
	};
	static const struct step later[] = {
		{ "extension.get", "{\"number\":\"2\"}", "\"classes\":[]" },
		{ "extension.delete", "{\"number\":\"4\"}", "\"ok\":true" },
		{ "extension.put", "{\"number\":\"5\",\"password\":\"secret\"}",
		  "\"classes\":[\"local\"]" },
	};

	(void)state;
	node_start_up();
	take(steps, COUNT_OF(steps));
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	take(later, COUNT_OF(later));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_extension_music(void **state)
{
	static const struct step steps[] = {
		{ "extension.put", "{\"number\":\"1\",\"password\":\"secret\"}", "\"music\":\"\"" },
		{ "extension.put", "{\"number\":\"1\",\"music\":\"shop.wav\"}",
		  "\"music\":\"shop.wav\"" },
		{ "extension.put", "{\"number\":\"1\",\"music\":\".hidden\"}",
		  "\"argument\":\"music\"" },
		{ "extension.put", "{\"number\":\"1\",\"music\":\"../up.wav\"}",
		  "\"argument\":\"music\"" },
		{ "extension.put", "{\"number\":\"1\",\"display_name\":\"One\"}",
		  "\"music\":\"shop.wav\"" },
	};
	static const struct step later[] = {
		{ "extension.get", "{\"number\":\"1\"}", "\"music\":\"shop.wav\"" },
		{ "extension.put", "{\"number\":\"1\",\"music\":\"off\"}", "\"music\":\"off\"" },
		{ "extension.put", "{\"number\":\"1\",\"music\":\"\"}", "\"music\":\"\"" },
	};

	(void)state;
	node_start_up();
	take(steps, COUNT_OF(steps));
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	take(later, COUNT_OF(later));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_extension_forward(void **state)
{
	static const struct step steps[] = {
		{ "extension.put", "{\"number\":\"1\",\"password\":\"secret\"}",
		  FORWARDS("", "", "", "", "0", "false") },
		{ "extension.put",
		  "{\"number\":\"1\",\"forward_busy\":\"1234\",\"forward_no_answer\":\"3\","
		  "\"forward_rings\":4}",
		  FORWARDS("", "1234", "3", "", "4", "false") },
		{ "extension.put", "{\"number\":\"1\",\"forward_busy\":\"5\"}",
		  FORWARDS("", "5", "3", "", "4", "false") },
		{ "extension.put",
		  "{\"number\":\"1\",\"forward_busy\":\"\",\"forward_unreachable\":\"6\","
		  "\"forward_always\":\"7\",\"do_not_disturb\":true}",
		  FORWARDS("7", "", "3", "6", "4", "true") },
		{ "extension.put", "{\"number\":\"1\",\"forward_busy\":\"1\"}",
		  "\"argument\":\"forward_busy\"" },
		{ "extension.put", "{\"number\":\"1\",\"forward_no_answer\":\"1\"}",
		  "cannot forward to itself" },
		{ "extension.put",
		  "{\"number\":\"2\",\"password\":\"secret\",\"forward_always\":\"2\"}",
		  "\"bad_argument\"" },
		{ "extension.get", "{\"number\":\"2\"}", "\"not_found\"" },
		{ "extension.put", "{\"number\":\"1\",\"display_name\":\"One\"}",
		  FORWARDS("7", "", "3", "6", "4", "true") },
		{ "extension.put",
		  "{\"number\":\"3\",\"password\":\"secret\",\"smart_do_not_disturb\":true}",
		  "\"smart_do_not_disturb\":true" },
		{ "dialplan.check", "{\"from\":\"3\",\"number\":\"*77\"}",
		  "\"meaning\":\"feature\"" },
		{ "extension.put",
		  "{\"number\":\"3\",\"secondary_proxy\":\"192.0.2.7\","
		  "\"forward_unreachable\":\"6\"}",
		  "\"forward_unreachable\":\"6\"" },
		{ "extension.put", "{\"number\":\"3\",\"mobile_extension\":\"1\"}",
		  "with a secondary_proxy it has none" },
		{ "extension.put",
		  "{\"number\":\"3\",\"secondary_proxy\":\"\",\"mobile_extension\":\"1\"}",
		  "\"mobile_extension\":\"1\"" },
		{ "extension.put", "{\"number\":\"3\",\"secondary_proxy\":\"192.0.2.7\"}",
		  "\"argument\":\"mobile_extension\"" },
		{ "extension.put", "{\"number\":\"3\",\"mobile_extension\":\"3\"}",
		  "cannot forward to itself" },
		{ "extension.put", "{\"number\":\"3\",\"do_not_disturb_codes\":false}",
		  "\"do_not_disturb_codes\":false" },
		{ "dialplan.check", "{\"from\":\"3\",\"number\":\"*77\"}",
		  "\"meaning\":\"barred\"" },
	};
	static const struct step later[] = {
		{ "extension.get", "{\"number\":\"3\"}", "\"smart_do_not_disturb\":true" },
		{ "extension.get", "{\"number\":\"3\"}", "\"mobile_extension\":\"1\"" },
		{ "extension.list", "{}", FORWARDS("7", "", "3", "6", "4", "true") },
		{ "extension.put",
		  "{\"number\":\"1\",\"forward_always\":\"\",\"forward_no_answer\":\"\","
		  "\"forward_unreachable\":\"\",\"forward_rings\":0,\"do_not_disturb\":false}",
		  FORWARDS("", "", "", "", "0", "false") },
	};

	(void)state;
	node_start_up();
	take(steps, COUNT_OF(steps));
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	take(later, COUNT_OF(later));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_profiles(void **state)
{
	static const struct step steps[] = {
		{ "profile.list", "{}", "\"result\":[{\"name\":\"default\",\"codecs\":[]," },
		{ "profile.get", "{\"name\":\"default\"}", "\"video_kbps\":768" },
		{ "profile.delete", "{\"name\":\"default\"}", "always exists" },
		{ "profile.delete", "{\"name\":\"lan\"}", "\"not_found\"" },
		{ "profile.put", "{\"name\":\"lan\",\"codecs\":[\"G722\"]}",
		  "must not be the only codec" },
		{ "profile.put", "{\"name\":\"lan\",\"codecs\":[\"MP3\"]}", "PCMU, PCMA, G722" },
		{ "profile.put", "{\"name\":\"lan\",\"g711_packet_ms\":9}", "from 10 to 60" },
		{ "profile.put", "{\"name\":\"lan\",\"g729_packet_ms\":25}", "multiple of 10" },
		{ "profile.get", "{\"name\":\"lan\"}", "\"not_found\"" },
		{ "profile.put",
		  "{\"name\":\"lan\",\"codecs\":[\"G722\",\"PCMA\"],\"dtmf\":\"info\"}",
		  "\"codecs\":[\"G722\",\"PCMA\"],\"g711_packet_ms\":20,\"g729_packet_ms\":20,"
		  "\"dtmf\":\"info\",\"early_media\":false,\"transport\":\"any\",\"h264\":true,"
		  "\"video_codecs\":[],"
		  "\"video_kbps\":768" },
		{ "profile.put",
		  "{\"name\":\"lan\",\"transport\":\"tls\",\"h264\":false,"
		  "\"video_codecs\":[\"VP8\",\"H264\"]}",
		  "\"codecs\":[\"G722\",\"PCMA\"]" },
		{ "profile.put", "{\"name\":\"default\",\"video_kbps\":512}", "\"ok\":true" },
		{ "profile.range.put",
		  "{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.9\",\"profile\":\"wan\"}",
		  "\"argument\":\"profile\"" },
		{ "profile.range.put",
		  "{\"from\":\"10.0.0.9\",\"to\":\"10.0.0.1\",\"profile\":\"lan\"}",
		  "not be before" },
		{ "profile.range.put", "{\"from\":\"10.0.0.1\",\"to\":\"::1\",\"profile\":\"lan\"}",
		  "must both be IPv4" },
		{ "profile.range.put", "{\"from\":\"10.0.0\",\"to\":\"::1\",\"profile\":\"lan\"}",
		  "\"argument\":\"from\"" },
		{ "profile.range.put",
		  "{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.9\",\"profile\":\"lan\"}",
		  "\"ok\":true" },
		{ "profile.range.put",
		  "{\"from\":\"10.0.0.5\",\"to\":\"10.0.0.50\",\"profile\":\"lan\"}",
		  "overlaps the range from 10.0.0.1 to 10.0.0.9 of profile lan" },
		{ "profile.range.put",
		  "{\"from\":\"2001:db8:0::1\",\"to\":\"2001:db8::F\",\"profile\":\"lan\"}",
		  "\"from\":\"2001:db8::1\",\"to\":\"2001:db8::f\"" },
		{ "profile.range.delete", "{\"from\":\"10.0.0.2\"}", "\"not_found\"" },
		{ "profile.delete", "{\"name\":\"lan\"}", "is named by profile_range 10.0.0.1" },
		{ "profile.range.delete", "{\"from\":\"2001:DB8::1\"}",
		  "\"from\":\"2001:db8::1\"" },
	};
	static const struct step later[] = {
		{ "profile.range.list", "{}",
		  "\"result\":[{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.9\",\"profile\":\"lan\"," },
		{ "profile.get", "{\"name\":\"default\"}", "\"video_kbps\":512" },
		{ "profile.get", "{\"name\":\"lan\"}",
		  "\"transport\":\"tls\",\"h264\":false,\"video_codecs\":[\"H264\",\"VP8\"],"
		  "\"video_kbps\":768" },
		{ "profile.range.delete", "{\"from\":\"10.0.0.1\"}", "\"ok\":true" },
		{ "profile.delete", "{\"name\":\"lan\"}", "{\"name\":\"lan\"}" },
		{ "profile.list", "{}", "\"result\":[{\"name\":\"default\"" },
		{ "profile.get", "{\"name\":\"lan\"}", "\"not_found\"" },
	};

	(void)state;
	node_start_up();
	take(steps, COUNT_OF(steps));
	assert_int_equal(node_end(SIGKILL), -1);
	node_start_up();
	take(later, COUNT_OF(later));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* Many commands are read at once; each sees what those before it left. */
static void test_one_after_the_other(void **state)
{
	static const struct step burst[] = {
		{ "profile.put", "{\"name\":\"p\"}", "\"ok\":true" },
		{ "extension.put", "{\"number\":\"1\",\"password\":\"secret\"}", "\"ok\":true" },
		{ "extension.put", "{\"number\":\"1\",\"video\":false}", "\"ok\":true" },
		{ "extension.put", "{\"number\":\"1\",\"phones\":\"single\"}",
		  EXTENSION_FLAGS("false", "false", "single", "false") },
		{ "profile.range.put",
		  "{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.9\",\"profile\":\"p\"}", "\"ok\":true" },
		{ "profile.range.put",
		  "{\"from\":\"10.0.0.4\",\"to\":\"10.0.0.9\",\"profile\":\"p\"}", "overlaps" },
		{ "profile.delete", "{\"name\":\"p\"}", "is named by profile_range 10.0.0.1" },
		{ "extension.delete", "{\"number\":\"1\"}", "\"ok\":true" },
		{ "extension.delete", "{\"number\":\"1\"}", "\"not_found\"" },
	};
	char client[8];

	(void)state;
	node_start_up();
	assert_int_equal(kill(g_node, SIGSTOP), 0);
	for (size_t i = 0; i < COUNT_OF(burst); i++) {
		(void)snprintf(client, sizeof(client), "b%zu", i);
		(void)server_ask(&g_redis, "XADD %s * v 1 id %s client %s do %s args %s", IN,
				 client, client, burst[i].command, burst[i].args);
	}
	assert_int_equal(kill(g_node, SIGCONT), 0);
	for (size_t i = 0; i < COUNT_OF(burst); i++) {
		const char *text;

		(void)snprintf(client, sizeof(client), "b%zu", i);
		text = answer(client, 0, 10000);
		if (!text || !strstr(text, burst[i].want))
			fail_msg("%s: %s", burst[i].args, text);
	}
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

/* Changes that wait while Redis is gone are all answered, and the next ones work. */
static void test_redis_is_killed(void **state)
{
	char client[8];

	(void)state;
	node_start_up();
	server_kill(&g_redis);
	server_start(&g_redis, NULL);
	for (int i = 0; i < 5; i++) {
		(void)snprintf(client, sizeof(client), "k%d", i);
		(void)server_ask(&g_redis, "XADD %s * v 1 id %s client %s do profile.put args %s",
				 IN, client, client, "{\"name\":\"p\"}");
	}
	for (int i = 0; i < 5; i++) {
		(void)snprintf(client, sizeof(client), "k%d", i);
		assert_non_null(answer(client, 0, 10000));
	}
	assert_non_null(strstr(ask("profile.put", "{\"name\":\"q\"}"), "\"ok\":true"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

static void test_broken_documents(void **state)
{
	(void)state;
	(void)server_ask(&g_redis, "HSET td:{t:default}:doc:profile a {");
	(void)server_ask(&g_redis, "HSET td:{t:default}:doc:profile_range b {}");
	(void)server_ask(&g_redis, "HSET td:{t:default}:doc:profile c %s", "{\"name\":\"c\"}");
	node_start_up();
	assert_true(log_has("records_broken=2"));
	assert_true(log_has("kind=profile_range name=b member=from"));
	assert_non_null(strstr(ask("profile.get", "{\"name\":\"c\"}"), "\"ok\":true"));
	assert_int_equal(node_end(SIGTERM), NODE_EXIT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(test_extension_flags),   NODE_TEST(test_extension_forward),
		NODE_TEST(test_extension_classes), NODE_TEST(test_extension_music),
		NODE_TEST(test_profiles),          NODE_TEST(test_one_after_the_other),
		NODE_TEST(test_redis_is_killed),   NODE_TEST(test_broken_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
