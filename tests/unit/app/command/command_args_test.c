/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of commands takes as their arguments, and how it refuses others. */
#include "app/schema/command.h"
#include "tests/unit/test.h"

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *name, *command, *args;
	int code; /* -1: fine */
	const char *argument, *message;
} ROWS[] = {
	{ "nothing given", "call.list", NULL, -1, NULL, NULL },
	{ "empty object", "call.list", "{}", -1, NULL, NULL },
	{ "limit", "call.list", "{\"limit\":1000}", -1, NULL, NULL },
	{ "no object", "call.list", "[1]", COMMAND_BAD_REQUEST, NULL, "JSON object" },
	{ "unknown argument", "call.list", "{\"limt\":1}", COMMAND_UNKNOWN_ARGUMENT, NULL,
	  "takes number" },
	{ "none allowed", "profile.list", "{\"x\":1}", COMMAND_UNKNOWN_ARGUMENT, NULL,
	  "no argument" },
	{ "missing", "extension.get", "{}", COMMAND_MISSING_ARGUMENT, "number", "is required" },
	{ "limit 0", "call.list", "{\"limit\":0}", COMMAND_BAD_ARGUMENT, "limit",
	  "from 1 to 1000" },
	{ "limit above", "call.list", "{\"limit\":1001}", COMMAND_BAD_ARGUMENT, "limit",
	  "from 1 to 1000" },
	{ "limit negative", "call.list", "{\"limit\":-1}", COMMAND_BAD_ARGUMENT, "limit",
	  "whole number" },
	{ "limit fraction", "call.list", "{\"limit\":1.5}", COMMAND_BAD_ARGUMENT, "limit",
	  "whole number" },
	{ "limit text", "call.list", "{\"limit\":\"5\"}", COMMAND_BAD_ARGUMENT, "limit",
	  "whole number" },
	{ "limit null", "call.list", "{\"limit\":null}", COMMAND_BAD_ARGUMENT, "limit",
	  "whole number" },
	{ "number is none", "extension.get", "{\"number\":1001}", COMMAND_BAD_ARGUMENT, "number",
	  "a string" },
	{ "number empty", "extension.get", "{\"number\":\"\"}", COMMAND_BAD_ARGUMENT, "number",
	  "1 to 63" },
	{ "number long", "extension.get", "{\"number\":\"" LONG_NAME "\"}", COMMAND_BAD_ARGUMENT,
	  "number", "1 to 63" },
	{ "number with blank", "extension.get", "{\"number\":\"10 1\"}", COMMAND_BAD_ARGUMENT,
	  "number", "letters, digits" },
	{ "number with NUL", "extension.get", "{\"number\":\"10\\u0000\"}", COMMAND_BAD_ARGUMENT,
	  "number", "letters, digits" },
	{ "feature code", "extension.get", "{\"number\":\"*55#\"}", -1, NULL, NULL },
	{ "call id short", "call.show", "{\"call\":\"1\"}", COMMAND_BAD_ARGUMENT, "call",
	  "must have 13 characters" },
	{ "call id letter", "call.show", "{\"call\":\"000000000000z\"}", COMMAND_BAD_ARGUMENT,
	  "call", "a to v" },
	{ "digits", "call.dtmf",
	  "{\"call\":\"0000000000001\",\"leg\":\"b\",\"digits\":\"0123456789*#ABCD\"}", -1, NULL,
	  NULL },
	{ "digits of a word", "call.dtmf",
	  "{\"call\":\"0000000000001\",\"leg\":\"b\",\"digits\":\"12e\"}", COMMAND_BAD_ARGUMENT,
	  "digits", "'*', '#'" },
	{ "a switch", "call.hold", "{\"call\":\"0000000000001\",\"leg\":\"a\",\"on\":false}", -1,
	  NULL, NULL },
	{ "a switch that has a state", "call.record",
	  "{\"call\":\"0000000000001\",\"leg\":\"a\",\"on\":true}", -1, NULL, NULL },
	{ "true is on", "call.record", "{\"call\":\"0000000000001\",\"leg\":\"a\",\"state\":true}",
	  -1, NULL, NULL },
	{ "false is off", "profile.put", "{\"name\":\"x\",\"transcode\":\"false\"}", -1, NULL,
	  NULL },
	{ "false is no word", "call.hold", "{\"call\":\"0000000000001\",\"leg\":false}",
	  COMMAND_BAD_ARGUMENT, "leg", "one of" },
	{ "on and state", "call.record",
	  "{\"call\":\"0000000000001\",\"leg\":\"a\",\"state\":\"on\",\"on\":true}",
	  COMMAND_UNKNOWN_ARGUMENT, NULL, "and nothing else" },
	{ "on of no switch", "call.hangup", "{\"call\":\"0000000000001\",\"on\":true}",
	  COMMAND_UNKNOWN_ARGUMENT, NULL, "and nothing else" },
	{ "no leg", "call.hold", "{\"call\":\"0000000000001\"}", COMMAND_MISSING_ARGUMENT, "leg",
	  "required" },
	{ "leg of no call", "call.hold", "{\"call\":\"0000000000001\",\"leg\":\"c\"}",
	  COMMAND_BAD_ARGUMENT, "leg", "a, b" },
	{ "level", "log.level", "{\"level\":\"debug\"}", -1, NULL, NULL },
	{ "level unknown", "log.level", "{\"level\":\"loud\"}", COMMAND_BAD_ARGUMENT, "level",
	  "error, warn, info, debug" },
	{ "level case", "log.level", "{\"level\":\"Debug\"}", COMMAND_BAD_ARGUMENT, "level",
	  "one of" },
	{ "boolean", "extension.put", "{\"number\":\"1\",\"enabled\":\"yes\"}",
	  COMMAND_BAD_ARGUMENT, "enabled", "true or false" },
	{ "short secret", "extension.put", "{\"number\":\"1\",\"password\":\"abc\"}",
	  COMMAND_BAD_ARGUMENT, "password", "4 to 128" },
	{ "control character", "extension.put", "{\"number\":\"1\",\"password\":\"ab\\ncd\"}",
	  COMMAND_BAD_ARGUMENT, "password", "control" },
	{ "PIN", "extension.put", "{\"number\":\"1\",\"pin\":\"2580\"}", -1, NULL, NULL },
	{ "no PIN", "extension.put", "{\"number\":\"1\",\"pin\":\"off\"}", -1, NULL, NULL },
	{ "short PIN", "room.put", "{\"number\":\"1\",\"pin\":\"258\"}", COMMAND_BAD_ARGUMENT,
	  "pin", "4 to 16 digits, or off" },
	{ "long PIN", "extension.put", "{\"number\":\"1\",\"pin\":\"25802580258025802\"}",
	  COMMAND_BAD_ARGUMENT, "pin", "4 to 16 digits, or off" },
	{ "PIN with a letter", "room.put", "{\"number\":\"1\",\"host_pin\":\"258a\"}",
	  COMMAND_BAD_ARGUMENT, "host_pin", "4 to 16 digits, or off" },
	{ "no forward", "extension.put", "{\"number\":\"1\",\"forward_busy\":\"\"}", -1, NULL,
	  NULL },
	{ "long forward", "extension.put",
	  "{\"number\":\"1\",\"forward_busy\":\""
	  "1234567890123456789012345678901234567890123456789012345678901234"
	  "1234567890123456789012345678901234567890123456789012345678901234\"}",
	  COMMAND_BAD_ARGUMENT, "forward_busy", "0 to 127" },
	{ "forward to no number", "extension.put",
	  "{\"number\":\"1\",\"forward_always\":\"sip:2@x\"}", COMMAND_BAD_ARGUMENT,
	  "forward_always", "letters, digits" },
	{ "rings", "extension.put", "{\"number\":\"1\",\"forward_rings\":21}", COMMAND_BAD_ARGUMENT,
	  "forward_rings", "from 0 to 20" },
	{ "a link", "call.originate", "{\"from\":\"1\",\"to\":\"tel:+49-30-12;ext=3\"}", -1, NULL,
	  NULL },
	{ "a link to no number", "call.originate", "{\"from\":\"1\",\"to\":\"tel:\"}",
	  COMMAND_BAD_ARGUMENT, "to", "1 to 63" },
	{ "a link to a page", "call.originate", "{\"from\":\"1\",\"to\":\"http://1002\"}",
	  COMMAND_BAD_ARGUMENT, "to", "tel: or callto:" },
	{ "a link with a blank", "call.originate", "{\"from\":\"1\",\"to\":\"tel:1%2002\"}",
	  COMMAND_BAD_ARGUMENT, "to", "tel: or callto:" },
	{ "a link as caller", "call.originate", "{\"from\":\"tel:1\",\"to\":\"2\"}",
	  COMMAND_BAD_ARGUMENT, "from", "letters, digits" },
	{ "display name", "extension.put",
	  "{\"number\":\"1\",\"display_name\":\"J\\u00e9r\\u00f4me \\\"X\\\"\"}", -1, NULL, NULL },
};

