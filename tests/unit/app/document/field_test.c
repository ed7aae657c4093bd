/* SPDX-License-Identifier: Apache-2.0 */
/* Each field of each kind of document, by the tables alone: a line more in one of them is tested as it stands. */
#include "app/schema/field.h"

#include <errno.h>

#include "app/document/document.h"
#include "app/schema/extension.h"
#include "app/schema/profile.h"
#include "app/schema/tenant_field.h"
#include "tests/unit/test.h"

enum { ROUNDS = COMMAND_LIST_MAX };

static const struct seal_key g_key = { .id = 1, .octets = { 1, 2, 3 } };
static struct rand_source g_rand = { .state = { 1, 2, 3, 4 }, .seeded = 1 };

union value {
	struct extension extension;
	struct profile profile;
	struct profile_range range;
	struct dial_document dial;
	struct tenant_value tenant;
};

static const struct kind {
	const char *put;
	const struct command_arg *fields;
	const struct form *form; /* NULL: an extension, which has a secret */
} g_kinds[] = {
	{ "extension.put", g_extension_fields, NULL },
	{ "profile.put", g_profile_fields, &g_profile_form },
	{ "profile.range.put", g_range_fields, &g_range_form },
	{ "dialplan.put", g_dial_fields, &g_dial_form },
	{ "tenant.put", g_tenant_fields, &g_tenant_form },
};

static json_t *kind_write(const struct kind *kind, const union value *v)
{
	return kind->form ? form_document(kind->form, v)
			  : extension_to_document(&v->extension, &g_key, &g_rand);
}

static int kind_read(const struct kind *kind, union value *v, struct bytes text,
		     const char **reason)
{
	return kind->form ? form_read(kind->form, v, text, reason)
			  : extension_from_document(&v->extension, text, &g_key, reason);
}

static json_t *kind_view(const struct kind *kind, const union value *v)
{
	return kind->form ? form_view(kind->form, v) : extension_to_view(&v->extension, "tandem");
}

#define EACH_FIELD(arg, of)                                                  \
	for (const struct command_arg *arg = (of)->fields; arg->name; arg++) \
		if (arg->field.kind)

static size_t names_count(const struct command_arg *arg)
{
	size_t n = 0;

	while (arg->names[n])
		n++;
	return n;
}

/* As many words as are allowed, others and in another order each round; at first none. */
static json_t *words(const struct command_arg *arg, size_t round)
{
	size_t count = names_count(arg), n = round < count ? round : count;
	json_t *list = json_array();

	for (size_t i = 0; i < n && i < arg->max; i++) {
		size_t at = arg->field.kind == FIELD_BITS ? i : (round + count - i) % count;

		(void)json_array_append_new(list, json_string(arg->names[at]));
	}
	return list;
}

/* A text of a form of its own has one digit at most. */
static json_t *letters(const struct command_arg *arg, size_t round)
{
	char text[2048];
	size_t n = arg->field.wrong ? round % 2 : round % 2 ? arg->max : arg->min;

	/* An extension has one of these. */
	if (!strcmp(arg->name, round % 4 == 1 ? "mobile_extension" : "secondary_proxy"))
		return json_string("");
	if (n && (bytes_starts(bytes_str(arg->name), "code_") ||
		  bytes_starts(bytes_str(arg->name), "call_code_")))
		return json_string("off");
	if (n && (!strcmp(arg->name, "rules") || !strcmp(arg->name, "dial_rules")))
		return json_string("7>");
	if (n && !strcmp(arg->name, "extensions")) /* the access code is 7 */
		return json_string("3xx");
	if (n && !strcmp(arg->name, "greetings"))
		return json_string("away=7.wav,default=prompt:closed");
	if (n && (!strcmp(arg->name, "mailbox_mail") || !strcmp(arg->name, "mail")))
		return json_string("one@example.org");
	if (n && !strcmp(arg->name, "lamps"))
		return json_string("1=blf:1002,10=park:70:Hall");
	if (n && !strcmp(arg->name, "web_networks"))
		return json_string("10.1.0.0/16");
	if (n && !strcmp(arg->name, "multicast_addresses"))
		return json_string("239.1.0.0/16");
	if (n && !strcmp(arg->name, "push_contact"))
		return json_string("mailto:admin@example.org");
	if (n && !strcmp(arg->name, "outside_day_begins"))
		return json_string("23:59");
	if (n && !strcmp(arg->name, "seats"))
		return json_string("web=7");
	if (n && !strcmp(arg->name, "user_room_numbers"))
		return json_string("7000-7099");
	if (n && arg->charset == CHARSET_RANGES)
		return json_string("sales=10-19,back=7-9");
	assert_true(n < sizeof(text));
	memset(text, '7', n);
	return json_stringn(text, n);
}

