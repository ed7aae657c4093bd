/* SPDX-License-Identifier: Apache-2.0 */
/* key=value words as JSON. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "app/ctl/ctl.h"
#include "app/document/extension.h"
#include "sig/sip/uri.h"

enum { SECRET_MAX = 1024 };

/* One line; from a terminal without showing it. NULL: none came. */
static json_t *secret_read(const char *name)
{
	char line[SECRET_MAX];
	struct termios before, hidden;
	bool terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
	struct bytes text;
	json_t *json = NULL;
	char *got;

	if (terminal) {
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		(void)fprintf(stderr, "%s: ", name);
	}
	got = fgets(line, sizeof(line), stdin);
	if (terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
	}
	if (got) {
		text = bytes_str(line);
		if (text.n && text.p[text.n - 1] == '\n')
			text.n--;
		json = json_stringn((const char *)text.p, text.n);
	}
	OPENSSL_cleanse(line, sizeof(line));
	return json;
}

/* "a,b" as ["a","b"]; "" as []. NULL: not UTF-8. */
static json_t *list_read(const char *value)
{
	struct bytes rest = bytes_str(value), word;
	json_t *list = json_array();

	while (bytes_cut(&rest, ',', &word)) {
		if (json_array_append_new(list, json_stringn((const char *)word.p, word.n))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* In place of state=on and state=off. */
static const struct command_arg g_on = { .name = "on", .type = ARG_BOOL };

/* As the API has it; as tables show it; and as people say it. */
static const char *const g_switch_words[] = { "false", "true", "no", "yes", "off", "on" };

/* A text that does not fit the type stays a string: the check says what is allowed. */
static json_t *args_value_read(const struct command_arg *arg, const char *value)
{
	uint64_t number;

	switch (arg->type) {
	case ARG_U64:
		if (!bytes_u64(bytes_str(value), &number) && number <= INT64_MAX)
			return json_integer((json_int_t)number);
		break;
	case ARG_BOOL:
		for (size_t i = 0; i < COUNT_OF(g_switch_words); i++) {
			if (!strcmp(value, g_switch_words[i]))
				return json_boolean(i % 2);
		}
		break;
	case ARG_LIST:
		return list_read(value);
	case ARG_STRING:
	case ARG_ENUM:
	case ARG_SECRET:
		break;
	}
	return json_string(value);
}

static bool word_add(json_t *args, const struct command *command, const char *word)
{
	struct bytes rest = bytes_str(word), name;
	const struct command_arg *arg;
	const char *value = strchr(word, '=');
	json_t *json;

	if (!value || !bytes_cut(&rest, '=', &name)) {
		ctl_complain("'%s' is no key=value", word);
		return false;
	}
	arg = command_arg_find(command, name);
	if (!arg && bytes_is(name, g_command_tenant.name))
		arg = &g_command_tenant;
	if (!arg && bytes_is(name, g_on.name) && command_arg_find(command, BYTES_LIT("state")))
		arg = &g_on;
	if (!arg) {
		ctl_complain("%s has no argument '" BYTES_FMT "'; see tandemctl help %s",
			     command->name, BYTES_ARG(name), command->name);
		return false;
	}
	value++;
	if (arg->type == ARG_SECRET && strcmp(value, "-") != 0) {
		ctl_complain(
			"others can see the command line: write %s=- and give it on standard input",
			arg->name);
		return false;
	}
	json = arg->type == ARG_SECRET ? secret_read(arg->name) : args_value_read(arg, value);
	if (!json || json_object_set_new(args, arg->name, json)) {
		ctl_complain(arg->type == ARG_SECRET ? "%s: nothing usable came on standard input"
						     : "%s must be UTF-8",
			     arg->name);
		return false;
	}
	return true;
}

/* 0, or -EINVAL and *error. Whose command it is says an operator beside its arguments. */
static int args_check(const struct command *command, json_t *args, struct command_error *error)
{
	static struct command_value values[COMMAND_ARGS_MAX]; /* too large for a stack */
	struct command_value whose;
	json_t *tenant = json_object_get(args, g_command_tenant.name);
	int err;

	if (!tenant || command_arg_find(command, bytes_str(g_command_tenant.name)))
		return command_check(command, args, values, error);
	json_incref(tenant);
	(void)json_object_del(args, g_command_tenant.name);
	err = command_arg_check(&g_command_tenant, given_json(tenant), &whose, error);
	if (!err)
		err = command_check(command, args, values, error);
	(void)json_object_set_new(args, g_command_tenant.name, tenant);
	return err;
}

json_t *ctl_args(const struct command *command, int argc, char **argv)
{
	struct command_error error = { 0 };
	json_t *args = json_object();
	bool fine = args != NULL;

	for (int i = 0; fine && i < argc; i++)
		fine = word_add(args, command, argv[i]);
	if (fine && args_check(command, args, &error)) {
		ctl_complain("%s: %s", command_error_name(error.code), error.message);
		fine = false;
	}
	if (!fine) {
		json_decref(args);
		return NULL;
	}
	return args;
}

const char *ctl_realm(const json_t *args)
{
	return json_object_get(args, "user") ? json_string_value(json_object_get(args, "realm"))
					     : NULL;
}

/* An extension's number, or the user of a trunk. */
static const char *user_of(const json_t *args)
{
	const json_t *number = json_object_get(args, "number");

	return json_string_value(number || !ctl_realm(args) ? number
							    : json_object_get(args, "user"));
}

bool ctl_has_password(const json_t *args)
{
	return user_of(args) && json_object_get(args, "password") && !json_object_get(args, "ha1");
}

/* "2=HASHES,5=HASHES" of the locations that are given; what is none of them the node refuses. */
static bool locations_hash(json_t *args, const char *realm, const json_t *password)
{
	struct bytes list = bytes_str(json_string_value(json_object_get(args, "locations"))), one;
	char text[EXTENSION_LOCATIONS_MAX * (HA1_TEXT + 7) + 1], ha1[HA1_TEXT + 1], name[128];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct digest_secret secret;
	uint16_t id;
	bool fine = true;

	while (bytes_cut(&list, ',', &one)) {
		struct writer user = writer_over(name, sizeof(name));

		if (location_read(one, &id))
			continue;
		located_user_write(&user, bytes_str(user_of(args)), id);
		digest_secret_make(&secret, writer_done(&user), bytes_str(realm),
				   bytes_mem(json_string_value(password),
					     json_string_length(password)));
		ha1_write(ha1, &secret);
		writer_number(&w, w.n ? "," : "", id, "=");
		writer_str(&w, ha1);
	}
	text[w.n] = '\0';
	if (w.n && !w.overflow)
		fine = !json_object_set_new(args, "location_ha1", json_string(text));
	OPENSSL_cleanse(&secret, sizeof(secret));
	OPENSSL_cleanse(ha1, sizeof(ha1));
	OPENSSL_cleanse(text, sizeof(text));
	return fine;
}

bool ctl_hash_password(json_t *args, const char *realm)
{
	const json_t *password = json_object_get(args, "password");
	char ha1[HA1_TEXT + 1];
	struct digest_secret secret;
	bool fine;

	if (!ctl_has_password(args))
		return true;
	digest_secret_make(&secret, bytes_str(user_of(args)), bytes_str(realm),
			   bytes_mem(json_string_value(password), json_string_length(password)));
	ha1_write(ha1, &secret);
	fine = locations_hash(args, realm, password) &&
	       !json_object_set_new(args, "ha1", json_string(ha1)) &&
	       !json_object_del(args, "password");
	OPENSSL_cleanse(&secret, sizeof(secret));
	OPENSSL_cleanse(ha1, sizeof(ha1));
	return fine;
}