static const struct {
	const char *name, *args, *message; /* NULL: fine */
} LISTS[] = {
	{ "none", "[]", NULL },
	{ "in order", "[\"opus\",\"PCMA\"]", NULL },
	{ "no list", "\"PCMA\"", "a list of 0 to 16 words" },
	{ "unknown", "[\"PCMA\",\"MP3\"]", "different words of: PCMU, PCMA, G722, G723, G729" },
	{ "case", "[\"pcma\"]", "different words of" },
	{ "twice", "[\"PCMA\",\"PCMU\",\"PCMA\"]", "different words" },
	{ "a number", "[8]", "different words of" },
	{ "too many",
	  "[\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\","
	  "\"1\",\"1\",\"1\"]",
	  "a list of 0 to 16 words" },
};

/* What is dialled: the number in a link, as an operator's desktop hands it over. */
static const struct {
	const char *to, *number;
} LINKS[] = {
	{ "1002", "1002" },
	{ "*72#", "*72#" },
	{ "tel:1002", "1002" },
	{ "TEL:+49-(30)-12.34", "+49301234" },
	{ "tel:1002;phone-context=example.com", "1002" },
	{ "callto:1002", "1002" },
	{ "callto://+4930123", "+4930123" },
	{ "tel:%2B4930", "+4930" },
};