static json_t *sample(const struct command_arg *arg, size_t round)
{
	switch (arg->type) {
	case ARG_BOOL:
		return json_boolean(round % 2);
	case ARG_U64:
		return json_integer((json_int_t)(round % 2 ? arg->max : arg->min));
	case ARG_ENUM:
		return json_string(arg->names[round % names_count(arg)]);
	case ARG_LIST:
		return words(arg, round);
	case ARG_STRING:
		if (arg->charset == CHARSET_IP)
			return json_string(round % 2 ? "2001:db8::1" : "192.0.2.1");
		return letters(arg, round);
	case ARG_SECRET:
	case ARG_JSON:
		break;
	}
	return NULL;
}

static json_t *samples(const struct kind *kind, size_t round)
{
	json_t *args = json_object();

	EACH_FIELD(arg, kind)
	ROW_ASSERT(arg->name, !json_object_set_new(args, arg->name, sample(arg, round)));
	return args;
}

static void put(const struct kind *kind, json_t *args, union value *v)
{
	const struct command *command = command_find(bytes_str(kind->put));
	struct command_run *run = calloc(1, sizeof(*run));
	struct command_error error = { 0 };

	assert_ptr_equal(command->args, kind->fields);
	*run = (struct command_run){ .command = command, .args = args };
	if (command_check(command, args, run->values, &error))
		fail_msg("%s: %s", kind->put, error.message);
	memset(v, 0, sizeof(*v));
	if (!kind->form)
		memcpy(v->extension.realm, "tandem", sizeof("tandem"));
	assert_true(fields_read_args(run, kind->fields, v));
	if (!kind->form && v->extension.locations[0]) { /* each has a hash, beside the field */
		v->extension.located.count = 1;
		v->extension.located.of[0].location = 7;
	}
	free(run);
}

/* Put, written, read and shown, it is what was given. */
static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_kinds) * ROUNDS; i++) {
		const struct kind *kind = &g_kinds[i / ROUNDS];
		json_t *args = samples(kind, i % ROUNDS), *document, *view;
		union value v, again;
		const char *reason = NULL;
		char *text;

		put(kind, args, &v);
		document = kind_write(kind, &v);
		text = json_dumps(document, JSON_COMPACT);
		memset(&again, 0, sizeof(again));
		if (kind_read(kind, &again, bytes_str(text), &reason))
			fail_msg("%s: %s of %s", kind->put, reason, text);
		assert_memory_equal(&v, &again, sizeof(v));
		view = kind_view(kind, &again);
		EACH_FIELD(arg, kind)
		ROW_ASSERT(arg->name, json_equal(json_object_get(view, arg->name),
						 json_object_get(args, arg->name)));
		free(text);
		json_decref(view);
		json_decref(document);
		json_decref(args);
	}
}

/* None of these is a value of any field of that type. */
static const struct {
	enum command_arg_type type;
	const char *json;
} g_bad[] = {
	{ ARG_STRING, "null" },
	{ ARG_STRING, "7" },
	{ ARG_STRING, "\"7\\u0007\"" },
	{ ARG_BOOL, "null" },
	{ ARG_BOOL, "1" },
	{ ARG_BOOL, "\"true\"" },
	{ ARG_U64, "null" },
	{ ARG_U64, "-1" },
	{ ARG_U64, "\"7\"" },
	{ ARG_U64, "7.0" },
	{ ARG_U64, "4294967296" },
	{ ARG_ENUM, "null" },
	{ ARG_ENUM, "0" },
	{ ARG_ENUM, "\"no such word\"" },
	{ ARG_LIST, "null" },
	{ ARG_LIST, "\"no list\"" },
	{ ARG_LIST, "[7]" },
};

static void refused(const struct kind *kind, const struct command_arg *arg, json_t *bad)
{
	const struct command *command = command_find(bytes_str(kind->put));
	struct command_value values[COMMAND_ARGS_MAX];
	struct command_error error = { 0 };
	json_t *args = samples(kind, 1), *document;
	const char *reason = NULL;
	union value v;
	char *text;

	put(kind, args, &v);
	document = kind_write(kind, &v);
	(void)json_object_set(args, arg->name, bad);
	(void)json_object_set_new(document, arg->name, bad);
	text = json_dumps(document, JSON_COMPACT);
	ROW_ASSERT(text, command_check(command, args, values, &error) == -EINVAL);
	ROW_ASSERT(text, error.argument && !strcmp(error.argument, arg->name));
	ROW_ASSERT(text, kind_read(kind, &v, bytes_str(text), &reason) == -EBADMSG);
	ROW_ASSERT(text, reason && !strcmp(reason, arg->name));
	free(text);
	json_decref(document);
	json_decref(args);
}

static json_t *too_long(const struct command_arg *arg)
{
	char text[2048];

	assert_true(arg->max + 1 < sizeof(text));
	memset(text, '7', arg->max + 1);
	return json_stringn(text, arg->max + 1);
}

/* The command and the document say which field it is. */
static void test_bad_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_kinds); i++) {
		EACH_FIELD(arg, &g_kinds[i])
		{
			for (size_t k = 0; k < COUNT_OF(g_bad); k++) {
				if (g_bad[k].type == arg->type)
					refused(&g_kinds[i], arg,
						json_loads(g_bad[k].json, JSON_DECODE_ANY, NULL));
			}
			if (arg->type == ARG_STRING)
				refused(&g_kinds[i], arg, too_long(arg));
			if (arg->type == ARG_U64)
				refused(&g_kinds[i], arg, json_integer((json_int_t)arg->max + 1));
		}
	}
}

/* An older document lacks it. */
static void test_absent(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_kinds); i++) {
		json_t *args = samples(&g_kinds[i], 0), *document;
		union value v;

		put(&g_kinds[i], args, &v);
		document = kind_write(&g_kinds[i], &v);
		EACH_FIELD(arg, &g_kinds[i])
		{
			json_t *older = json_copy(document);
			const char *reason = "";
			char *text;
			int err;

			(void)json_object_del(older, arg->name);
			text = json_dumps(older, JSON_COMPACT);
			err = kind_read(&g_kinds[i], &v, bytes_str(text), &reason);
			ROW_ASSERT(text, err == (arg->required ? -EBADMSG : 0));
			ROW_ASSERT(text, !err || !strcmp(reason, arg->name));
			free(text);
			json_decref(older);
		}
		json_decref(document);
		json_decref(args);
	}
}

/* No two fields share an octet, and a number has a size that can be read. */
static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_kinds); i++) {
		EACH_FIELD(arg, &g_kinds[i])
		{
			EACH_FIELD(other, &g_kinds[i])
			ROW_ASSERT(arg->name,
				   other == arg ||
					   other->field.at >= arg->field.at + arg->field.size ||
					   arg->field.at >= other->field.at + other->field.size);
			ROW_ASSERT(arg->name, arg->field.kind < FIELD_NUMBER ||
						      arg->field.kind == FIELD_NAMES ||
						      arg->field.size == 1 ||
						      arg->field.size == 2 || arg->field.size == 4);
		}
	}
}

/* Slots in front, weights and labels behind; words that say of what kind a name is; what names nothing. */
static void test_references(void **state)
{
	static const struct {
		struct field f;
		const char *text, *names; /* "kind name kind name" */
	} rows[] = {
		{ { .refers = "hours" }, "office,*,night", "hours office hours night" },
		{ { .refers = "hours" }, "08:00-18:00", "" },
		{ { .refers = "number", .weighted = true },
		  "1001:5, 1002",
		  "number 1001 number 1002" },
		{ { .refers = "trunk", .weighted = true }, "a:1:10,b", "trunk a trunk b" },
		{ { .refers = "number" }, "flow:night", "flow night" },
		{ { .refers = "number" }, "sip:x@example.org,{digits},group:sales", "group sales" },
		{ { .refers = "" }, "1=blf:1001:Ann,2=park:70", "number 1001" },
		{ { .refers = "" },
		  "away=prompt:gone,default=hello,busy=recording:1-2",
		  "prompt gone" },
		{ { .refers = "" }, "https://example.org/a,b", "" },
		{ { 0 }, "1001", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes text = bytes_str(rows[i].text);
		struct reference what;
		char all[128] = "";
		struct writer w = writer_over(all, sizeof(all) - 1);

		while (field_refers_next(&rows[i].f, &text, &what))
			writer_fmt(&w, "%s%s " BYTES_FMT, w.n ? " " : "", what.kind,
				   BYTES_ARG(what.name));
		ROW_ASSERT(rows[i].text, !strcmp(all, rows[i].names));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad_values), cmocka_unit_test(test_absent),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