static void test_links(void **state)
{
	const struct command *command = command_find(BYTES_LIT("call.originate"));
	size_t at = (size_t)(command_arg_find(command, BYTES_LIT("to")) - command->args);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(LINKS); i++) {
		struct command_value values[COMMAND_ARGS_MAX];
		struct command_error e = { 0 };
		json_t *args = json_pack("{s:s, s:s}", "from", "1001", "to", LINKS[i].to);

		ROW_ASSERT(LINKS[i].to, command_check(command, args, values, &e) == 0);
		ROW_ASSERT(LINKS[i].to, bytes_is(values[at].text, LINKS[i].number));
		json_decref(args);
	}
}

static void test_lists(void **state)
{
	const struct command *command = command_find(BYTES_LIT("profile.put"));
	size_t at = (size_t)(command_arg_find(command, BYTES_LIT("codecs")) - command->args);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(LISTS); i++) {
		struct command_value values[COMMAND_ARGS_MAX];
		struct command_error e = { 0 };
		json_t *args = json_pack("{s:s, s:o}", "name", "x", "codecs",
					 json_loads(LISTS[i].args, JSON_DECODE_ANY, NULL));
		int err = command_check(command, args, values, &e);

		ROW_ASSERT(LISTS[i].name, (err == 0) == !LISTS[i].message);
		ROW_ASSERT(LISTS[i].name, !err || strstr(e.message, LISTS[i].message));
		ROW_ASSERT(LISTS[i].name, !err || !strcmp(e.argument, "codecs"));
		if (i == 1) {
			assert_int_equal(values[at].number, 2);
			assert_string_equal(command->args[at].names[values[at].list[0]], "opus");
			assert_string_equal(command->args[at].names[values[at].list[1]], "PCMA");
		}
		json_decref(args);
	}
}

static void test_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct command_value values[COMMAND_ARGS_MAX];
		struct command_error e = { 0 };
		const struct command *command = command_find(bytes_str(ROWS[i].command));
		json_t *args = ROWS[i].args ? json_loads(ROWS[i].args, JSON_ALLOW_NUL, NULL) : NULL;
		int err;

		ROW_ASSERT(ROWS[i].name, command && !args == !ROWS[i].args);
		err = command_check(command, args, values, &e);
		ROW_ASSERT(ROWS[i].name, (err == 0) == (ROWS[i].code < 0));
		if (err) {
			ROW_ASSERT(ROWS[i].name, (int)e.code == ROWS[i].code);
			ROW_ASSERT(ROWS[i].name, !e.argument == !ROWS[i].argument);
			ROW_ASSERT(ROWS[i].name,
				   !e.argument || !strcmp(e.argument, ROWS[i].argument));
			if (!strstr(e.message, ROWS[i].message))
				fail_msg("%s: %s", ROWS[i].name, e.message);
		}
		json_decref(args);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
